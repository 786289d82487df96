//! The two ways out: stdout is data, stderr is talk.

use std::io::{self, Write};

/// Why data could not be written to stdout.
#[derive(Debug)]
pub enum OutError {
    /// The reader went away (`| head`): not an error of ours, but no reason to go on.
    Gone,
    /// A full disk, say.
    Failed(io::Error),
}

impl From<io::Error> for OutError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Self::Gone } else { Self::Failed(error) }
    }
}

/// Writes data.
///
/// # Errors
/// When stdout is closed or full.
pub fn data(bytes: &[u8]) -> Result<(), OutError> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()?;
    Ok(())
}

/// Writes a line of data.
///
/// # Errors
/// As [`data`].
pub fn line(text: &str) -> Result<(), OutError> {
    data(format!("{text}\n").as_bytes())
}

/// Says something to the person. If nobody listens, nothing is lost that a program would need.
pub fn talk(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Says something without ending the line.
pub fn mutter(text: &str) {
    let mut stderr = io::stderr().lock();
    let _ = write!(stderr, "{text}").and_then(|()| stderr.flush());
}
