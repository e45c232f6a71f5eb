//! The baseline: findings that are known and not reported again, counted, so that new ones are never taken for old.
//!
//! An entry is about a record, a place in it and a rule, and has a count. The record is identified by its key or, where it has
//! none, by a hash of its content, whatever the order of its members and its layout. A finding outside a record is identified
//! by its file and a hash of the lines that it covers. The place has `*` for the numbers of items. So moving a record or an
//! item, or renaming a file, changes nothing. One finding more than the count is reported, one fewer makes the entry stale,
//! and a record without a key that was edited shows all its findings again.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::scope::settled;
use crate::diagnostic::{Diagnostic, RecordRef, Severity, quote, rules};
use crate::source::{Source, Span};
use crate::tree::{Node, Tree, pointer};
use crate::write::json;

/// What becomes of the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Update {
    /// It is left alone, and entries that are no longer needed are reported.
    #[default]
    Keep,
    /// Entries that are no longer needed are taken out; new findings stay new.
    Shrink,
    /// It holds what was found, new findings included.
    Accept,
}

/// The number of the file's format.
pub const FORMAT: u64 = 2;

/// Whose findings an entry counts; in the order in which they are written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    // A file from the baseline's folder, and the hash of lines in it.
    Lines(String, String),
    // A record by the hash of its content.
    Content(String),
    // A record by its key.
    Record(String),
}

type Kind = (Owner, String, String);

#[derive(Debug, Default)]
struct Entry {
    // How many are known, and where the file says so.
    known: u64,
    span: Option<Span>,
    found: u64,
    // Whether the record that it is about was read in this run.
    looked_at: bool,
    // The file of a record without a key, so that people find it.
    file: Option<String>,
}

/// Known findings, and what was met of them in this run.
#[derive(Debug)]
pub struct Baseline {
    folder: PathBuf,
    source: Arc<Source>,
    entries: BTreeMap<Kind, Entry>,
    update: Update,
    // The paths of the run, from the baseline's folder; a run over those of the file sees every record it is about.
    paths: Vec<String>,
    whole: bool,
    // Lighter findings are not written.
    from: Severity,
    // The files that were read.
    files: HashSet<String>,
    // The path that was last made relative, and what it became.
    last: Option<(String, String)>,
}

impl Baseline {
    /// The baseline at `path` for a run over `paths`: as `tree` holds it, which has passed its schema, or empty. Findings
    /// of at least the severity `from` are written.
    #[must_use]
    pub fn new(path: &Path, tree: Option<&Tree>, paths: &[String], update: Update, from: Severity) -> Self {
        let folder = settled(path.parent().unwrap_or(Path::new("")));
        let paths: Vec<String> = paths.iter().map(|path| relative(&folder, path)).collect();
        let mut baseline = Self {
            source: tree.map_or_else(|| Arc::new(Source::whole("", "")), |tree| Arc::clone(tree.source())),
            entries: BTreeMap::new(),
            update,
            whole: false,
            folder,
            paths,
            from,
            files: HashSet::new(),
            last: None,
        };
        let Some(root) = tree.map(Tree::root) else { return baseline };
        let written: Vec<&str> = root.get("paths").into_iter().flat_map(Node::items).map(Node::text).collect();
        baseline.whole = baseline.paths == written;
        // A run on a part leaves the file about what it was about.
        let mut paths: Vec<String> = written.into_iter().map(str::to_owned).collect();
        if update == Update::Accept {
            let more: Vec<String> = baseline.paths.iter().filter(|path| !paths.contains(path)).cloned().collect();
            paths.extend(more);
        }
        baseline.paths = paths;
        for entry in root.get("entries").into_iter().flat_map(Node::items) {
            let text = |name: &str| entry.get(name).map(|member| member.text().to_owned());
            let file = text("file");
            let owner = match (text("record"), text("content")) {
                (Some(key), _) => Owner::Record(key),
                (None, Some(hash)) => Owner::Content(hash),
                (None, None) => Owner::Lines(file.clone().unwrap_or_default(), text("lines").unwrap_or_default()),
            };
            let kind = (owner, text("pointer").unwrap_or_default(), text("code").unwrap_or_default());
            let known = entry.get("count").and_then(|count| count.text().parse().ok()).unwrap_or(1);
            let entry = Entry { known, span: Some(entry.opening()), file, ..Entry::default() };
            let known = baseline.entries.entry(kind).or_default();
            *known = Entry { known: known.known + entry.known, ..entry };
        }
        baseline
    }

