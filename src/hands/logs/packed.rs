//! Logs of ended jobs, compressed: `log.zst` instead of `log`, any range of it readable.
//!
//! The file is zstd frames of [`FRAME`] bytes each (the last may be shorter), then a seek table in zstd's seekable
//! format: a skippable frame with the sizes of all frames. `zstd -d` reads it like any other.

use pryx_terms::Stream;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Bytes per frame: what is decompressed for reading one byte, and held in memory.
const FRAME: usize = 1024 * 1024;

/// Better levels cost much more time for little on text.
const LEVEL: i32 = 3;

/// The skippable frame that holds the table.
const SKIPPABLE: u32 = 0x184D_2A5E;

/// The last four bytes of a file with a table.
const SEEKABLE: u32 = 0x8F92_EAB1;

/// Number of frames, descriptor, magic.
const FOOTER: usize = 9;

/// Compressed and decompressed size of one frame.
const ENTRY: usize = 8;

/// Largest table read: 4 TiB of log. A larger one is damaged.
const MAX_ENTRIES: usize = 4 * 1024 * 1024;

/// Its place in a job's directory.
pub(crate) fn packed_path(dir: &Path, stream: Stream) -> PathBuf {
    dir.join(format!("{}.zst", stream.file_name()))
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the compressed log is damaged")
}

/// A compressed log, open for reading.
pub(super) struct Packed {
    file: File,
    /// Where each frame begins in the file and in the log, and where the last ends.
    starts: Vec<(u64, u64)>,
    /// The frame that was read last, decompressed: reading goes on in it mostly.
    frame: Option<(usize, Vec<u8>)>,
}

impl Packed {
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        let footer_at = size.checked_sub(FOOTER as u64).ok_or_else(damaged)?;
        let mut footer = [0; FOOTER];
        file.read_exact_at(&mut footer, footer_at)?;
        let count = number(&footer, 0) as usize;
        if number(&footer, 5) != SEEKABLE || footer[4] != 0 || count > MAX_ENTRIES {
            return Err(damaged());
        }
        let mut table = vec![0; count * ENTRY];
        let table_at = footer_at.checked_sub(table.len() as u64).ok_or_else(damaged)?;
        file.read_exact_at(&mut table, table_at)?;
        let mut starts = vec![(0, 0)];
        let (mut packed, mut plain) = (0, 0);
        for entry in table.chunks_exact(ENTRY) {
            let (compressed, decompressed) = (number(entry, 0), number(entry, 4));
            if decompressed as usize > FRAME || compressed as usize > 2 * FRAME {
                return Err(damaged());
            }
            packed += u64::from(compressed);
            plain += u64::from(decompressed);
            starts.push((packed, plain));
        }
        Ok(Self { file, starts, frame: None })
    }

    /// Bytes of the log.
    pub fn length(&self) -> u64 {
        self.starts.last().map_or(0, |(_, plain)| *plain)
    }

    pub fn read_exact_at(&mut self, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !buffer.is_empty() {
            let after = self.starts.partition_point(|(_, plain)| *plain <= offset);
            let index = after.checked_sub(1).filter(|_| after < self.starts.len());
            let index = index.ok_or(io::ErrorKind::UnexpectedEof)?;
            let start = self.starts[index].1;
            let frame = self.frame(index)?;
            let from = usize::try_from(offset - start).map_err(|_| damaged())?;
            let part = frame.get(from..).filter(|part| !part.is_empty()).ok_or_else(damaged)?;
            let count = part.len().min(buffer.len());
            buffer[..count].copy_from_slice(&part[..count]);
            buffer = &mut buffer[count..];
            offset += count as u64;
        }
        Ok(())
    }

    fn frame(&mut self, index: usize) -> io::Result<&[u8]> {
        if self.frame.as_ref().is_none_or(|(known, _)| *known != index) {
            let ((at, start), (end, stop)) = (self.starts[index], self.starts[index + 1]);
            let mut packed = vec![0; usize::try_from(end - at).map_err(|_| damaged())?];
            self.file.read_exact_at(&mut packed, at)?;
            let size = usize::try_from(stop - start).map_err(|_| damaged())?;
            let plain = zstd::bulk::decompress(&packed, size)?;
            if plain.len() != size {
                return Err(damaged());
            }
            self.frame = Some((index, plain));
        }
        self.frame.as_ref().map(|(_, plain)| &plain[..]).ok_or_else(damaged)
    }
}

fn number(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_le_bytes)
}

