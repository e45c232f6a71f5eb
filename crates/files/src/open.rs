//! From paths to streams: which files are meant, and their text.
//!
//! Input: paths on the command line or in the config (files, directories, globs, `-`). Output of [`expand`]: the files,
//! in the order in which they are read, each once. Output of [`open`]: one file as an [`InputBuffer`] of UTF-8,
//! decompressed and decoded.
//!
//! Errors are an [`InputError`] or a [`ReadError`] of that one input and never stop the others.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufReader, Cursor, Read};
use std::num::NonZero;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::thread;

use encoding_rs::{Decoder, DecoderResult, Encoding};

use super::stat::FileMetadata;
use chancery_core::source::InvalidBytes;
use chancery_core::source::kind::{self, Kind};
use chancery_core::source::{InputBuffer, Position, ReadError};

/// One file to read, or standard input.
#[derive(Clone, Debug)]
pub struct Input {
    /// The display name: the path as given, with `/` between its parts; `-` for standard input.
    pub name: Arc<str>,
    /// The file; `None` for standard input.
    pub path: Option<PathBuf>,
    /// The file's metadata when it was found; `None` if it was not requested.
    pub stat: Option<FileMetadata>,
    /// Whether it was found in a directory, and not named.
    pub in_folder: bool,
}

impl Input {
    /// An input without metadata.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, path: Option<PathBuf>) -> Self {
        Self { name: name.into(), path, stat: None, in_folder: false }
    }
}

/// Why a requested path gives no input.
#[derive(Debug, thiserror::Error)]
#[error("{}: {}", self.name(), self.reason())]
pub enum InputError {
    /// The file or directory cannot be read.
    Io {
        /// The path as given.
        name: String,
        /// The system's error.
        error: io::Error,
    },
    /// A pattern that matches no file.
    NoMatch {
        /// The pattern as given.
        pattern: String,
    },
    /// An invalid pattern.
    BadPattern {
        /// The pattern as given.
        pattern: String,
        /// The error.
        error: globset::Error,
    },
    /// A directory without a file of a supported format.
    EmptyFolder {
        /// The directory as given.
        name: String,
    },
}

impl InputError {
    /// The path as given.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Io { name, .. } | Self::EmptyFolder { name } => name,
            Self::NoMatch { pattern } | Self::BadPattern { pattern, .. } => pattern,
        }
    }

    /// The reason.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Io { error, .. } => one_line_reason(error),
            Self::NoMatch { .. } => "no file matches the pattern".to_owned(),
            Self::BadPattern { error, .. } => error.to_string(),
            Self::EmptyFolder { .. } => "the directory contains no file of a supported format".to_owned(),
        }
    }
}

/// Which files of directories are read.
pub struct DirectoryRules<'a> {
    /// Whether a file of that name has a supported format; a compression extension is removed first.
    pub known: &'a dyn Fn(&str) -> bool,
    /// The files that this file stands for, relative to its directory: a package's descriptor claims its tables, which
    /// are then not read separately. Empty for most.
    pub package_tables: &'a dyn Fn(&Path) -> Vec<PathBuf>,
    /// The file name that marks a directory as another project, which is not entered from above.
    pub config_name: &'static str,
}

/// The inputs of `paths`, each once, standard input first and the others sorted by name; and errors.
///
/// A file that is named, or matches a glob by the rules of the shell, is always read. In directories, files of
/// supported formats are read that are neither hidden nor ignored by git.
#[must_use]
pub fn expand(paths: &[String], folders: &DirectoryRules<'_>) -> (Vec<Input>, Vec<InputError>) {
    let mut found = FileWalker { folders, inputs: Vec::new(), problems: Vec::new() };
    for path in paths {
        found.add(path);
    }
    let FileWalker { mut inputs, problems, .. } = found;
    inputs.sort_by(|a, b| (a.path.is_some(), &a.name, a.in_folder).cmp(&(b.path.is_some(), &b.name, b.in_folder)));
    stat_all(&mut inputs);
    let mut seen = HashSet::with_capacity(inputs.len());
    inputs.retain(|input| seen.insert(input.path.as_deref().map(|path| identity(path, input.stat.as_ref()))));
    (inputs, problems)
}

