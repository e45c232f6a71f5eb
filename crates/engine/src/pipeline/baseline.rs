//! The baseline: known findings are counted and not reported again, so that new ones are never mistaken for known ones.
//!
//! An entry is about a record, a place in it and a rule, and has a count. The record is identified by its key or, where it has
//! none, by a hash of its content, regardless of the order of its members and its layout. A finding outside a record is identified
//! by its file and a hash of the lines that it covers. The place has `*` for the numbers of items. So moving a record or an
//! item, or renaming a file, changes nothing. One finding more than the count is reported, one fewer makes the entry stale,
//! and a record without a key that was edited shows all its findings again.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::scope::normalised_path;
use chancery_core::diagnostic::{Diagnostic, RecordRef, Severity, quote, rules};
use chancery_core::source::{Source, Span};
use chancery_core::tree::{Node, Tree, pointer};
use chancery_formats::write::json;

/// How the file is updated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Update {
    /// It is not changed, and stale entries are reported.
    #[default]
    Keep,
    /// Stale entries are removed; new findings stay new.
    Shrink,
    /// It is replaced by all findings, including new ones.
    Accept,
}

/// The number of the file's format.
pub const FORMAT: u64 = 2;

/// The owner of the findings of an entry; in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    // A file from the baseline's directory, and the hash of lines in it.
    Lines(String, String),
    // A record by the hash of its content.
    Content(String),
    // A record by its key.
    Record(String),
}

type FindingKind = (Owner, String, String);

#[derive(Debug, Default)]
struct Entry {
    // The known count, and its location in the file.
    known: u64,
    span: Option<Span>,
    found: u64,
    // Whether the record that it is about was read in this run.
    visited: bool,
    // The file of a record without a key, so that people find it.
    file: Option<String>,
}

/// Known findings, and those found in this run.
#[derive(Debug)]
pub struct Baseline {
    folder: PathBuf,
    source: Arc<Source>,
    entries: BTreeMap<FindingKind, Entry>,
    update: Update,
    // The paths of the run, relative to the baseline's directory; a run over those of the file sees every record it covers.
    paths: Vec<String>,
    whole: bool,
    // Findings of lower severity are not written.
    from: Severity,
    // The files that were read.
    files: HashSet<String>,
    // The path that was last made relative, and what it became.
    last: Option<(String, String)>,
}

impl Baseline {
    /// The baseline at `path` for a run over `paths`: from `tree`, which has been validated, or empty. Findings of at
    /// least the severity `from` are written.
    #[must_use]
    pub fn new(path: &Path, tree: Option<&Tree>, paths: &[String], update: Update, from: Severity) -> Self {
        let folder = normalised_path(path.parent().unwrap_or(Path::new("")));
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
        // A run over a part of the paths leaves the other entries unchanged.
        let mut paths: Vec<String> = written.into_iter().map(str::to_owned).collect();
        if update == Update::Accept {
            let known: HashSet<String> = paths.iter().cloned().collect();
            paths.extend(baseline.paths.iter().filter(|path| !known.contains(*path)).cloned());
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

    /// A file was read, completely or not.
    pub fn visit_file(&mut self, name: &str) {
        let name = self.relative(name);
        self.files.insert(name);
    }

    /// A record was read.
    pub fn visit_record(&mut self, record: &RecordRef) {
        let Some(owner) = Owner::of(record) else { return };
        let first = (owner.clone(), String::new(), String::new());
        self.entries.range_mut(first..).take_while(|((of, ..), _)| *of == owner).for_each(|(_, entry)| entry.visited = true);
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

    /// Whether the finding is new. A finding beyond the known count says so.
    pub fn filter(&mut self, diagnostic: &mut Diagnostic) -> bool {
        let file = self.relative(&diagnostic.place.locate().file);
        let owner = diagnostic.record.as_ref().and_then(Owner::of).unwrap_or_else(|| Owner::Lines(file.clone(), lines(diagnostic)));
        let kind = (owner, pointer::general(diagnostic.pointer.as_deref().unwrap_or("")), diagnostic.rule.code.to_owned());
        let counted = diagnostic.severity >= self.from;
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
            let more = format!("the baseline has {} of these here; this one is new", entry.known);
            diagnostic.help = Some(diagnostic.help.take().map_or(more.clone(), |help| format!("{help}; {more}")));
        }
        true
    }

    /// The stale entries, unless the file is rewritten.
    #[must_use]
    pub fn stale(&self) -> Vec<Diagnostic> {
        if self.update != Update::Keep {
            return Vec::new();
        }
        let stale = self.entries.iter().filter(|((owner, ..), entry)| self.is_up_to_date(owner, entry) && entry.found < entry.known);
        let diagnostic = |((owner, pointer, code), entry): (&FindingKind, &Entry)| {
            let whose = match owner {
                Owner::Record(key) => format!("record {}", quote(key, true)),
                Owner::Content(_) => match &entry.file {
                    Some(name) => format!("a record of file {}", quote(name, true)),
                    None => "a record without a key".to_owned(),
                },
                Owner::Lines(name, _) => format!("file {}", quote(name, true)),
            };
            let place = if pointer.is_empty() { String::new() } else { format!(" at {}", quote(pointer, false)) };
            let message = format!("stale baseline entry: expected {} x {code}{place} in {whose}, found {}", entry.known, entry.found);
            Diagnostic::new(&rules::STALE_BASELINE, &self.source, entry.span.unwrap_or(Span::at(0)), message)
                .help("remove it with --write-baseline, so that it cannot hide a new finding")
        };
        let mut diagnostics: Vec<Diagnostic> = stale.map(diagnostic).collect();
        diagnostics.sort_by_key(|diagnostic| diagnostic.place.span.start);
        diagnostics
    }

    fn is_up_to_date(&self, owner: &Owner, entry: &Entry) -> bool {
        entry.visited || self.whole || self.is_of_read_file(owner, entry)
    }

    // Whether it is about a file that was read. A record without a key that did not turn up there was edited or taken out.
    fn is_of_read_file(&self, owner: &Owner, entry: &Entry) -> bool {
        match owner {
            Owner::Lines(file, _) => self.files.contains(file),
            Owner::Content(_) => entry.file.as_ref().is_some_and(|file| self.files.contains(file)),
            Owner::Record(_) => false,
        }
    }

    /// The new content of the file, if it is to be written. `complete`: every input was read completely.
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
            let seen = entry.visited || (self.whole && complete) || self.is_of_read_file(owner, entry);
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

// A hash of the lines that a finding covers, regardless of the blanks around them, as far as they are available.
fn lines(diagnostic: &Diagnostic) -> String {
    let text = diagnostic.place.source.snippet_around(diagnostic.place.span, 0, REACH).text.trim();
    let sum = Sha256::digest(text);
    sum.iter().take(16).fold(String::with_capacity(32), |mut hash, byte| {
        hash.push_str(&format!("{byte:02x}"));
        hash
    })
}

/// Bytes of a line that are looked at on either side of a finding.
const REACH: usize = 4096;

// A path relative to the baseline's directory, with `/`, independent of the working directory.
fn relative(folder: &Path, path: &str) -> String {
    if path == "-" {
        return path.to_owned();
    }
    let path = normalised_path(Path::new(path));
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
            assert_eq!(relative(&normalised_path(Path::new(folder)), path), expected, "{folder} {path}");
        }
    }
}
