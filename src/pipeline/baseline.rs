//! The baseline: findings that are known and not reported again, counted, so that new ones are never taken for old.
//!
//! An entry is about a record by its key (or about a file, where records have none), a place in the record and a rule, and
//! has a count. The place has `*` for the numbers of items. So moving a record or an item, or renaming a file of records
//! with keys, changes nothing; one finding more than the count is reported, and one fewer makes the entry stale.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

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

/// Whose findings an entry counts; in the order in which they are written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    // From the baseline's folder.
    File(String),
    Record(String),
}

type Kind = (Owner, String, String);

#[derive(Debug, Default)]
struct Entry {
    // How many are known, and where the file says so.
    known: u64,
    span: Option<Span>,
    found: u64,
    // Whether the record or file that it is about was read in this run.
    looked_at: bool,
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
            let file = || Owner::File(text("file").unwrap_or_default());
            let owner = text("record").map_or_else(file, Owner::Record);
            let kind = (owner, text("pointer").unwrap_or_default(), text("code").unwrap_or_default());
            let known = entry.get("count").and_then(|count| count.text().parse().ok()).unwrap_or(1);
            let entry = Entry { known, span: Some(entry.opening()), ..Entry::default() };
            let known = baseline.entries.entry(kind).or_default();
            *known = Entry { known: known.known + entry.known, ..entry };
        }
        baseline
    }

    /// A file was read, to its end or not.
    pub fn look_at_file(&mut self, name: &str) {
        let owner = Owner::File(relative(&self.folder, name));
        self.look_at(&owner);
    }

    /// A record was read.
    pub fn look_at_record(&mut self, key: &str) {
        self.look_at(&Owner::Record(key.to_owned()));
    }

    fn look_at(&mut self, owner: &Owner) {
        let first = (owner.clone(), String::new(), String::new());
        self.entries.range_mut(first..).take_while(|((of, ..), _)| of == owner).for_each(|(_, entry)| entry.looked_at = true);
    }

    /// Whether the finding is new. One that is more than the baseline knows says so.
    pub fn admits(&mut self, note: &mut Diagnostic) -> bool {
        let owner = match &note.record {
            Some(RecordRef { key: Some(key), .. }) => Owner::Record(key.clone()),
            _ => Owner::File(relative(&self.folder, &note.place.locate().file)),
        };
        let kind = (owner, pointer::general(note.pointer.as_deref().unwrap_or("")), note.rule.code.to_owned());
        let counted = note.severity >= self.from;
        let entry = match self.entries.get_mut(&kind) {
            Some(entry) => entry,
            None if counted && self.update == Update::Accept => self.entries.entry(kind).or_default(),
            None => return true,
        };
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
        let stale = self.entries.iter().filter(|(_, entry)| self.is_known_well(entry) && entry.found < entry.known);
        let note = |((owner, pointer, code), entry): (&Kind, &Entry)| {
            let whose = match owner {
                Owner::Record(key) => format!("record {}", quote(key, true)),
                Owner::File(name) => format!("file {}", quote(name, true)),
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

    fn is_known_well(&self, entry: &Entry) -> bool {
        entry.looked_at || self.whole
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
        writeln!(out, "{{\n  \"version\": 1,")?;
        out.extend_from_slice(b"  \"paths\": [");
        for (number, path) in self.paths.iter().enumerate() {
            out.extend_from_slice(if number > 0 { b", " } else { b"" });
            json::string(path, out);
        }
        out.extend_from_slice(b"],\n  \"entries\": [");
        let mut first = true;
        for ((owner, pointer, code), entry) in &self.entries {
            let seen = entry.looked_at || (self.whole && complete);
            let count = match self.update {
                Update::Accept if seen || entry.span.is_none() => entry.found,
                _ if seen => entry.found.min(entry.known),
                _ => entry.known,
            };
            if count == 0 {
                continue;
            }
            out.extend_from_slice(if std::mem::take(&mut first) { b"\n    {" } else { b",\n    {" });
            let (name, owner) = match owner {
                Owner::File(file) => ("file", file),
                Owner::Record(key) => ("record", key),
            };
            for (name, text) in [(name, owner), ("pointer", pointer), ("code", code)] {
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

// A path from the baseline's folder, with `/`, whatever the working directory is.
fn relative(folder: &Path, path: &str) -> String {
    if path == "-" {
        return path.to_owned();
    }
    let path = settled(Path::new(path));
    let inside = path.strip_prefix(folder).map_or_else(|_| path.clone(), Path::to_path_buf);
    inside.to_string_lossy().replace('\\', "/")
}