// Requests the metadata of each file once: with thousands of small files, that is most of their cost.
fn stat_all(inputs: &mut [Input]) {
    const MANY: usize = 512;
    let look = |inputs: &mut [Input]| inputs.iter_mut().for_each(|input| input.stat = input.path.as_deref().and_then(FileMetadata::at));
    let threads = if inputs.len() < MANY { 1 } else { thread::available_parallelism().map_or(1, NonZero::get) };
    if threads == 1 {
        return look(inputs);
    }
    let share = inputs.len().div_ceil(threads);
    let mut is_complete = true;
    thread::scope(|scope| {
        for part in inputs.chunks_mut(share) {
            is_complete &= thread::Builder::new().spawn_scoped(scope, move || look(part)).is_ok();
        }
    });
    // The system may refuse a thread.
    if !is_complete {
        look(inputs);
    }
}

struct FileWalker<'a> {
    folders: &'a DirectoryRules<'a>,
    inputs: Vec<Input>,
    problems: Vec<InputError>,
}

impl FileWalker<'_> {
    fn add(&mut self, given: &str) {
        if given == "-" {
            return self.inputs.push(Input::new("-", None));
        }
        match fs::metadata(given) {
            Ok(metadata) if metadata.is_dir() => self.walk(Path::new(given)),
            Ok(_) => self.push(PathBuf::from(given)),
            // A file whose name looks like a pattern is tried before the pattern.
            Err(error) if error.kind() == io::ErrorKind::NotFound && has_wildcard(given) => self.glob(given),
            Err(error) => self.problems.push(InputError::Io { name: given.to_owned(), error }),
        }
    }

    fn push(&mut self, path: PathBuf) {
        self.inputs.push(Input::new(shown(&path), Some(path)));
    }

    fn walk(&mut self, folder: &Path) {
        let mut files = Vec::new();
        let border = self.folders.config_name;
        let is_inside = move |entry: &ignore::DirEntry| entry.depth() == 0 || border.is_empty() || !entry.path().join(border).is_file();
        // A `.gitignore` applies outside of repositories as well, so that a copy of a directory reads the same.
        for entry in ignore::WalkBuilder::new(folder).ignore(false).require_git(false).filter_entry(is_inside).build() {
            match entry {
                // Links to files are followed, links to directories are not.
                Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_file() || (!kind.is_dir() && entry.path().is_file())) => {
                    let name = entry.file_name().to_string_lossy();
                    if (self.folders.known)(strip_compression(&name)) {
                        files.push(entry.into_path());
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    let name = path_of(&error).map_or_else(|| shown(folder), shown);
                    let error = error.into_io_error().unwrap_or_else(|| io::Error::other("cannot be read"));
                    self.problems.push(InputError::Io { name, error });
                }
            }
        }
        if files.is_empty() {
            return self.problems.push(InputError::EmptyFolder { name: shown(folder) });
        }
        // A package consists of its description and the tables named there; other files in its directory do not belong to it.
        let described: Vec<(PathBuf, Vec<PathBuf>)> = files
            .iter()
            .map(|file| (file.clone(), (self.folders.package_tables)(file)))
            .filter(|(_, claimed)| !claimed.is_empty())
            .collect();
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

    // By the rules of the shell: a wildcard does not match `/`, nor the dot of a hidden file; `**` matches directories.
    fn glob(&mut self, pattern: &str) {
        let matcher = match globset::GlobBuilder::new(pattern).literal_separator(true).build() {
            Ok(glob) => glob.compile_matcher(),
            Err(error) => return self.problems.push(InputError::BadPattern { pattern: pattern.to_owned(), error }),
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
                // Special files are not opened; an unresolvable link is reported when it is opened.
                match fs::metadata(path) {
                    Ok(found) if found.is_dir() => self.walk(path),
                    Ok(found) if !found.is_file() => {}
                    _ => self.push(path.to_path_buf()),
                }
            }
        }
        if self.inputs.len() + self.problems.len() == before {
            self.problems.push(InputError::NoMatch { pattern: pattern.to_owned() });
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

fn one_line_reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or directory".to_owned(),
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

#[cfg_attr(not(unix), expect(unused_variables, reason = "other systems identify files by their paths"))]
fn identity(path: &Path, stat: Option<&FileMetadata>) -> Identity {
    #[cfg(unix)]
    if let Some(stat) = stat {
        return Identity::Inode(stat.device, stat.stamp.inode);
    }
    Identity::Path(fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf()))
}

/// A file name without a compression extension.
#[must_use]
pub fn strip_compression(name: &str) -> &str {
    let Some((rest, extension)) = name.rsplit_once('.') else { return name };
    if ["gz", "zst"].iter().any(|known| known.eq_ignore_ascii_case(extension)) { rest } else { name }
}

/// Whether `label` is a supported encoding.
#[must_use]
pub fn is_encoding(label: &str) -> bool {
    Encoding::for_label(label.as_bytes()).is_some()
}

/// An opened input.
pub struct Opened {
    /// Its text.
    pub feed: InputBuffer,
    /// Whether byte offsets count the decompressed and decoded text instead of the file's own bytes.
    pub decoded: bool,
    /// The encoding's name.
    pub encoding: &'static str,
    /// What it is, where its first bytes are not those of a text.
    pub kind: Option<&'static Kind>,
    /// Whether it is compressed.
    pub packed: bool,
}

/// Opens an input: decompresses gzip and zstd, detected by their first bytes, and decodes text that is not UTF-8.
///
/// A byte order mark decides the encoding; else `encoding` does, a label of the WHATWG's list; else an XML declaration does;
/// else it is UTF-8. Unless `encoding` is given, a declaration has to agree with the mark and with the bytes.
///
/// # Errors
/// When the file cannot be opened or its first bytes cannot be read, or no encoding has that name.
pub fn open(input: &Input, encoding: Option<&str>) -> Result<Opened, ReadError> {
    let raw: Box<dyn Read + Send> = match &input.path {
        Some(path) => Box::new(File::open(path)?),
        None => Box::new(io::stdin()),
    };
    open_stream(&input.name, raw, encoding)
}

/// Opens a stream like a file in [`open`].
///
/// # Errors
/// When its first bytes cannot be read, or no encoding has that name.
pub fn open_stream(name: &Arc<str>, raw: Box<dyn Read + Send>, encoding: Option<&str>) -> Result<Opened, ReadError> {
    let declared = match encoding {
        None => encoding_rs::UTF_8,
        Some(label) => Encoding::for_label(label.as_bytes())
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, format!("unknown encoding {label:?}")))?,
    };
    // A small file needs one system call; larger data bypasses the buffer.
    let (head, raw) = sniff(Box::new(BufReader::new(raw)), 4)?;
    let packed = match head[..] {
        [0x1f, 0x8b, ..] => Some("gzip"),
        [0x28, 0xb5, 0x2f, 0xfd] => Some("zstd"),
        // A skippable frame, with which parallel compressors begin.
        [first, 0x2a, 0x4d, 0x18] if first & 0xf0 == 0x50 => Some("zstd"),
        _ => None,
    };
    let plain: Box<dyn Read + Send> = match packed {
        Some("gzip") => Box::new(DecompressingReader { name: "gzip", stream: flate2::read::MultiGzDecoder::new(BufReader::new(raw)) }),
        Some(name) => Box::new(DecompressingReader { name, stream: zstd::stream::read::Decoder::new(raw)? }),
        None => raw,
    };
    let (head, mut text) = sniff(plain, kind::LENGTH)?;
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
        let feed = InputBuffer::new(Arc::clone(name), text, from);
        return Ok(Opened { feed, decoded: packed.is_some(), encoding: "UTF-8", kind, packed: packed.is_some() });
    }
    let decoded = DecodingReader::new(text, encoding);
    let feed = InputBuffer::new(Arc::clone(name), Box::new(decoded), Position::START);
    Ok(Opened { feed, decoded: true, encoding: encoding.name(), kind, packed: packed.is_some() })
}

