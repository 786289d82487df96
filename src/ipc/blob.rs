//! Bytes on a JSON wire: text where they are text, base64 where not.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Any bytes. Serialized as a JSON string when they are valid UTF-8, else as `{"base64": "..."}`. So is text that is
/// mostly control characters: six bytes of JSON for each would not fit into a frame.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Blob(pub Vec<u8>);

/// Escaped control characters that any text may have: keys and short replies to a terminal stay readable.
const ESCAPES_FREE: usize = 64;

/// One byte in so many may be an escaped control character beyond those; coloured output has fewer. Text then takes
/// at most about twice its size (but for quotes and newlines, which double at most).
const ESCAPES_PART: usize = 5;

fn escapes(bytes: &[u8]) -> usize {
    bytes.iter().filter(|b| b.is_ascii_control() && !matches!(b, b'\n' | b'\r' | b'\t' | 8 | 12 | 127)).count()
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Ok(text) = std::str::from_utf8(&self.0)
            && escapes(&self.0) <= ESCAPES_FREE + self.0.len() / ESCAPES_PART
        {
            return serializer.serialize_str(text);
        }
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("base64", &STANDARD.encode(&self.0))?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BlobVisitor;
        impl<'de> Visitor<'de> for BlobVisitor {
            type Value = Blob;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or {\"base64\": \"...\"}")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Blob, E> {
                Ok(Blob(text.as_bytes().to_vec()))
            }

            fn visit_string<E: de::Error>(self, text: String) -> Result<Blob, E> {
                Ok(Blob(text.into_bytes()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Blob, A::Error> {
                let Some((key, text)) = map.next_entry::<String, String>()? else {
                    return Err(de::Error::missing_field("base64"));
                };
                if key != "base64" {
                    return Err(de::Error::unknown_field(&key, &["base64"]));
                }
                STANDARD.decode(text).map(Blob).map_err(|e| de::Error::custom(format!("bad base64: {e}")))
            }
        }
        deserializer.deserialize_any(BlobVisitor)
    }
}

impl From<Vec<u8>> for Blob {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::Blob;

    #[test]
    fn text_stays_text_and_bytes_become_base64() {
        for (bytes, json) in
            [(b"h\xc3\xbc\n".to_vec(), r#""hü\n""#), (vec![0xff, 0x00], r#"{"base64":"/wA="}"#), (vec![], r#""""#)]
        {
            assert_eq!(serde_json::to_string(&Blob(bytes.clone())).unwrap(), json);
            assert_eq!(serde_json::from_str::<Blob>(json).unwrap(), Blob(bytes));
        }
    }

    #[test]
    fn zeros_take_no_more_room_than_base64() {
        let zeros = Blob(vec![0; 256 * 1024]);
        let json = serde_json::to_string(&zeros).unwrap();
        assert!(json.len() < 400 * 1024, "{} bytes", json.len());
        assert_eq!(serde_json::from_str::<Blob>(&json).unwrap(), zeros);
        let coloured = "\u{1b}[32mok\u{1b}[0m one test\n".repeat(1000);
        assert!(serde_json::to_string(&Blob(coloured.into_bytes())).unwrap().starts_with('"'));
    }

    #[test]
    fn a_bad_mark_is_refused() {
        for bad in [r#"{"base64":"%"}"#, r#"{"hex":"00"}"#, "{}", "7"] {
            assert!(serde_json::from_str::<Blob>(bad).is_err(), "{bad}");
        }
    }
}