    /// A file was read, to its end or not.
    pub fn look_at_file(&mut self, name: &str) {
        let name = self.relative(name);
        self.files.insert(name);
    }

    /// A record was read.
    pub fn look_at_record(&mut self, record: &RecordRef) {
        let Some(owner) = Owner::of(record) else { return };
        let first = (owner.clone(), String::new(), String::new());
        self.entries.range_mut(first..).take_while(|((of, ..), _)| *of == owner).for_each(|(_, entry)| entry.looked_at = true);
    }

    fn relative(&mut self, path: &str) -> String {
        match &self.last {
            Some((last, relative)) if last == path => relative.clone(),
            _ => {
                let found = relative(&self.folder, path);
                self.last = Some((path.to_owned(), found.clone()));
                found
            }
        }
    }

    /// Whether the finding is new. One that is more than the baseline knows says so.
    pub fn admits(&mut self, note: &mut Diagnostic) -> bool {
        let file = self.relative(&note.place.locate().file);
        let owner = note.record.as_ref().and_then(Owner::of).unwrap_or_else(|| Owner::Lines(file.clone(), lines(note)));
        let kind = (owner, pointer::general(note.pointer.as_deref().unwrap_or("")), note.rule.code.to_owned());
        let counted = note.severity >= self.from;
        let kind_owner = kind.0.clone();
        let entry = match self.entries.get_mut(&kind) {
            Some(entry) => entry,
            None if counted && self.update == Update::Accept => self.entries.entry(kind).or_default(),
            None => return true,
        };
        if entry.file.is_none() && matches!(kind_owner, Owner::Content(_)) {
            entry.file = Some(file);
        }
        entry.found += 1;
        if entry.found <= entry.known || (self.update == Update::Accept && counted) {
            return false;
        }
        if entry.known > 0 {
            let more = format!("the baseline knows {} of these here, and this is one more", entry.known);
            note.help = Some(note.help.take().map_or(more.clone(), |help| format!("{help}; {more}")));
        }
        true
    }

    /// The entries that are no longer needed, unless the file is written anew.
    #[must_use]
    pub fn stale(&self) -> Vec<Diagnostic> {
        if self.update != Update::Keep {
            return Vec::new();
        }
        let stale = self.entries.iter().filter(|((owner, ..), entry)| self.is_known_well(owner, entry) && entry.found < entry.known);
        let note = |((owner, pointer, code), entry): (&Kind, &Entry)| {
            let whose = match owner {
                Owner::Record(key) => format!("record {}", quote(key, true)),
                Owner::Content(_) => match &entry.file {
                    Some(name) => format!("a record of file {}", quote(name, true)),
                    None => "a record without a key".to_owned(),
                },
                Owner::Lines(name, _) => format!("file {}", quote(name, true)),
            };
            let place = if pointer.is_empty() { String::new() } else { format!(" at {}", quote(pointer, false)) };
            let message = format!("the baseline knows {} of {code}{place} in {whose}, and {} are left", entry.known, entry.found);
            Diagnostic::new(&rules::STALE_BASELINE, &self.source, entry.span.unwrap_or(Span::at(0)), message)
                .help("take it out with --write-baseline, so that it cannot hide a new finding")
        };
        let mut notes: Vec<Diagnostic> = stale.map(note).collect();
        notes.sort_by_key(|note| note.place.span.start);
        notes
    }

    fn is_known_well(&self, owner: &Owner, entry: &Entry) -> bool {
        entry.looked_at || self.whole || self.is_of_read_file(owner, entry)
    }

    // Whether it is about a file that was read. A record without a key that did not turn up there was edited or taken out.
    fn is_of_read_file(&self, owner: &Owner, entry: &Entry) -> bool {
        match owner {
            Owner::Lines(file, _) => self.files.contains(file),
            Owner::Content(_) => entry.file.as_ref().is_some_and(|file| self.files.contains(file)),
            Owner::Record(_) => false,
        }
    }

