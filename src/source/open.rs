//! From paths to streams: which files are meant, and their text.
//!
//! In: what stands on the command line or in the config (files, folders, globs, `-`). Out of [`expand`]: the files meant, in
//! the order in which they are read, each once. Out of [`open`]: one file as a [`Feed`] of UTF-8, unpacked and decoded.
//!
//! What cannot be found or read is a [`Problem`] or a [`Failure`] of that one input and never stops the others.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufReader, Cursor, Read};
use std::num::NonZero;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::thread;

use encoding_rs::{Decoder, DecoderResult, Encoding};

use super::feed::BadBytes;
use super::kind::{self, Kind};
use super::stat::Stat;
use super::{Failure, Feed, Position};

/// One file to read, or the standard input.
#[derive(Clone, Debug)]
pub struct Input {
    /// The name as it is shown: the path as given, with `/` between its parts; `-` for the standard input.
    pub name: Arc<str>,
    /// The file; `None` for the standard input.
    pub path: Option<PathBuf>,
    /// What the system said of the file when it was found; `None` where it was not asked.
    pub stat: Option<Stat>,
    /// Whether it was found in a folder, and not named.
    pub in_folder: bool,
}

impl Input {
    /// One that the system has not been asked about.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, path: Option<PathBuf>) -> Self {
        Self { name: name.into(), path, stat: None, in_folder: false }
    }
}

/// Why something that was asked for gives no input.
#[derive(Debug, thiserror::Error)]
#[error("{}: {}", self.name(), self.reason())]
pub enum Problem {
    /// The system does not give the file or folder.
    Io {
        /// The path as given.
        name: String,
        /// What the system said.
        error: io::Error,
    },
    /// A pattern that fits no file.
    NoMatch {
        /// The pattern as given.
        pattern: String,
    },
    /// A pattern that is none.
    BadPattern {
        /// The pattern as given.
        pattern: String,
        /// What is wrong with it.
        error: globset::Error,
    },
    /// A folder without a file whose name tells a known format.
    EmptyFolder {
        /// The folder as given.
        name: String,
    },
}

impl Problem {
    /// What was asked for, as given.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Io { name, .. } | Self::EmptyFolder { name } => name,
            Self::NoMatch { pattern } | Self::BadPattern { pattern, .. } => pattern,
        }
    }

    /// Why it gives no input.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Io { error, .. } => plain(error),
            Self::NoMatch { .. } => "no file fits the pattern".to_owned(),
            Self::BadPattern { error, .. } => error.to_string(),
            Self::EmptyFolder { .. } => "the folder holds no file of a known format".to_owned(),
        }
    }
}

/// What is taken from folders.
pub struct Folders<'a> {
    /// Whether a file of that name is of a known format; the extension of a compression is taken off before.
    pub known: &'a dyn Fn(&str) -> bool,
    /// The files that this file stands for, relative to its folder: a package's descriptor claims its tables, which are then
    /// left out beside it. Empty for most.
    pub claims: &'a dyn Fn(&Path) -> Vec<PathBuf>,
    /// The name of the file that marks a folder as another project, which is not entered from above.
    pub border: &'static str,
}

/// The inputs that `paths` mean, each once, the standard input first and the others sorted by name; and what went wrong.
///
/// A file that is named, or fits a glob as the shell reads it, is always taken. From folders, files of a known format are
/// taken that are neither hidden nor ignored by git.
#[must_use]
pub fn expand(paths: &[String], folders: &Folders<'_>) -> (Vec<Input>, Vec<Problem>) {
    let mut found = Found { folders, inputs: Vec::new(), problems: Vec::new() };
    for path in paths {
        found.add(path);
    }
    let Found { mut inputs, problems, .. } = found;
    inputs.sort_by(|a, b| (a.path.is_some(), &a.name, a.in_folder).cmp(&(b.path.is_some(), &b.name, b.in_folder)));
    look_at(&mut inputs);
    let mut seen = HashSet::with_capacity(inputs.len());
    inputs.retain(|input| seen.insert(input.path.as_deref().map(|path| identity(path, input.stat.as_ref()))));
    (inputs, problems)
}

