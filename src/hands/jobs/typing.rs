//! Typing on somebody's behalf: exact, in brackets where the program asked for that, refused rather than cut.

use super::job::{By, InputError, Job};
use super::keys::{self, NoSuchKey};

/// Around pasted text (DECSET 2004): a line editor then takes line ends and tabs as text.
const PASTE: &[u8] = b"\x1b[200~";
const PASTED: &[u8] = b"\x1b[201~";

/// Why nothing was typed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TypingError {
    #[error(transparent)]
    Key(#[from] NoSuchKey),
    #[error("the text holds the mark that ends a paste (ESC [ 201 ~); what stands behind it would run as typed")]
    Mark,
    #[error(transparent)]
    Input(#[from] InputError),
}

impl Job {
    /// Types text, then keys. All of it or, if the text can't arrive whole, nothing.
    pub async fn type_keys(&self, text: &[u8], names: &[String], person: bool) -> Result<(), TypingError> {
        let (brackets, application) = self.status().pulse.map_or((false, false), |p| (p.paste, p.cursor_keys));
        let keys = names.iter().map(|name| keys::bytes(name, application)).collect::<Result<Vec<_>, _>>()?.concat();
        let mut bytes = Vec::with_capacity(text.len() + keys.len() + PASTE.len() + PASTED.len());
        if brackets && !text.is_empty() {
            if text.windows(PASTED.len()).any(|part| part == PASTED) {
                return Err(TypingError::Mark);
            }
            bytes.extend([PASTE, text, PASTED].concat());
        } else {
            bytes.extend(text);
        }
        bytes.extend(keys);
        let longest = bytes.split(|b| matches!(b, b'\n' | b'\r')).map(<[u8]>::len).max().unwrap_or(0);
        Ok(self.input_of(&bytes, false, By { person, window: false, longest: Some(longest) }).await?)
    }
}