/// Replaces a stream's log by a compressed one. Whatever ends this half way, one whole log is there: the compressed
/// one gets its name when all of it is on the disk, and only then the other goes.
///
/// # Errors
/// When it can't be read or written; the log is as it was.
pub(crate) fn pack(dir: &Path, stream: Stream) -> io::Result<()> {
    let (plain, packed) = (super::log_path(dir, stream), packed_path(dir, stream));
    let mut log = File::open(&plain)?;
    let length = log.metadata()?.len();
    let fresh = packed.with_extension("zst.new");
    let mut out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    let written = write(&mut log, &mut out).and_then(|()| out.sync_all());
    // What can't be read back must not replace anything.
    let good = written
        .and_then(|()| Packed::open(&fresh))
        .and_then(|check| if check.length() == length { Ok(()) } else { Err(damaged()) });
    if let Err(error) = good {
        let _ = std::fs::remove_file(&fresh);
        return Err(error);
    }
    std::fs::rename(&fresh, &packed)?;
    File::open(dir)?.sync_all()?;
    std::fs::remove_file(&plain)
}

fn write(log: &mut File, out: &mut File) -> io::Result<()> {
    let mut compressor = zstd::bulk::Compressor::new(LEVEL)?;
    let (mut table, mut count) = (Vec::new(), 0_u32);
    let mut chunk = Vec::with_capacity(FRAME);
    loop {
        chunk.clear();
        Read::by_ref(log).take(FRAME as u64).read_to_end(&mut chunk)?;
        if chunk.is_empty() {
            break;
        }
        let frame = compressor.compress(&chunk)?;
        out.write_all(&frame)?;
        for size in [frame.len(), chunk.len()] {
            table.extend(u32::try_from(size).map_err(io::Error::other)?.to_le_bytes());
        }
        count += 1;
    }
    let size = u32::try_from(table.len() + FOOTER).map_err(io::Error::other)?;
    let mut end = [SKIPPABLE.to_le_bytes(), size.to_le_bytes()].concat();
    end.extend(&table);
    end.extend(count.to_le_bytes());
    end.push(0);
    end.extend(SEEKABLE.to_le_bytes());
    out.write_all(&end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::LogFile;

    fn packed(bytes: &[u8]) -> (tempfile::TempDir, LogFile) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("log"), bytes).unwrap();
        pack(dir.path(), Stream::Tty).unwrap();
        assert!(!dir.path().join("log").exists() && !dir.path().join("log.zst.new").exists());
        let log = LogFile::open(dir.path(), Stream::Tty).unwrap();
        (dir, log)
    }

    #[test]
    fn any_range_reads_back() {
        let bytes: Vec<u8> = (0..3_500_000_u32).map(|n| (n / 7 % 251) as u8).collect();
        let (_dir, mut log) = packed(&bytes);
        let frame = FRAME as u64;
        for (at, length) in [(0, 10), (frame - 5, 10), (frame, 1), (3 * frame - 1, 2), (0, 3_500_000), (3_499_999, 1)] {
            let end = usize::try_from(at + length).unwrap();
            assert!(log.range(at, length).unwrap() == bytes[usize::try_from(at).unwrap()..end], "{length} from {at}");
        }
        assert!(log.range(3_499_999, 2).is_err() && log.range(u64::MAX, 1).is_err());
        let (_dir, mut empty) = packed(b"");
        assert!(empty.range(0, 0).unwrap().is_empty() && empty.range(0, 1).is_err());
    }

    #[test]
    fn damage_is_an_error_and_never_wrong_bytes_or_a_panic() {
        let bytes: Vec<u8> = (0..20_000).flat_map(|n: u32| format!("line {n}\n").into_bytes()).collect();
        let (dir, _) = packed(&bytes);
        let path = packed_path(dir.path(), Stream::Tty);
        let whole = std::fs::read(&path).unwrap();
        for cut in (0..whole.len()).step_by(997) {
            std::fs::write(&path, &whole[..cut]).unwrap();
            assert!(LogFile::open(dir.path(), Stream::Tty).is_err(), "cut at {cut}");
        }
        for at in (whole.len() - 60..whole.len()).chain((0..whole.len()).step_by(499)) {
            let mut bad = whole.clone();
            bad[at] ^= 0x55;
            std::fs::write(&path, &bad).unwrap();
            let _ = LogFile::open(dir.path(), Stream::Tty).and_then(|mut log| log.range(0, bytes.len() as u64));
        }
    }

    #[test]
    fn a_crash_between_rename_and_remove_leaves_one_log() {
        let (dir, _) = packed(b"all of it");
        std::fs::write(dir.path().join("log"), b"all of it").unwrap();
        std::fs::write(dir.path().join("log.zst.new"), b"half").unwrap();
        assert_eq!(LogFile::open(dir.path(), Stream::Tty).unwrap().range(0, 9).unwrap(), b"all of it");
        pack(dir.path(), Stream::Tty).unwrap();
        assert_eq!(LogFile::open(dir.path(), Stream::Tty).unwrap().range(0, 9).unwrap(), b"all of it");
    }
}
