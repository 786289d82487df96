//! Changing `config.toml`: comments and order stay, the old one is kept beside it, and it's written whole or not at all.
//! One that can't be understood is refused and left as it is.

use super::failure::Failure;
use super::paths::Paths;
use super::settings::Settings;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use toml_edit::{DocumentMut, Value};

/// What a new file begins with.
pub const NEW: &str = "schema = 1\n";

/// Makes a change, and gives the file it was made in.
///
/// # Errors
/// When the file can't be understood, the change would make one that can't, or it can't be written.
pub fn change(paths: &Paths, change: impl FnOnce(&mut DocumentMut)) -> Result<PathBuf, Failure> {
    let (file, old) = read(paths)?;
    let text = old.as_deref().unwrap_or(NEW);
    Settings::try_text(paths, text)?;
    let mut document: DocumentMut =
        text.parse().map_err(|error| Failure::because(format!("{} can't be changed", file.display()), &error))?;
    change(&mut document);
    let new = document.to_string();
    Settings::try_text(paths, &new)?;
    keep(paths, &file, old.as_deref(), &new)?;
    Ok(file)
}

/// The file and what it says. People keep their settings elsewhere and link to them: the link stays.
fn read(paths: &Paths) -> Result<(PathBuf, Option<String>), Failure> {
    let file = paths.config_file().canonicalize().unwrap_or_else(|_| paths.config_file());
    match fs::read_to_string(&file) {
        Ok(text) => Ok((file, Some(text))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok((file, None)),
        Err(error) => Err(Failure::because(format!("{} can't be read", file.display()), &error)),
    }
}

fn keep(paths: &Paths, file: &Path, old: Option<&str>, new: &str) -> Result<(), Failure> {
    if old == Some(new) {
        return Ok(());
    }
    paths.prepare()?;
    let cannot = |error: std::io::Error| Failure::because(format!("{} can't be written", file.display()), &error);
    if let Some(old) = old {
        write(&beside(file, "bak"), old).map_err(cannot)?;
    }
    write(file, new).map_err(cannot)
}

/// Puts another text in place of the file's, and gives the file.
///
/// # Errors
/// When the text can't be understood, or it can't be written. The old one may be one that can't: this is how it is mended.
pub fn replace(paths: &Paths, text: &str) -> Result<PathBuf, Failure> {
    Settings::try_text(paths, text)?;
    let (file, old) = read(paths)?;
    keep(paths, &file, old.as_deref(), text)?;
    Ok(file)
}

/// Sets a value at the top; what was written beside the old one stays.
pub fn set(document: &mut DocumentMut, name: &str, text: &str) {
    let mut new = Value::from(text);
    if let Some(old) = document.get(name).and_then(toml_edit::Item::as_value) {
        *new.decor_mut() = old.decor().clone();
    }
    document[name] = toml_edit::Item::Value(new);
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

/// Writes a settings file. Under another name first, so that a full disk or a crash leaves the old one.
pub fn write(file: &Path, text: &str) -> std::io::Result<()> {
    let part = beside(file, &format!("{}.part", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&part).and_then(|mut open| {
        open.write_all(text.as_bytes())?;
        open.sync_all()?;
        fs::rename(&part, file)
    });
    if written.is_err() {
        // What was begun only takes room.
        let _ = fs::remove_file(&part);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(text: &str) -> (tempfile::TempDir, Paths) {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths { home: dir.path().join("p"), run: dir.path().join("p/run") };
        paths.prepare().unwrap();
        fs::write(paths.config_file(), text).unwrap();
        (dir, paths)
    }

    #[test]
    fn comments_stay_and_the_old_file_is_kept() {
        let old = "# mine\nschema = 1\nmodel = \"a/b\" # why\n\n[providers.x] # own\napi = \"ollama\"\n";
        let (_dir, paths) = home(old);
        change(&paths, |document| {
            set(document, "model", "c/d");
        })
        .unwrap();
        let new = fs::read_to_string(paths.config_file()).unwrap();
        assert!(new.starts_with("# mine\nschema = 1\nmodel = \"c/d\""), "{new}");
        assert!(new.contains("[providers.x] # own") && new.contains("# why"), "{new}");
        assert_eq!(fs::read_to_string(paths.home.join("config.toml.bak")).unwrap(), old);
        assert_eq!(fs::read_dir(&paths.home).unwrap().count(), 3, "nothing half written is left");
    }

    #[test]
    fn what_can_not_be_understood_is_left_as_it_is() {
        for bad in ["model = \n", "modle = \"x\"\n", "schema = 9\n"] {
            let (_dir, paths) = home(bad);
            assert!(change(&paths, |document| set(document, "model", "c/d")).is_err());
            assert_eq!(fs::read_to_string(paths.config_file()).unwrap(), bad);
            assert!(!paths.home.join("config.toml.bak").exists());
        }
    }

    #[test]
    fn a_change_that_would_break_it_is_not_made() {
        let (_dir, paths) = home("schema = 1\n");
        assert!(change(&paths, |document| document["model"] = toml_edit::value(7)).is_err());
        assert_eq!(fs::read_to_string(paths.config_file()).unwrap(), "schema = 1\n");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() {
        let (dir, paths) = home("schema = 1\n");
        let real = dir.path().join("real.toml");
        fs::rename(paths.config_file(), &real).unwrap();
        std::os::unix::fs::symlink(&real, paths.config_file()).unwrap();
        change(&paths, |document| set(document, "model", "c/d")).unwrap();
        assert!(paths.config_file().is_symlink());
        assert!(fs::read_to_string(real).unwrap().contains("c/d"));
    }
}