// The encoding that an XML declaration at the start of `head` names, which has to agree with the byte order mark.
fn by_declaration(head: &[u8], mark: Option<(&'static Encoding, usize)>) -> Result<Option<&'static Encoding>, ReadError> {
    let (by_mark, length) = mark.unwrap_or((encoding_rs::UTF_8, 0));
    let (text, _) = by_mark.decode_without_bom_handling(&head[length..]);
    let Some(place) = declared_name(&text) else { return Ok(None) };
    let label = &text[place.clone()];
    let start = if by_mark == encoding_rs::UTF_8 { Position { byte: length as u64, ..Position::START } } else { Position::START };
    let wrong = |why: String, help: &str| {
        let help = format!("{help}, or give the encoding with --encoding");
        Err(ReadError::Declaration { why, help, at: start.after(&text[..place.start]) })
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

// Where the name of the encoding is in an XML declaration.
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

/// The first bytes of an input, for format detection; nothing is consumed.
///
/// # Errors
/// When the input cannot be read.
pub fn peek(feed: &mut InputBuffer) -> Result<&[u8], ReadError> {
    const LENGTH: usize = 8 * 1024;
    feed.fill_from_stream(LENGTH)?;
    let bytes = feed.bytes();
    Ok(&bytes[..bytes.len().min(LENGTH)])
}

// The first bytes, up to `length`, and the stream with them put back.
fn sniff(mut stream: Box<dyn Read + Send>, length: usize) -> io::Result<(Vec<u8>, Box<dyn Read + Send>)> {
    let mut head = Vec::with_capacity(length);
    stream.by_ref().take(length as u64).read_to_end(&mut head)?;
    Ok((head.clone(), Box::new(Cursor::new(head).chain(stream))))
}

// Adds the compression to the error of a damaged stream.
struct DecompressingReader<R> {
    name: &'static str,
    stream: R,
}

impl<R: Read> Read for DecompressingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            io::ErrorKind::UnexpectedEof => io::Error::new(error.kind(), format!("the {} stream is truncated", self.name)),
            kind => io::Error::new(kind, format!("damaged {} stream: {error}", self.name)),
        })
    }
}

