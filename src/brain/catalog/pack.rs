//! The catalog as it is kept: a line that says what it is, a line with the place of each provider, and each provider by
//! itself, compressed. A turn needs one of them, and opens no other.

use super::Entry;
use pryx_terms::Timestamp;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The first line: another form is no error but somebody else's file.
const MAGIC: &[u8] = b"pryx-models 1\n";

/// Largest file read. The whole catalog of 2026 has a few hundred KiB.
pub(super) const MAX_FILE: usize = 32 * 1024 * 1024;

/// Largest provider, unpacked. The largest of 2026 has about 200 KiB.
const MAX_ENTRY: usize = 16 * 1024 * 1024;

/// How hard to compress: it's done once a day, and the result is read with every turn.
const LEVEL: i32 = 15;

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    /// Of when the data are.
    date: Timestamp,
    /// What the server calls this version of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    /// Where each provider is: offset behind this line, and length.
    providers: BTreeMap<String, (usize, usize)>,
}

/// A packed catalog.
#[derive(Debug)]
pub(super) struct Pack {
    head: Head,
    bytes: Cow<'static, [u8]>,
    body: usize,
}

/// Packs providers.
pub(super) fn write(
    providers: &BTreeMap<String, Entry>,
    date: Timestamp,
    etag: Option<String>,
) -> std::io::Result<Vec<u8>> {
    let (mut places, mut body) = (BTreeMap::new(), Vec::new());
    for (id, entry) in providers {
        let packed = zstd::bulk::compress(&serde_json::to_vec(entry)?, LEVEL)?;
        places.insert(id.clone(), (body.len(), packed.len()));
        body.extend(packed);
    }
    let mut file = MAGIC.to_vec();
    serde_json::to_writer(&mut file, &Head { date, etag, providers: places })?;
    file.push(b'\n');
    file.extend(body);
    Ok(file)
}

impl Pack {
    /// Reads the head; none when it is no such file.
    pub(super) fn open(bytes: Cow<'static, [u8]>) -> Option<Self> {
        let rest = bytes.strip_prefix(MAGIC)?;
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let head = serde_json::from_slice(&rest[..end]).ok()?;
        let body = MAGIC.len() + end + 1;
        Some(Self { head, bytes, body })
    }

    pub(super) fn date(&self) -> Timestamp {
        self.head.date
    }

    pub(super) fn etag(&self) -> Option<&str> {
        self.head.etag.as_deref()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.head.providers.keys().map(String::as_str)
    }

    /// One provider; none when there is none or it is damaged.
    pub(super) fn entry(&self, id: &str) -> Option<Entry> {
        let (offset, length) = *self.head.providers.get(id)?;
        let from = self.body.checked_add(offset)?;
        let packed = self.bytes.get(from..from.checked_add(length)?)?;
        let size = usize::try_from(zstd::zstd_safe::get_frame_content_size(packed).ok()??).ok()?;
        let plain = (size <= MAX_ENTRY).then(|| zstd::bulk::decompress(packed, size))?.ok()?;
        serde_json::from_slice(&plain).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample() -> Vec<u8> {
        let providers = super::super::source::read(
            br#"{"a": {"env": ["A_KEY"], "models": {"m": {"limit": {"context": 7}}}}, "b": {"name": "B"}}"#,
        );
        write(&providers.unwrap(), Timestamp::UNIX_EPOCH, Some("\"tag\"".into())).unwrap()
    }

    #[test]
    fn what_goes_in_comes_out() {
        let pack = Pack::open(sample().into()).unwrap();
        assert_eq!((pack.date(), pack.etag()), (Timestamp::UNIX_EPOCH, Some("\"tag\"")));
        assert_eq!(pack.ids().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(pack.entry("a").unwrap().models["m"].context, Some(7));
        assert_eq!(pack.entry("b").unwrap().name.as_deref(), Some("B"));
        assert!(pack.entry("c").is_none());
    }

    proptest! {
        #[test]
        fn a_damaged_file_is_no_harm(at in 0_usize..400, byte: u8, cut in 0_usize..400) {
            let mut bytes = sample();
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            bytes.truncate(bytes.len().saturating_sub(cut));
            if let Some(pack) = Pack::open(bytes.into()) {
                let ids: Vec<String> = pack.ids().map(str::to_owned).collect();
                for id in ids {
                    let _ = pack.entry(&id);
                }
            }
        }
    }
}