// Asks the system about each file, once: with thousands of small ones that is most of what they cost.
fn look_at(inputs: &mut [Input]) {
    const MANY: usize = 512;
    let look = |inputs: &mut [Input]| inputs.iter_mut().for_each(|input| input.stat = input.path.as_deref().and_then(Stat::at));
    let threads = if inputs.len() < MANY { 1 } else { thread::available_parallelism().map_or(1, NonZero::get) };
    if threads == 1 {
        return look(inputs);
    }
    let share = inputs.len().div_ceil(threads);
    thread::scope(|scope| inputs.chunks_mut(share).for_each(|part| drop(scope.spawn(move || look(part)))));
}

struct Found<'a> {
    folders: &'a Folders<'a>,
    inputs: Vec<Input>,
    problems: Vec<Problem>,
}

impl Found<'_> {
    fn add(&mut self, given: &str) {
        if given == "-" {
            return self.inputs.push(Input::new("-", None));
        }
        match fs::metadata(given) {
            Ok(metadata) if metadata.is_dir() => self.walk(Path::new(given)),
            Ok(_) => self.push(PathBuf::from(given)),
            // A file whose name looks like a pattern is found before it is taken for one.
            Err(error) if error.kind() == io::ErrorKind::NotFound && has_wildcard(given) => self.glob(given),
            Err(error) => self.problems.push(Problem::Io { name: given.to_owned(), error }),
        }
    }

    fn push(&mut self, path: PathBuf) {
        self.inputs.push(Input::new(shown(&path), Some(path)));
    }

    fn walk(&mut self, folder: &Path) {
        let mut files = Vec::new();
        let border = self.folders.border;
        let is_inside = move |entry: &ignore::DirEntry| entry.depth() == 0 || border.is_empty() || !entry.path().join(border).is_file();
        // A `.gitignore` counts outside of repositories as well, so that a copy of a folder reads as the folder does.
        for entry in ignore::WalkBuilder::new(folder).ignore(false).require_git(false).filter_entry(is_inside).build() {
            match entry {
                // Links to files are followed, links to folders are not.
                Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_file() || (!kind.is_dir() && entry.path().is_file())) => {
                    let name = entry.file_name().to_string_lossy();
                    if (self.folders.known)(strip_compression(&name)) {
                        files.push(entry.into_path());
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    let name = path_of(&error).map_or_else(|| shown(folder), shown);
                    let error = error.into_io_error().unwrap_or_else(|| io::Error::other("cannot be walked"));
                    self.problems.push(Problem::Io { name, error });
                }
            }
        }
        if files.is_empty() {
            return self.problems.push(Problem::EmptyFolder { name: shown(folder) });
        }
        // A package is what its description names: its tables are read with it, and other files in its folder are no part of it.
        let described: Vec<(PathBuf, Vec<PathBuf>)> =
            files.iter().map(|file| (file.clone(), (self.folders.claims)(file))).filter(|(_, claimed)| !claimed.is_empty()).collect();
        let folder_of = |file: &Path| file.parent().unwrap_or(Path::new(".")).to_path_buf();
        let folders: HashSet<PathBuf> = described.iter().map(|(file, _)| folder_of(file)).collect();
        let descriptions: HashSet<&PathBuf> = described.iter().map(|(file, _)| file).collect();
        files.retain(|file| {
            let is_inside = |above: usize| file.ancestors().skip(above).any(|folder| folders.contains(folder));
            !is_inside(if descriptions.contains(file) { 2 } else { 1 })
        });
        let before = self.inputs.len();
        for file in files {
            self.push(file);
        }
        self.inputs[before..].iter_mut().for_each(|input| input.in_folder = true);
    }

    // As the shell does it: a wildcard does not stand for `/`, nor for the dot of a hidden file; `**` stands for folders.
    fn glob(&mut self, pattern: &str) {
        let matcher = match globset::GlobBuilder::new(pattern).literal_separator(true).build() {
            Ok(glob) => glob.compile_matcher(),
            Err(error) => return self.problems.push(Problem::BadPattern { pattern: pattern.to_owned(), error }),
        };
        let fixed: PathBuf =
            Path::new(pattern).components().take_while(|part| !has_wildcard(&part.as_os_str().to_string_lossy())).collect();
        let rest = Path::new(pattern).components().count() - fixed.components().count();
        let depth = if pattern.contains("**") || pattern.contains('{') { None } else { Some(rest) };
        let hidden = Path::new(pattern)
            .components()
            .skip(fixed.components().count())
            .any(|part| matches!(part, Component::Normal(name) if name.to_string_lossy().starts_with('.')));
        let start = if fixed.as_os_str().is_empty() { Path::new(".") } else { &fixed };
        let before = self.inputs.len() + self.problems.len();
        let walk = ignore::WalkBuilder::new(start).standard_filters(false).hidden(!hidden).max_depth(depth).build();
        for entry in walk.filter_map(Result::ok).filter(|entry| entry.depth() > 0) {
            let path = if fixed.as_os_str().is_empty() { entry.path().strip_prefix(".").unwrap_or(entry.path()) } else { entry.path() };
            if matcher.is_match(path) || (pattern.starts_with("./") && matcher.is_match(entry.path())) {
                // What is neither a file nor a folder is not opened; a link that leads nowhere is reported when it is.
                match fs::metadata(path) {
                    Ok(found) if found.is_dir() => self.walk(path),
                    Ok(found) if !found.is_file() => {}
                    _ => self.push(path.to_path_buf()),
                }
            }
        }
        if self.inputs.len() + self.problems.len() == before {
            self.problems.push(Problem::NoMatch { pattern: pattern.to_owned() });
        }
    }
}

fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

fn shown(path: &Path) -> String {
    let text = path.to_string_lossy();
    if std::path::MAIN_SEPARATOR == '/' { text.into_owned() } else { text.replace(std::path::MAIN_SEPARATOR, "/") }
}

fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        _ => None,
    }
}

#[derive(PartialEq, Eq, Hash)]
enum Identity {
    #[cfg(unix)]
    Inode(u64, u64),
    Path(PathBuf),
}

#[cfg_attr(not(unix), expect(unused_variables, reason = "other systems tell files apart by their paths"))]
fn identity(path: &Path, stat: Option<&Stat>) -> Identity {
    #[cfg(unix)]
    if let Some(stat) = stat {
        return Identity::Inode(stat.device, stat.stamp.number);
    }
    Identity::Path(fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf()))
}

/// A file name without the extension of a compression.
#[must_use]
pub fn strip_compression(name: &str) -> &str {
    let Some((rest, extension)) = name.rsplit_once('.') else { return name };
    if ["gz", "zst"].iter().any(|known| known.eq_ignore_ascii_case(extension)) { rest } else { name }
}

/// Whether `label` is the name of an encoding that [`open`] knows.
#[must_use]
pub fn is_encoding(label: &str) -> bool {
    Encoding::for_label(label.as_bytes()).is_some()
}

/// An input that has been opened.
pub struct Opened {
    /// Its text.
    pub feed: Feed,
    /// Whether byte offsets count the unpacked and decoded text instead of the file's own bytes.
    pub decoded: bool,
    /// The encoding's name.
    pub encoding: &'static str,
    /// What it is, where its first bytes are not those of a text.
    pub kind: Option<&'static Kind>,
    /// Whether it is compressed.
    pub packed: bool,
}

/// Opens an input: unpacks gzip and zstd, known by their first bytes, and decodes what is not UTF-8.
///
/// A byte order mark decides the encoding; else `encoding` does, a label of the WHATWG's list; else an XML declaration does;
/// else it is UTF-8. Unless `encoding` is given, a declaration has to agree with the mark and with the bytes.
///
/// # Errors
/// When the file cannot be opened or its first bytes cannot be read, or no encoding has that name.
pub fn open(input: &Input, encoding: Option<&str>) -> Result<Opened, Failure> {
    let raw: Box<dyn Read + Send> = match &input.path {
        Some(path) => Box::new(File::open(path)?),
        None => Box::new(io::stdin()),
    };
    open_stream(&input.name, raw, encoding)
}

