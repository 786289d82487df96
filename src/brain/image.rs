//! Pictures for models that see: what they may be, and how they are kept.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::sync::Arc;

/// Most bytes of one picture. The strictest of the APIs takes 5 MB of base64, which is so much before; a larger one
/// would be refused after it was uploaded.
pub const MAX_IMAGE_BYTES: usize = 3_750_000;

/// Most pictures of one request: together they stay below the 32 MB that the strictest API takes.
pub const MAX_IMAGES: usize = 6;

/// A picture in one of the formats that every API takes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    media_type: MediaType,
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    bytes: Arc<[u8]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum MediaType {
    #[serde(rename = "image/png")]
    Png,
    #[serde(rename = "image/jpeg")]
    Jpeg,
    #[serde(rename = "image/gif")]
    Gif,
    #[serde(rename = "image/webp")]
    Webp,
}

/// Why bytes can't be sent as a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadImage {
    /// Another format, or none.
    #[error("it is no PNG, JPEG, GIF or WebP picture")]
    Unknown,
    /// Over the size that the APIs take.
    #[error("it is larger than the 3.75 MB that providers take")]
    TooLarge,
}

impl Image {
    /// A picture from a file's bytes; its format is read from them, whatever the file's name says.
    ///
    /// # Errors
    /// When no API would take it.
    pub fn new(bytes: Vec<u8>) -> Result<Self, BadImage> {
        let media_type = match bytes.as_slice() {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => MediaType::Png,
            [0xff, 0xd8, 0xff, ..] => MediaType::Jpeg,
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => MediaType::Gif,
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => MediaType::Webp,
            _ => return Err(BadImage::Unknown),
        };
        if bytes.len() > MAX_IMAGE_BYTES {
            return Err(BadImage::TooLarge);
        }
        Ok(Self { media_type, bytes: bytes.into() })
    }

    /// The format, as HTTP names it.
    pub(crate) fn media_type(&self) -> &'static str {
        match self.media_type {
            MediaType::Png => "image/png",
            MediaType::Jpeg => "image/jpeg",
            MediaType::Gif => "image/gif",
            MediaType::Webp => "image/webp",
        }
    }

    /// How large it is, in bytes.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes as every API wants them.
    pub(crate) fn base64(&self) -> String {
        STANDARD.encode(&self.bytes)
    }

    /// The picture as an address that holds it.
    pub(crate) fn data_url(&self) -> String {
        format!("data:{};base64,{}", self.media_type(), self.base64())
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Image({}, {} bytes)", self.media_type(), self.bytes.len())
    }
}

fn to_base64<S: Serializer>(bytes: &Arc<[u8]>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&STANDARD.encode(bytes))
}

fn from_base64<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<[u8]>, D::Error> {
    let text = String::deserialize(from)?;
    STANDARD.decode(text).map(Into::into).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";

    #[test]
    fn the_bytes_say_what_it_is() {
        let of = |bytes: &[u8]| Image::new(bytes.to_vec()).map(|image| image.media_type());
        assert_eq!(of(PNG), Ok("image/png"));
        assert_eq!(of(b"\xff\xd8\xff\xe0"), Ok("image/jpeg"));
        assert_eq!(of(b"GIF89a..."), Ok("image/gif"));
        assert_eq!(of(b"RIFF\x01\x02\x03\x04WEBPVP8 "), Ok("image/webp"));
        for other in [&b""[..], b"<svg", b"RIFF\x01\x02\x03\x04WAVE", b"%PDF-1.7", b"\x89PNG"] {
            assert_eq!(of(other), Err(BadImage::Unknown), "{other:?}");
        }
    }

    #[test]
    fn what_no_api_takes_is_refused_here() {
        let mut bytes = PNG.to_vec();
        bytes.resize(MAX_IMAGE_BYTES, 0);
        assert!(Image::new(bytes.clone()).is_ok());
        bytes.push(0);
        assert_eq!(Image::new(bytes), Err(BadImage::TooLarge));
    }

    #[test]
    fn it_is_kept_as_base64_and_comes_back() {
        let image = Image::new(PNG.to_vec()).unwrap();
        let json = serde_json::to_string(&image).unwrap();
        assert_eq!(json, r#"{"media_type":"image/png","bytes":"iVBORw0KGgpyZXN0"}"#);
        assert_eq!(serde_json::from_str::<Image>(&json).unwrap(), image);
        assert_eq!(image.data_url(), "data:image/png;base64,iVBORw0KGgpyZXN0");
        assert!(serde_json::from_str::<Image>(r#"{"media_type":"image/png","bytes":"?"}"#).is_err());
    }
}
