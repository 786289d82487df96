//! Reading what jobs printed: any range of a stream's log, and the lines in it that match a pattern.

pub(crate) mod collapse;
pub(crate) mod packed;
pub(crate) mod search;
pub(crate) mod times;

use pryx_terms::Stream;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// The file that holds a stream of a job.
pub(crate) fn log_path(dir: &Path, stream: Stream) -> PathBuf {
    dir.join(stream.file_name())
}

/// A stream's log, open for reading: as the keeper wrote it, or compressed since.
pub(crate) struct LogFile(Form);

enum Form {
    Plain(File),
    Packed(packed::Packed),
}

impl LogFile {
    /// Opens the log in a job's directory.
    ///
    /// # Errors
    /// When it isn't there or can't be read.
    pub fn open(dir: &Path, stream: Stream) -> io::Result<Self> {
        match File::open(log_path(dir, stream)) {
            Ok(file) => Ok(Self(Form::Plain(file))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                packed::Packed::open(&packed::packed_path(dir, stream)).map(|packed| Self(Form::Packed(packed)))
            }
            Err(error) => Err(error),
        }
    }

    /// Fills the buffer with the bytes from `offset` on.
    ///
    /// # Errors
    /// When the log can't be read or ends before.
    pub fn read_exact_at(&mut self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        match &mut self.0 {
            _ if buffer.is_empty() => Ok(()),
            Form::Plain(file) => file.read_exact_at(buffer, offset),
            Form::Packed(packed) => packed.read_exact_at(buffer, offset),
        }
    }

    /// So many bytes from `offset` on.
    ///
    /// # Errors
    /// As [`Self::read_exact_at`].
    pub fn range(&mut self, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        self.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }
}
