//! The inputs of a project: which files are read, and which source of the config claims them.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Error;
use super::config::{Config, Group};
use super::input::{InputSpec, shown};
use super::paths::{Expanded, expand, expand_with};
use super::revision::ResolvedInput;
use super::settings::{Overrides, Unclaimed};
use crate::pipeline;
use chancery_core::diagnostic::{Diagnostic, Severity, rules};
use chancery_core::source::{Format, Position, Source, Span};
use chancery_files::open::{self, InputError};

/// The inputs, each with the index of its collection.
#[derive(Default)]
pub struct InputSet {
    /// The inputs, in order.
    pub specs: Vec<InputSpec>,
    /// The paths that determine them, by source.
    pub sources: Vec<Vec<String>>,
    /// Paths without an input.
    pub missing: Vec<InputError>,
    /// Names of inputs that no source claims.
    pub unclaimed: Vec<Arc<str>>,
    /// How many files of directories are no data and were omitted.
    pub skipped: u64,
    /// Whether the inputs are those of the config.
    pub is_whole: bool,
    /// Whether the only input was named as one file or is standard input.
    pub is_one_file: bool,
    /// Records that come from no file.
    pub stream: Option<pipeline::Input>,
}

impl InputSet {
    /// Total bytes to read, if known.
    #[must_use]
    pub fn total_bytes(&self) -> Option<u64> {
        if self.stream.is_some() {
            return None;
        }
        self.specs.iter().map(|spec| spec.input.stat.map(|stat| stat.stamp.length)).sum()
    }

    /// The names of the inputs, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let names = self.specs.iter().map(|spec| &spec.input.name).chain(self.stream.iter().map(|stream| &stream.name));
        names.map(ToString::to_string).collect()
    }

    /// Rejects an output that is an input, or a directory that contains inputs.
    ///
    /// # Errors
    /// When it is one.
    pub fn refuse_output(&self, output: &Path) -> Result<(), Error> {
        let Ok(output_path) = output.canonicalize() else { return Ok(()) };
        // A device or a pipe is not replaced, and may be both.
        if !output_path.is_file() && !output_path.is_dir() {
            return Ok(());
        }
        let inside = |input: &Path| input.canonicalize().is_ok_and(|input| input == output_path || input.parent() == Some(&output_path));
        let now = self.specs.iter().filter(|spec| spec.revision.is_none());
        match now.filter_map(|spec| spec.input.path.as_deref()).find(|input| inside(input)) {
            Some(input) => {
                let message = format!("{} is an input that {} would overwrite or join", input.display(), output.display());
                Err(Error::setting(format!("{message}; choose another output with --output")))
            }
            None => Ok(()),
        }
    }

    pub(super) fn set_one_file(&mut self, paths: &[String]) {
        self.is_one_file = match (paths, &*self.specs) {
            ([path], [spec]) => path == "-" || spec.revision.is_some() || Path::new(path).is_file(),
            _ => false,
        };
    }

    /// Takes the inputs that no source claims, except for those that are skipped. Returns those to read, and findings.
    pub(super) fn take_unclaimed(
        &mut self,
        mut inputs: Vec<ResolvedInput>,
        overrides: &Overrides,
        config: &Config,
    ) -> (Vec<ResolvedInput>, Vec<Diagnostic>) {
        let how = overrides.input.unclaimed;
        if how == Unclaimed::Skip {
            return (Vec::new(), Vec::new());
        }
        let config = config.path.as_deref().map_or_else(String::new, shown);
        let named: HashSet<&str> = overrides.input.paths.iter().map(String::as_str).collect();
        let diagnostic = |name: &str, message: String| {
            let source = Arc::new(Source::detached(name, Position::START));
            let mut diagnostic = Diagnostic::new(&rules::UNCLAIMED_FILE, &source, Span::at(0), message);
            if how == Unclaimed::Error {
                diagnostic.severity = Severity::Error;
            }
            diagnostic.help("add it to sources, set a schema with --schema, or skip such files with --unclaimed skip")
        };
        let mut diagnostics = Vec::new();
        let mut others = 0_u64;
        for ResolvedInput { input, .. } in &inputs {
            self.unclaimed.push(Arc::clone(&input.name));
            if named.contains(&*input.name) || how == Unclaimed::Error {
                diagnostics.push(diagnostic(&input.name, format!("no source of {config} claims this file; only its syntax is checked")));
            } else {
                others += 1;
            }
        }
        if others > 0 {
            let files = if others == 1 { "1 file".to_owned() } else { format!("{others} files") };
            diagnostics.push(diagnostic(&config, format!("no source claims {files} found by the given paths; only the syntax is checked")));
        }
        // Files that are not data are not read as handbook pages.
        inputs.retain(|found| {
            let format = Format::by_extension(open::strip_compression(&found.input.name));
            format.is_some_and(|format| format != Format::Handbook)
        });
        (inputs, diagnostics)
    }
}

/// The directory that is read if nothing else is named.
pub(super) fn default_input(config: &Config) -> PathBuf {
    config.folder.join("input")
}

