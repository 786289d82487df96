//! Kept keys as files: never in plain text, bound to what they are for, refused when changed.

use super::sealed::{Sealed, Sealing};
use super::*;

fn home() -> (tempfile::TempDir, Paths) {
    let dir = tempfile::tempdir().unwrap();
    let paths = Paths { home: dir.path().join("p"), run: dir.path().join("p/run") };
    paths.prepare().unwrap();
    (dir, paths)
}

/// As it is without a keyring, whatever the machine of the test has.
fn keep(keys: &Keys<'_>, provider: &str, address: &str, key: &str) {
    let mut index = keys.index().unwrap();
    let seal = keys.seal_key(&Sealing::Machine, || unreachable!()).unwrap();
    let sealed = Sealed::seal(seal, &about(provider, address), &Secret::new(key.into())).unwrap();
    index.sealing = Some(Sealing::Machine);
    index.keys.insert(provider.into(), Entry { address: address.into(), sealed: Some(sealed), login: None });
    keys.lock().unwrap().save(&index).unwrap();
}

#[test]
fn a_key_is_never_in_plain_text_and_opens_again() {
    let (_dir, paths) = home();
    let keys = Keys::new(&paths);
    keep(&keys, "groq", "https://a", "sk-plain");
    let text = std::fs::read_to_string(keys.file()).unwrap();
    assert!(!text.contains("sk-plain") && text.contains("groq"), "{text}");
    let opened = Keys::new(&paths).get("groq", "https://a").unwrap().unwrap();
    assert_eq!((opened.key.expose(), opened.place), ("sk-plain", Held::File));
    assert!(keys.get("other", "https://a").unwrap().is_none());
    assert!(keys.lock().unwrap().remove("groq").unwrap() && !keys.has("groq").unwrap());
    assert!(!keys.lock().unwrap().remove("groq").unwrap());
}

#[test]
fn a_key_goes_to_the_address_it_was_given_for_alone() {
    let (_dir, paths) = home();
    let keys = Keys::new(&paths);
    keep(&keys, "groq", "https://a", "sk-plain");
    assert!(keys.get("groq", "https://evil").is_err() && keys.place("groq", "https://evil").is_err());
    // Not even when somebody writes another address into the file.
    let text = std::fs::read_to_string(keys.file()).unwrap().replace("https://a", "https://evil");
    std::fs::write(keys.file(), text).unwrap();
    assert!(keys.get("groq", "https://evil").is_err());
}

#[test]
fn a_changed_file_or_another_machine_key_opens_nothing() {
    let (_dir, paths) = home();
    keep(&Keys::new(&paths), "groq", "https://a", "sk-plain");
    let keys = Keys::new(&paths);
    std::fs::write(keys.machine_key(), [7; 32]).unwrap();
    assert!(keys.get("groq", "https://a").is_err());
    for bad in ["", "{}", "{\"version\":9,\"keys\":{}}", "[1"] {
        std::fs::write(keys.file(), bad).unwrap();
        assert!(keys.list().is_err() && keys.has("groq").is_err(), "{bad} was read");
        assert_eq!(std::fs::read_to_string(keys.file()).unwrap(), bad, "it was not touched");
    }
}

#[cfg(unix)]
#[test]
fn both_files_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let (_dir, paths) = home();
    let keys = Keys::new(&paths);
    keep(&keys, "groq", "https://a", "sk-plain");
    for file in [keys.file(), keys.machine_key()] {
        assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