    /// What the file is to hold, where it is to be written. `complete` says that every input was read to its end.
    #[must_use]
    pub fn rewritten(&self, complete: bool) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        (self.update != Update::Keep).then(|| {
            self.write(complete, &mut out).expect("writing to memory cannot fail");
            out
        })
    }

    fn write(&self, complete: bool, out: &mut Vec<u8>) -> io::Result<()> {
        writeln!(out, "{{\n  \"format\": {FORMAT},")?;
        out.extend_from_slice(b"  \"paths\": [");
        for (number, path) in self.paths.iter().enumerate() {
            out.extend_from_slice(if number > 0 { b", " } else { b"" });
            json::string(path, out);
        }
        out.extend_from_slice(b"],\n  \"entries\": [");
        let mut first = true;
        for ((owner, pointer, code), entry) in &self.entries {
            let seen = entry.looked_at || (self.whole && complete) || self.is_of_read_file(owner, entry);
            let count = match self.update {
                Update::Accept if seen || entry.span.is_none() => entry.found,
                _ if seen => entry.found.min(entry.known),
                _ => entry.known,
            };
            if count == 0 {
                continue;
            }
            out.extend_from_slice(if std::mem::take(&mut first) { b"\n    {" } else { b",\n    {" });
            let file = entry.file.as_deref().map(|file| ("file", file));
            let owner = match owner {
                Owner::Record(key) => [Some(("record", &**key)), None],
                Owner::Content(hash) => [Some(("content", &**hash)), file],
                Owner::Lines(file, hash) => [Some(("file", &**file)), Some(("lines", &**hash))],
            };
            for (name, text) in owner.into_iter().flatten().chain([("pointer", &**pointer), ("code", &**code)]) {
                write!(out, "\"{name}\": ")?;
                json::string(text, out);
                out.extend_from_slice(b", ");
            }
            write!(out, "\"count\": {count}}}")?;
        }
        out.extend_from_slice(if first { b"]\n}\n" } else { b"\n  ]\n}\n" });
        Ok(())
    }
}

impl Owner {
    fn of(record: &RecordRef) -> Option<Self> {
        match record {
            RecordRef { key: Some(key), .. } => Some(Self::Record(key.clone())),
            RecordRef { content: Some(hash), .. } => Some(Self::Content(format!("{hash:032x}"))),
            _ => None,
        }
    }
}

// A hash of the lines that a finding covers, whatever the blanks around them, as far as they are at hand.
fn lines(note: &Diagnostic) -> String {
    let text = note.place.source.around(note.place.span, 0, REACH).text.trim();
    let sum = Sha256::digest(text);
    sum.iter().take(16).fold(String::with_capacity(32), |mut hash, byte| {
        hash.push_str(&format!("{byte:02x}"));
        hash
    })
}

/// Bytes of a line that are looked at on either side of a finding.
const REACH: usize = 4096;

// A path from the baseline's folder, with `/`, whatever the working directory is.
fn relative(folder: &Path, path: &str) -> String {
    if path == "-" {
        return path.to_owned();
    }
    let path = settled(Path::new(path));
    let mut ours = folder.components().peekable();
    let mut theirs = path.components().peekable();
    let mut shared = 0;
    while let (Some(one), Some(other)) = (ours.peek(), theirs.peek())
        && one == other
    {
        ours.next();
        theirs.next();
        shared += 1;
    }
    // On another drive there is no way from one to the other.
    if shared == 0 {
        return path.to_string_lossy().replace('\\', "/");
    }
    let up = ours.map(|_| Cow::Borrowed(".."));
    let down = theirs.map(|part| part.as_os_str().to_string_lossy());
    let parts: Vec<Cow<'_, str>> = up.chain(down).collect();
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_folder_of_the_baseline() {
        for (folder, path, expected) in [
            ("a", "a/b/c.json", "b/c.json"),
            ("a/x", "a/b/c.json", "../b/c.json"),
            ("a/x/y", "c.json", "../../../c.json"),
            ("a", "a", "."),
            ("a", "a/./b/../c.json", "c.json"),
            ("ab", "a/c.json", "../a/c.json"),
            ("", "-", "-"),
        ] {
            assert_eq!(relative(&settled(Path::new(folder)), path), expected, "{folder} {path}");
        }
    }
}
