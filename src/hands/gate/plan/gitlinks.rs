//! Whether a repository's index points at other repositories (gitlinks). `git status` and its like start git in each of
//! them, and their settings count there, whether or not a `.gitmodules` names them.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Largest index that is read, some 300 000 files (git's own source has 400 KiB); beyond it the question is asked.
const MAX_INDEX: u64 = 32 * 1024 * 1024;
/// The mode of an entry that is another repository, and of a whole directory that stands for all that is in it.
const GITLINK: u32 = 0o160_000;
const DIRECTORY: u32 = 0o040_000;
/// Where an entry has its mode, and its object's name.
const MODE: usize = 24;
const OBJECT: usize = 40;
/// What stands before the first entry.
const HEADER: usize = 12;

/// Asks unless the index is understood as a whole and holds files alone. `hash` is how long an object's name is.
pub(super) fn check(index: &Path, hash: usize) -> Result<(), String> {
    if index.symlink_metadata().is_err() {
        return Ok(());
    }
    match read(index).as_deref().and_then(|bytes| only_files(bytes, hash)) {
        Some(true) => Ok(()),
        Some(false) => Err("another repository lies in this one, and git obeys its settings too".to_owned()),
        None => Err(format!("whether {} leads to other repositories", index.display())),
    }
}

fn read(index: &Path) -> Option<Vec<u8>> {
    let meta = std::fs::metadata(index).ok().filter(|meta| meta.is_file() && meta.len() <= MAX_INDEX)?;
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).ok()?);
    File::open(index).ok()?.take(MAX_INDEX).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    usize::try_from(u32::from_be_bytes(four.try_into().ok()?)).ok()
}

/// An entry, as git finds it.
struct Entry {
    begin: usize,
    end: usize,
    /// How long its path is, and how much of that is taken from the one before.
    path: usize,
    shared: usize,
}

/// Nothing when it isn't understood: paths don't matter, only where each entry begins.
fn only_files(bytes: &[u8], hash: usize) -> Option<bool> {
    let version = number(bytes, 4)?;
    if bytes.get(..4)? != b"DIRC" || !matches!(version, 2..=4) {
        return None;
    }
    let (mut at, mut entries, mut only) = (HEADER, Vec::<Entry>::new(), true);
    for _ in 0..number(bytes, 8)? {
        let mode = u32::try_from(number(bytes, at + MODE)?).ok()? & 0o170_000;
        only &= mode != GITLINK && mode != DIRECTORY;
        let before = entries.last().map_or(0, |entry| entry.path);
        let entry = entry(bytes, at, hash, (version == 4).then_some(before))?;
        at = entry.end;
        entries.push(entry);
    }
    extensions(bytes, at, hash, &entries)?;
    Some(only)
}

/// The entry that begins there. In version 4 (`packed`: how long the path before is) a path is told by what it shares
/// with the one before.
fn entry(bytes: &[u8], begin: usize, hash: usize, packed: Option<usize>) -> Option<Entry> {
    let flags = begin + OBJECT + hash;
    let [high, low] = *bytes.get(flags..flags + 2)? else { return None };
    let mut at = flags + if high & 0x40 == 0 { 2 } else { 4 };
    let mut shared = 0;
    if let Some(before) = packed {
        let (dropped, behind) = varint(bytes, at)?;
        shared = before.checked_sub(dropped)?;
        at = behind;
    }
    let own = bytes.get(at..)?.iter().position(|byte| *byte == 0)?;
    // git goes by the length that is written, and looks for the end only when that has no room in its twelve bits.
    let (path, written) = (shared + own, usize::from(high & 0x0f) << 8 | usize::from(low));
    if path.min(0xfff) != written {
        return None;
    }
    let end = if packed.is_some() { at + own + 1 } else { begin + ((at + own - begin) / 8 + 1) * 8 };
    Some(Entry { begin, end, path, shared })
}

/// A number in git's own writing, seven bits a byte, and where it ends.
fn varint(bytes: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let mut byte = *bytes.get(at)?;
    let mut value = usize::from(byte & 0x7f);
    while byte & 0x80 != 0 {
        at += 1;
        byte = *bytes.get(at)?;
        value = value.checked_add(1)?.checked_mul(128)? + usize::from(byte & 0x7f);
    }
    Some((value, at + 1))
}

/// What follows the entries, up to the sum at the end. Two of them say where entries begin, for git to read them in
/// several threads: they must say what was found here. One names a second index with more entries.
fn extensions(bytes: &[u8], entries_end: usize, hash: usize, entries: &[Entry]) -> Option<()> {
    let end = bytes.len().checked_sub(hash)?;
    // Where git looks for the one that says where the entries end: right before the sum.
    let said = end.checked_sub(8 + 4 + hash).filter(|at| bytes.get(*at..*at + 4) == Some(b"EOIE"));
    if said.is_some_and(|at| number(bytes, at + 8) != Some(entries_end)) {
        return None;
    }
    let mut at = entries_end;
    while at < end {
        let name = bytes.get(at..at + 4)?;
        let length = number(bytes, at + 4)?;
        let data = bytes.get(at + 8..(at + 8).checked_add(length)?)?;
        // By convention what can't be ignored has a small letter first: `link`, `sdir`.
        if !name.first()?.is_ascii_uppercase() || (name == b"IEOT" && !are_blocks(data, entries)) {
            return None;
        }
        at += 8 + length;
    }
    (at == end).then_some(())
}

/// Whether the blocks of a table are all the entries, in order; a block's first entry can share nothing.
fn are_blocks(table: &[u8], entries: &[Entry]) -> bool {
    let mut first = 0;
    let mut blocks = table.get(4..).unwrap_or_default().chunks_exact(8);
    let fine = blocks.all(|block| {
        let begins = |entry: &Entry| entry.shared == 0 && number(block, 0) == Some(entry.begin);
        let known = entries.get(first).is_some_and(begins);
        first += number(block, 4).unwrap_or(entries.len() + 1);
        known && first <= entries.len()
    });
    fine && first == entries.len()
}
