//! A file's old text gives way to a new one: all at once, and only while it is still the old one.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::file::{begin, folder_of};

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// The new text is in place.
    Done,
    /// The file held another text than the old one, and still does.
    Changed,
}

/// Puts `new` into the place of `old` in the file at `path`.
///
/// The new text is written beside the file and renamed over it, with the file's permissions and, where the system lets it,
/// its owner. A link is followed to the file it stands for. Other names of the same file (hard links) keep the old text.
///
/// # Errors
/// When the file is none that can be read and written, or its folder takes no other; nothing has changed then.
pub fn replace(path: &Path, old: &[u8], new: &[u8]) -> io::Result<Replaced> {
    let path = fs::canonicalize(path)?;
    // A file that may not be written is left alone, though its folder would let it be replaced.
    let there = OpenOptions::new().read(true).write(true).open(&path)?.metadata()?;
    if !there.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut file = begin(folder_of(&path))?;
    file.write_all(new)?;
    file.as_file().sync_data()?;
    own(file.as_file(), &there);
    file.as_file().set_permissions(there.permissions())?;
    // As late as can be: what somebody else has written since is not lost.
    if fs::read(&path)? != old {
        return Ok(Replaced::Changed);
    }
    file.persist(&path).map_err(|error| error.error)?;
    Ok(Replaced::Done)
}

// Only root may give files away; for everybody else the file is theirs already, or becomes so.
#[cfg(unix)]
fn own(file: &File, like: &Metadata) {
    use std::os::unix::fs::{MetadataExt, fchown};
    let _ = fchown(file, Some(like.uid()), Some(like.gid()));
}

#[cfg(not(unix))]
fn own(_file: &File, _like: &Metadata) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_old_text_gives_way() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("a.json");
        fs::write(&path, "somebody else's").expect("the folder is writable");
        assert_eq!(replace(&path, b"old", b"new").expect("it can be read"), Replaced::Changed);
        assert_eq!(fs::read(&path).expect("it is there"), b"somebody else's");
        fs::write(&path, "old").expect("the folder is writable");
        assert_eq!(replace(&path, b"old", b"new").expect("it can be written"), Replaced::Done);
        assert_eq!(fs::read(&path).expect("it is there"), b"new");
        assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 1, "no temporary file is left");
        assert!(replace(folder.path(), b"old", b"new").is_err());
        assert!(replace(&folder.path().join("none"), b"", b"new").is_err());
    }
}
