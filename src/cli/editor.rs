//! The person's editor, on a text of ours.

use super::failure::Failure;
use super::settings::text_var;
use std::io::Write;
use std::path::Path;
use std::process::Command;

/// Opens the editor that the person has set (VISUAL, EDITOR, else vi) on a fresh private file with this text; gives back
/// what the file holds afterwards. The file stays where it is.
///
/// # Errors
/// When the file is there already, there is no editor, or it fails.
pub fn edit(file: &Path, text: &str) -> Result<String, Failure> {
    let cannot = |e: &std::io::Error| Failure::because(format!("{} can't be used", file.display()), e);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut out = options.open(file).map_err(|e| cannot(&e))?;
    out.write_all(text.as_bytes()).map_err(|e| cannot(&e))?;
    drop(out);
    let set = match text_var("VISUAL")? {
        Some(editor) => Some(editor),
        None => text_var("EDITOR")?,
    };
    let fallback = if cfg!(windows) { "notepad" } else { "vi" };
    let line = set.unwrap_or_else(|| fallback.to_owned());
    // `code --wait`: a program with its options.
    let mut words = line.split_whitespace();
    let program = words.next().unwrap_or(fallback);
    let mut command = Command::new(program);
    command.args(words).arg(file);
    // Standard input and output may be pipes; the person is at the terminal.
    #[cfg(unix)]
    if let Ok(tty) = std::fs::OpenOptions::new().read(true).write(true).open("/dev/tty")
        && let (Ok(input), Ok(output)) = (tty.try_clone(), tty.try_clone())
    {
        command.stdin(input).stdout(output).stderr(tty);
    }
    // What was not edited is worth nothing; what was is the person's.
    let give_up = |failure: Failure| {
        if std::fs::read_to_string(file).is_ok_and(|now| now != text) {
            return failure.hint(format!("nothing was changed; your text is in {}", file.display()));
        }
        let _ = std::fs::remove_file(file);
        failure
    };
    let status = command.status().map_err(|e| {
        give_up(
            Failure::because(format!("the editor {program} can't be started"), &e)
                .hint("set EDITOR to one that is installed"),
        )
    })?;
    if !status.success() {
        return Err(give_up(
            Failure::new(format!("the editor {program} failed ({status})")).hint("nothing was changed"),
        ));
    }
    std::fs::read_to_string(file).map_err(|e| cannot(&e))
}
