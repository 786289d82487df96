//! git's index: whether what a file holds now could be brought back by git.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Largest index that is read (it has about 100 bytes for each file of a repository); beyond it the question is asked.
const MAX_INDEX: u64 = 8 * 1024 * 1024;
/// Bytes of an entry before its path.
const FIXED: usize = 62;

/// Whether a file is tracked, and its content is what git has stored for it.
pub(super) fn can_restore(file: &Path) -> bool {
    let Ok(meta) = fs::symlink_metadata(file) else { return false };
    let Some(tree) = file.ancestors().skip(1).find(|dir| dir.join(".git").symlink_metadata().is_ok()) else {
        return false;
    };
    let index = tree.join(".git/index");
    let Some(path) = file.strip_prefix(tree).ok().and_then(Path::to_str) else { return false };
    let (Some(bytes), Ok(written)) = (read(&index), fs::metadata(&index)) else { return false };
    let entry = entry(&bytes, path.as_bytes());
    let same = |entry: Entry| {
        let (seconds, nanos) = (i64::from(entry.seconds), i64::from(entry.nanos));
        // Changed in the second in which the index was written, a file can look as if it weren't.
        let settled = (seconds, nanos) < (written.mtime(), written.mtime_nsec());
        u64::from(entry.size) == meta.len() && (seconds, nanos) == (meta.mtime(), meta.mtime_nsec()) && settled
    };
    meta.is_file() && entry.is_some_and(same)
}

struct Entry {
    seconds: u32,
    nanos: u32,
    size: u32,
}

fn read(index: &Path) -> Option<Vec<u8>> {
    let meta = fs::metadata(index).ok().filter(|meta| meta.is_file() && meta.len() <= MAX_INDEX)?;
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).ok()?);
    File::open(index).ok()?.take(MAX_INDEX).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// The entry of a path in an index of version 2 or 3; version 4, which compresses paths, is not read.
fn entry(bytes: &[u8], path: &[u8]) -> Option<Entry> {
    let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    if bytes.get(..4)? != b"DIRC" || !matches!(number(4)?, 2 | 3) {
        return None;
    }
    let mut at = 12;
    for _ in 0..number(8)? {
        let flags = u16::from_be_bytes(bytes.get(at + 60..at + 62)?.try_into().ok()?);
        let extended = flags & 0x4000 != 0;
        let start = at + FIXED + if extended { 2 } else { 0 };
        let length = bytes.get(start..)?.iter().position(|byte| *byte == 0)?;
        if bytes.get(start..start + length)? == path {
            // Assumed unchanged, in a conflict, or only announced: what is stored may be something else.
            let plain = flags & 0x8000 == 0 && flags & 0x3000 == 0 && !extended;
            let entry = Entry { seconds: number(at + 8)?, nanos: number(at + 12)?, size: number(at + 36)? };
            return plain.then_some(entry);
        }
        let used = start + length - at;
        at += (used / 8 + 1) * 8;
    }
    None
}