/// Opens a stream as [`open`] does a file.
///
/// # Errors
/// When its first bytes cannot be read, or no encoding has that name.
pub fn open_stream(name: &Arc<str>, raw: Box<dyn Read + Send>, encoding: Option<&str>) -> Result<Opened, Failure> {
    let declared = match encoding {
        None => encoding_rs::UTF_8,
        Some(label) => Encoding::for_label(label.as_bytes())
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, format!("no encoding is called {label:?}")))?,
    };
    // Small files come with one call to the system; what is larger than the buffer goes past it.
    let (head, raw) = look(Box::new(BufReader::new(raw)), 4)?;
    let packed = match head[..] {
        [0x1f, 0x8b, ..] => Some("gzip"),
        [0x28, 0xb5, 0x2f, 0xfd] => Some("zstd"),
        // A frame to be skipped, with which parallel compressors begin.
        [first, 0x2a, 0x4d, 0x18] if first & 0xf0 == 0x50 => Some("zstd"),
        _ => None,
    };
    let plain: Box<dyn Read + Send> = match packed {
        Some("gzip") => Box::new(Unpacked { name: "gzip", stream: flate2::read::MultiGzDecoder::new(BufReader::new(raw)) }),
        Some(name) => Box::new(Unpacked { name, stream: zstd::stream::read::Decoder::new(raw)? }),
        None => raw,
    };
    let (head, mut text) = look(plain, kind::LENGTH)?;
    let kind = kind::of(strip_compression(name), &head);
    let mark = Encoding::for_bom(&head);
    let declared = match encoding {
        Some(_) => declared,
        None => by_declaration(&head, mark)?.unwrap_or(declared),
    };
    let (encoding, mark) = mark.unwrap_or((declared, 0));
    text.read_exact(&mut [0; 3][..mark])?;
    if encoding == encoding_rs::UTF_8 {
        let from = Position { byte: mark as u64, ..Position::START };
        let feed = Feed::new(Arc::clone(name), text, from);
        return Ok(Opened { feed, decoded: packed.is_some(), encoding: "UTF-8", kind, packed: packed.is_some() });
    }
    let decoded = Decoded::new(text, encoding);
    let feed = Feed::new(Arc::clone(name), Box::new(decoded), Position::START);
    Ok(Opened { feed, decoded: true, encoding: encoding.name(), kind, packed: packed.is_some() })
}