// A stream as UTF-8. Invalid bytes end it with `InvalidBytes`, after all text before them.
struct DecodingReader {
    stream: Box<dyn Read + Send>,
    encoding: &'static Encoding,
    decoder: Decoder,
    input: Vec<u8>,
    // The part of `input` still to be decoded.
    from: usize,
    to: usize,
    output: Vec<u8>,
    // The part of `output` still to be returned.
    emitted: usize,
    written: usize,
    ended: bool,
    finished: bool,
    bad: bool,
}

impl DecodingReader {
    fn new(stream: Box<dyn Read + Send>, encoding: &'static Encoding) -> Self {
        Self {
            stream,
            encoding,
            decoder: encoding.new_decoder_without_bom_handling(),
            input: vec![0; 64 * 1024],
            from: 0,
            to: 0,
            output: vec![0; 64 * 1024],
            emitted: 0,
            written: 0,
            ended: false,
            finished: false,
            bad: false,
        }
    }
}

impl Read for DecodingReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.emitted == self.written && !self.finished && !self.bad {
            if self.from == self.to && !self.ended {
                self.to = self.stream.read(&mut self.input)?;
                self.from = 0;
                self.ended = self.to == 0;
            }
            let (result, read, written) =
                self.decoder.decode_to_utf8_without_replacement(&self.input[self.from..self.to], &mut self.output, self.ended);
            self.from += read;
            self.emitted = 0;
            self.written = written;
            self.bad = matches!(result, DecoderResult::Malformed(..));
            self.finished = self.ended && matches!(result, DecoderResult::InputEmpty);
        }
        if self.emitted == self.written && self.bad {
            return Err(io::Error::new(io::ErrorKind::InvalidData, InvalidBytes(self.encoding.name())));
        }
        let length = buffer.len().min(self.written - self.emitted);
        buffer[..length].copy_from_slice(&self.output[self.emitted..self.emitted + length]);
        self.emitted += length;
        Ok(length)
    }
}
