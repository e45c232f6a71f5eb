//! Entries of the cache on disk: files that appear whole, with a checksum of their content.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use chancery_files::checksum;
use chancery_files::output::{AtomicFile, remove_file};

/// Maximum number of entries.
const ENTRIES: usize = 64;

/// The content of an entry; `None` if it is missing, of another kind or format, damaged or cut short.
pub(super) fn read(place: &Path, kind: &str) -> Option<Vec<u8>> {
    let mut bytes = fs::read(place).ok()?;
    let rest = bytes.strip_prefix(kind.as_bytes())?.strip_prefix(b" ")?;
    let end = memchr::memchr(b'\n', rest)?;
    let content = &rest[end + 1..];
    if rest[..end] != *checksum::of(content).as_bytes() {
        return None;
    }
    let start = bytes.len() - content.len();
    Some(bytes.split_off(start))
}

/// Writes an entry atomically, and removes the oldest ones if there are too many.
pub(super) fn write(place: &Path, kind: &str, content: &[u8]) -> io::Result<()> {
    let Some(folder) = place.parent() else { return Ok(()) };
    if !folder.is_dir() {
        // Keeps the directory out of repositories and backups.
        write_file(&folder.join(".gitignore"), &[b"*\n"])?;
        write_file(&folder.join("CACHEDIR.TAG"), &[b"Signature: 8a477f597d28d172789f06886806bc55\n"])?;
    }
    write_file(place, &[format!("{kind} {}\n", checksum::of(content)).as_bytes(), content])?;
    sweep(folder)
}

fn write_file(place: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let mut file = AtomicFile::create(place)?;
    parts.iter().try_for_each(|part| file.write_all(part))?;
    file.commit()
}

fn sweep(folder: &Path) -> io::Result<()> {
    // Results and file caches, whose names are longer than those of other files.
    let is_entry = |entry: &fs::DirEntry| entry.file_name().len() >= 32 && !entry.file_name().as_encoded_bytes().starts_with(b".");
    let entries: Vec<fs::DirEntry> = fs::read_dir(folder)?.filter_map(Result::ok).filter(is_entry).collect();
    if entries.len() > ENTRIES {
        let mut by_age: Vec<_> = entries.iter().filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path()))).collect();
        by_age.sort();
        by_age.iter().take(entries.len() - ENTRIES).try_for_each(|(_, path)| remove_file(path))?;
    }
    Ok(())
}