/// The sources of a config: by default its directory `input`.
#[must_use]
pub fn sources(config: &Config) -> Vec<Group> {
    if config.sources.is_empty() {
        vec![Group { paths: vec![shown(&default_input(config))], ..Group::default() }]
    } else {
        config.sources.clone()
    }
}

/// What to read: the paths that were given, else the config's sources, else `input`; with the inputs if they are known.
pub(super) fn groups(overrides: &Overrides, config: &Config) -> Vec<(Group, Option<Expanded>)> {
    let input = &overrides.input;
    if input.paths.is_empty() {
        return sources(config).into_iter().map(|group| (group, None)).collect();
    }
    if config.sources.is_empty() {
        return vec![(Group { paths: input.paths.clone(), ..Group::default() }, None)];
    }
    // A file of the config's sources keeps its settings when it is named.
    let claimed = Claimed::new(&config.sources);
    let (inputs, missing) = expand_with(&input.paths, input.revisions);
    let mut groups: Vec<(Group, Expanded)> =
        config.sources.iter().map(|group| (Group { paths: Vec::new(), ..group.clone() }, Expanded::default())).collect();
    // A schema that was given applies to every file, and without a check nothing is claimed.
    let claims_all = overrides.schema.is_some() || overrides.unchecked;
    let (mut plain, mut unclaimed) = ((Group::default(), (Vec::new(), missing)), Expanded::default());
    for found in inputs {
        match found.input.path.as_deref().map(|path| claimed.group(path)) {
            Some(Some(group)) => groups[group].1.0.push(found),
            // The sources of an older version of the project are unknown.
            Some(None) if !claims_all && found.revision.is_none() => unclaimed.0.push(found),
            _ => plain.1.0.push(found),
        }
    }
    let is_particular = |group: &Group| group.schema.is_some() || group.from.is_some() || group.records.is_some();
    let (particular, others): (Vec<_>, Vec<_>) = groups.into_iter().partition(|(group, _)| is_particular(group));
    plain.1.0.extend(others.into_iter().flat_map(|(_, (inputs, _))| inputs));
    // In the order of the paths.
    plain.1.0.sort_by(|a, b| a.input.path.is_some().cmp(&b.input.path.is_some()).then_with(|| a.input.name.cmp(&b.input.name)));
    let unclaimed = (Group { unclaimed: true, ..Group::default() }, unclaimed);
    let all = std::iter::once(plain).chain(particular).chain(std::iter::once(unclaimed));
    all.filter(|(_, (inputs, missing))| !inputs.is_empty() || !missing.is_empty()).map(|(group, found)| (group, Some(found))).collect()
}

// The files that sources claim, each with the index of the first source that does.
struct Claimed<P = PathBuf>(HashMap<P, usize>);

impl Claimed {
    fn new(sources: &[Group]) -> Self {
        let files = |group: &Group| expand(&group.paths).0.into_iter().filter_map(|input| input.path?.canonicalize().ok()).collect();
        Self::of(sources.iter().map(files).collect())
    }

    fn group(&self, path: &Path) -> Option<usize> {
        self.find(&path.canonicalize().ok()?)
    }
}

impl<P: Eq + std::hash::Hash> Claimed<P> {
    fn of(sources: Vec<Vec<P>>) -> Self {
        let mut claimed = HashMap::new();
        for (number, path) in sources.into_iter().enumerate().flat_map(|(number, files)| files.into_iter().map(move |path| (number, path)))
        {
            claimed.entry(path).or_insert(number);
        }
        Self(claimed)
    }

    fn find(&self, path: &P) -> Option<usize> {
        self.0.get(path).copied()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::Claimed;

    thread_local! {
        static COMPARISONS: Cell<u64> = const { Cell::new(0) };
    }

    #[derive(Clone, Eq)]
    struct Counted(String);

    impl std::hash::Hash for Counted {
        fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
            self.0.hash(state);
        }
    }

    impl PartialEq for Counted {
        fn eq(&self, other: &Self) -> bool {
            COMPARISONS.set(COMPARISONS.get() + 1);
            self.0 == other.0
        }
    }

    fn comparisons(count: usize) -> u64 {
        COMPARISONS.set(0);
        let files: Vec<Counted> = (0..count).map(|number| Counted(format!("data/{number}.json"))).collect();
        let claimed = Claimed::of(vec![files[..count / 2].to_vec(), files[count / 4..].to_vec()]);
        for (number, file) in files.iter().enumerate() {
            assert_eq!(claimed.find(file), Some(usize::from(number >= count / 2)), "the first source that names a file has it");
        }
        assert_eq!(claimed.find(&Counted("package.json".to_owned())), None);
        COMPARISONS.get()
    }

    #[test]
    fn claiming_twice_as_many_files_takes_about_twice_the_comparisons() {
        let (some, twice) = (comparisons(2_000), comparisons(4_000));
        assert!(twice as f64 <= 2.5 * some as f64, "{some} and {twice} comparisons");
    }
}