// The encoding that an XML declaration at the start of `head` names, which has to agree with the byte order mark.
fn by_declaration(head: &[u8], mark: Option<(&'static Encoding, usize)>) -> Result<Option<&'static Encoding>, Failure> {
    let (by_mark, length) = mark.unwrap_or((encoding_rs::UTF_8, 0));
    let (text, _) = by_mark.decode_without_bom_handling(&head[length..]);
    let Some(place) = declared_name(&text) else { return Ok(None) };
    let label = &text[place.clone()];
    let start = if by_mark == encoding_rs::UTF_8 { Position { byte: length as u64, ..Position::START } } else { Position::START };
    let wrong = |why: String, help: &str| {
        let help = format!("{help}, or give the encoding with --encoding");
        Err(Failure::Declaration { why, help, at: start.after(&text[..place.start]) })
    };
    let Some(encoding) = Encoding::for_label_no_replacement(label.as_bytes()) else {
        return wrong(format!("the XML declaration names an unknown encoding, {label:?}"), "name a known encoding, such as UTF-8");
    };
    let is_wide = |encoding: &Encoding| encoding == encoding_rs::UTF_16LE || encoding == encoding_rs::UTF_16BE;
    // The name without an order of bytes leaves the order to the mark.
    let agrees = encoding == by_mark || (is_wide(by_mark) && is_wide(encoding) && !label.to_ascii_lowercase().ends_with("le"));
    let found = match mark {
        Some(_) if !agrees => format!("begins with the byte order mark of {}", by_mark.name()),
        // The declaration has just been read byte by byte.
        None if is_wide(encoding) => "has one byte for each character of the declaration, and no byte order mark".to_owned(),
        _ => return Ok(Some(encoding)),
    };
    wrong(format!("the XML declaration names the encoding {label:?}, but the file {found}"), "correct the declaration")
}

// Where the name of the encoding stands in an XML declaration.
fn declared_name(text: &str) -> Option<std::ops::Range<usize>> {
    let inside = text.strip_prefix("<?xml").filter(|rest| rest.starts_with(|c: char| c.is_ascii_whitespace()))?;
    let inside = &inside[..inside.find("?>")?];
    let offset = "<?xml".len();
    let mut from = 0;
    while let Some(found) = inside[from..].find("encoding") {
        let (before, after) = (&inside[..from + found], &inside[from + found + "encoding".len()..]);
        from += found + "encoding".len();
        let value = after.trim_ascii_start().strip_prefix('=').map(str::trim_ascii_start);
        let Some(value) = value.filter(|_| before.ends_with(|c: char| c.is_ascii_whitespace())) else { continue };
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let start = offset + inside.len() - value.len() + 1;
        return value[1..].find(quote).map(|length| start..start + length);
    }
    None
}

/// The first bytes of an input, by which its format can be told; nothing is taken.
///
/// # Errors
/// When the input cannot be read.
pub fn peek(feed: &mut Feed) -> Result<&[u8], Failure> {
    const LENGTH: usize = 8 * 1024;
    feed.fill(LENGTH)?;
    let bytes = feed.bytes();
    Ok(&bytes[..bytes.len().min(LENGTH)])
}

// The first bytes, up to `length`, and the stream with them put back.
fn look(mut stream: Box<dyn Read + Send>, length: usize) -> io::Result<(Vec<u8>, Box<dyn Read + Send>)> {
    let mut head = Vec::with_capacity(length);
    stream.by_ref().take(length as u64).read_to_end(&mut head)?;
    Ok((head.clone(), Box::new(Cursor::new(head).chain(stream))))
}

// Says which compression a broken stream was.
struct Unpacked<R> {
    name: &'static str,
    stream: R,
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            io::ErrorKind::UnexpectedEof => io::Error::new(error.kind(), format!("the {} stream ends too early", self.name)),
            kind => io::Error::new(kind, format!("broken {} stream: {error}", self.name)),
        })
    }
}

// A stream as UTF-8. Bytes that are not text end it with `BadBytes`, after all text before them has been handed over.
struct Decoded {
    stream: Box<dyn Read + Send>,
    encoding: &'static Encoding,
    decoder: Decoder,
    input: Vec<u8>,
    // The part of `input` that is to be decoded.
    from: usize,
    to: usize,
    output: Vec<u8>,
    // The part of `output` that is to be handed over.
    handed: usize,
    written: usize,
    ended: bool,
    finished: bool,
    bad: bool,
}

impl Decoded {
    fn new(stream: Box<dyn Read + Send>, encoding: &'static Encoding) -> Self {
        Self {
            stream,
            encoding,
            decoder: encoding.new_decoder_without_bom_handling(),
            input: vec![0; 64 * 1024],
            from: 0,
            to: 0,
            output: vec![0; 64 * 1024],
            handed: 0,
            written: 0,
            ended: false,
            finished: false,
            bad: false,
        }
    }
}

impl Read for Decoded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.handed == self.written && !self.finished && !self.bad {
            if self.from == self.to && !self.ended {
                self.to = self.stream.read(&mut self.input)?;
                self.from = 0;
                self.ended = self.to == 0;
            }
            let (result, read, written) =
                self.decoder.decode_to_utf8_without_replacement(&self.input[self.from..self.to], &mut self.output, self.ended);
            self.from += read;
            self.handed = 0;
            self.written = written;
            self.bad = matches!(result, DecoderResult::Malformed(..));
            self.finished = self.ended && matches!(result, DecoderResult::InputEmpty);
        }
        if self.handed == self.written && self.bad {
            return Err(io::Error::new(io::ErrorKind::InvalidData, BadBytes(self.encoding.name())));
        }
        let length = buffer.len().min(self.written - self.handed);
        buffer[..length].copy_from_slice(&self.output[self.handed..self.handed + length]);
        self.handed += length;
        Ok(length)
    }
}
