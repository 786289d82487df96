//! Settings that can't be understood must not keep anybody from looking, answering or stopping: these commands need little of
//! them. Which machine's hands are meant is not guessed, though.

use super::{MAX_FILE, Settings, text_var};
use crate::cli::failure::Failure;
use crate::cli::paths::Paths;

impl Settings {
    /// The settings, or the defaults and why these.
    ///
    /// # Errors
    /// When it can't be told whose hands the settings name: to stop another machine's jobs would be worse than to stop none.
    pub fn load_or_default(paths: &Paths, host_given: bool) -> Result<(Self, Option<Failure>), Failure> {
        let failure = match Self::load(paths) {
            Ok(settings) => return Ok((settings, None)),
            Err(failure) => failure,
        };
        let mut settings = Self { host: text_var("PRYX_HOST")?, ..Self::default() };
        if settings.host.is_none() && !host_given {
            match named_host(paths) {
                Some(host) => settings.host = host,
                None => {
                    return Err(failure
                        .hint("mend that file (pryx config edit), or say whose hands: --host local for this machine"));
                }
            }
        }
        Ok((settings, Some(failure)))
    }
}

/// The host that the file names; the outer nothing is a file that may name one, but can't be read so far.
fn named_host(paths: &Paths) -> Option<Option<String>> {
    let file = paths.config_file();
    if std::fs::metadata(&file).is_ok_and(|meta| !meta.is_file() || meta.len() > MAX_FILE) {
        return None;
    }
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Some(None),
        Err(_) => return None,
    };
    match toml::from_str::<toml::Table>(&text) {
        Ok(table) => match table.get("host") {
            None => Some(None),
            Some(toml::Value::String(host)) => Some(Some(host.clone())),
            Some(_) => None,
        },
        Err(_) if text.contains("host") => None,
        Err(_) => Some(None),
    }
}
