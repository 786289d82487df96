//! Settings about the sandbox: what the person lets every command of an agent do, whatever its session's mode.

use crate::cli::failure::Failure;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// `[sandbox]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SandboxSettings {
    /// Directories that may be written besides the workspace.
    writable: Vec<String>,
    /// TCP ports that may be used.
    ports: Vec<u16>,
}

impl SandboxSettings {
    /// As the hands need it; `~` is the home directory.
    ///
    /// # Errors
    /// When a directory is named in a way that could mean another place elsewhere, or a port is none.
    pub fn config(&self, home: &Path) -> Result<pryx_hands::SandboxConfig, Failure> {
        let mut writable = Vec::new();
        for text in &self.writable {
            let path = text.strip_prefix("~/").map_or_else(|| PathBuf::from(text), |rest| home.join(rest));
            if !path.is_absolute() {
                return Err(Failure::usage(format!("sandbox.writable holds {text:?}: it must begin with / or ~/")));
            }
            writable.push(path);
        }
        if self.ports.contains(&0) {
            return Err(Failure::usage("sandbox.ports holds 0, which is no port"));
        }
        Ok(pryx_hands::SandboxConfig { writable, ports: self.ports.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_absolute_and_ports_are_ports() {
        let settings = |text: &str| toml::from_str::<SandboxSettings>(text).expect("TOML");
        let config = settings("writable = [\"~/cache\", \"/data\"]\nports = [5432]").config(Path::new("/home/u"));
        let config = config.map_err(|failure| failure.words()).expect("settings");
        assert_eq!(config.writable, [Path::new("/home/u/cache"), Path::new("/data")]);
        assert_eq!(config.ports, [5432]);
        assert!(settings("writable = [\"cache\"]").config(Path::new("/")).is_err());
        assert!(settings("ports = [0]").config(Path::new("/")).is_err());
    }
}
