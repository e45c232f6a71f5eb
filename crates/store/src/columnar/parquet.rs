//! Parquet: a set of files in a directory, replaced by each load.
//!
//! Everything is written to temporary files next to the final paths, and renamed at the end. Files of an earlier load
//! of the same collection that are no longer needed are removed; files are identified by their metadata, and no others
//! are touched.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::file::metadata::{KeyValue, ParquetMetaDataReader};
use ::parquet::file::properties::WriterProperties;
use sha2::{Digest, Sha256};

use super::batch_builder::RecordBatchBuilder;
use super::{checksum, failed};
use crate::columnar::arrow_layout::{self, Form, LAYOUT, SET, TABLE};
use crate::database::{incomplete, layout_of};
use crate::relational::Layout;
use crate::sink::{Sink, Totals};
use chancery_core::diagnostic::{Diagnostic, rules};
use chancery_core::source::{Source, Span};
use chancery_files::checksum::hex;
use chancery_files::guard::guarded;
use chancery_files::output::temporary::{FolderLock, Made};
use chancery_files::output::{AtomicFile, Commit, CommitSet, remove_file};

/// The size of a row group.
struct Group {
    // The memory of its columns, partly compressed.
    bytes: usize,
    // Its uncompressed size. A reader decompresses it all.
    values: usize,
}

impl Default for Group {
    fn default() -> Self {
        Self { bytes: 32 << 20, values: 128 << 20 }
    }
}

/// Files being written.
pub struct Files {
    shown: String,
    folder: PathBuf,
    collection: String,
    sheets: RecordBatchBuilder,
    open: Vec<Open>,
    sum: Sha256,
    values: usize,
    group: Group,
    finished: CommitSet,
    count: Arc<AtomicU64>,
    // Dropped last: empty directories are removed.
    _made: Made,
}

struct Open {
    writer: ArrowWriter<AtomicFile>,
    place: PathBuf,
}

impl Files {
    /// Begins the files for records of `layout` in `folder`.
    ///
    /// # Errors
    /// When the directory cannot be written to.
    pub fn open(folder: &Path, layout: &Layout, form: Form) -> io::Result<Self> {
        let made = Made::folder(folder)?;
        let sheets = RecordBatchBuilder::new(layout, form);
        let mut open = Vec::new();
        for (table, schema) in form.tables(layout).zip(sheets.schemas()) {
            let metadata = arrow_layout::metadata(layout, form, table).map_err(io::Error::other)?;
            let metadata = metadata.map(|(key, value)| KeyValue::new(key.to_owned(), value)).to_vec();
            let properties = WriterProperties::builder()
                .set_created_by(checksum::CREATED_BY.to_owned())
                .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).map_err(failed)?))
                .set_max_row_group_row_count(None)
                .set_key_value_metadata(Some(metadata))
                .build();
            let place = folder.join(file_name(layout, table));
            let file = AtomicFile::create(&place)?;
            let writer = ArrowWriter::try_new(file, Arc::clone(schema), Some(properties)).map_err(failed)?;
            open.push(Open { writer, place });
        }
        Ok(Self {
            shown: format!("parquet:{}", folder.display()),
            folder: folder.to_owned(),
            collection: layout.collection.clone(),
            sheets,
            open,
            sum: Sha256::new(),
            values: 0,
            group: Group::default(),
            finished: CommitSet::default(),
            count: Arc::default(),
            _made: made,
        })
    }

    /// The paths that will be written.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.open.iter().map(|open| open.place.as_path())
    }

    /// The number of records.
    #[must_use]
    pub fn count(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.count)
    }

    fn turn(&mut self) -> io::Result<()> {
        let batches = self.sheets.batches()?;
        let mut bytes = 0;
        for (Open { writer, .. }, batch) in self.open.iter_mut().zip(batches) {
            writer.write(&batch).map_err(failed)?;
            bytes += writer.memory_size();
        }
        // In parallel, so that groups with the same index have the same records.
        if bytes >= self.group.bytes || self.values >= self.group.values {
            self.values = 0;
            for Open { writer, .. } in &mut self.open {
                writer.flush().map_err(failed)?;
            }
        }
        Ok(())
    }

    fn metadata(&self, error: io::Error) -> io::Error {
        // Never as a closed pipe, which would end the program silently.
        io::Error::other(format!("{}: {error}", self.shown))
    }

    fn end(&mut self) -> io::Result<()> {
        self.turn()?;
        let set = hex(&self.sum.clone().finalize()[..16]);
        for Open { mut writer, .. } in self.open.drain(..) {
            writer.append_key_value_metadata(KeyValue::new(SET.to_owned(), set.clone()));
            writer.append_key_value_metadata(KeyValue::new(checksum::CHECKSUM.to_owned(), checksum::placeholder()));
            let mut file = writer.into_inner().map_err(failed)?;
            checksum::append_checksum(&mut file)?;
            self.finished.place(file);
        }
        Ok(())
    }

    // Removes files of an earlier load of the collection.
    fn sweep(&self, own: &[PathBuf]) -> io::Result<()> {
        for path in files(&self.folder)? {
            let is_older = || {
                let found = metadata_of(&path)?;
                Some(found.collection()? == self.collection && path.file_name()? == file_of(&found.table?).as_str())
            };
            if !own.contains(&path) && is_older() == Some(true) {
                remove_file(&path)?;
            }
        }
        Ok(())
    }
}

impl Sink for Files {
    fn record(&mut self, encoded: &[u8]) -> io::Result<()> {
        let taken = self.sheets.take(encoded).and_then(|hash| {
            self.sum.update(hash);
            self.values += encoded.len();
            self.count.fetch_add(1, Ordering::Relaxed);
            if self.sheets.is_full() { self.turn() } else { Ok(()) }
        });
        taken.map_err(|error| self.metadata(error))
    }

    fn settle(&mut self, totals: Totals) -> io::Result<Vec<Diagnostic>> {
        if totals.incomplete {
            return Ok(vec![incomplete(&self.shown)]);
        }
        self.end().map_err(|error| self.metadata(error))?;
        Ok(Vec::new())
    }
}

impl Commit for Files {
    fn commit(mut self: Box<Self>) -> io::Result<()> {
        // Two loads do not mix their files.
        let lock = FolderLock::take(&self.folder);
        let finished = std::mem::take(&mut self.finished);
        let own: Vec<PathBuf> = finished.paths().map(Path::to_path_buf).collect();
        let done = finished.commit().and_then(|_| self.sweep(&own)).map_err(|error| self.metadata(error));
        drop(lock);
        done
    }
}

/// Files that would be overwritten and are not from a load.
///
/// # Errors
/// When the directory cannot be read.
pub fn taken(folder: &Path, layout: &Layout, form: Form) -> io::Result<Vec<Diagnostic>> {
    let source = Arc::new(Source::whole(&*format!("parquet:{}", folder.display()), ""));
    let mut found = Vec::new();
    for table in form.tables(layout) {
        let name = file_name(layout, table);
        let path = folder.join(&name);
        if path.try_exists()? && metadata_of(&path).and_then(|found| found.collection()).as_ref() != Some(&layout.collection) {
            let message = format!("expected no file {name}, found one that was not created by a load of {}", layout.collection);
            let help = "use another collection with --collection, or another directory";
            found.push(Diagnostic::new(&rules::TABLE_TAKEN, &source, Span::at(0), message).help(help));
        }
    }
    Ok(found)
}

/// The name of the file of a table.
#[must_use]
pub fn file_name(layout: &Layout, table: usize) -> String {
    file_of(&layout.tables[table].name)
}

fn file_of(table: &str) -> String {
    format!("{table}.parquet")
}

/// The Parquet files in a directory, by name.
pub(super) fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "parquet") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// The metadata of a file.
#[derive(Debug, Default)]
pub(super) struct FileMetadata {
    pub layout: Option<String>,
    pub form: Option<String>,
    pub table: Option<String>,
    pub set: Option<String>,
}

impl FileMetadata {
    // The collection of a file that a load has written.
    fn collection(&self) -> Option<String> {
        layout_of(self.layout.as_ref()?).ok().map(|layout| layout.collection)
    }
}

/// The metadata of a file; `None` if it is not a Parquet file.
pub(super) fn metadata_of(path: &Path) -> Option<FileMetadata> {
    // A pipe would not be opened before somebody writes into it.
    if !fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let file = File::open(path).ok()?;
    let parse = || ParquetMetaDataReader::new().parse_and_finish(&file).map_err(failed);
    let metadata = guarded("the metadata", parse).ok()?;
    let mut found = FileMetadata::default();
    for pair in metadata.file_metadata().key_value_metadata().into_iter().flatten() {
        let place = match pair.key.as_str() {
            LAYOUT => &mut found.layout,
            arrow_layout::FORM => &mut found.form,
            TABLE => &mut found.table,
            SET => &mut found.set,
            _ => continue,
        };
        place.clone_from(&pair.value);
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use ::parquet::file::metadata::RowGroupMetaData;

    use super::*;
    use crate::relational::shred::{Shredder, TypeSupport};
    use chancery_formats::read::{self, Format};
    use chancery_schema::Shape;

    // A text that does not compress well.
    fn noise(length: usize) -> String {
        let mut state = length as u32;
        let letter = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(b'0' + (state >> 24) as u8 % 64)
        };
        (0..length).map(letter).map(|letter| if letter == '\\' { '-' } else { letter }).collect()
    }

    // The rows of each group, if every record has a text of that many bytes.
    fn check(group: Group, lengths: &[usize], expected: &[i64]) {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let schema = r#"{"properties": {"id": {"type": "string"}}}"#;
        let read = read::collect(Format::Json, "schema.json", schema.as_bytes(), &read::Options::default()).expect("a text can be read");
        let schema = chancery_schema::Schema::try_from(read.records.into_iter().next().expect("a schema")).expect("a good schema");
        let layout = Layout::new(&Shape::of(&schema), "things", &[], None);
        let mut files = Files::open(folder.path(), &layout, Form::Nested).expect("the folder is writable");
        files.group = group;
        let shredder = Shredder::new(&layout, TypeSupport::Arrow);
        for length in lengths {
            let text = format!("{{\"id\":\"{}\"}}", noise(*length));
            let read = read::collect(Format::Ndjson, "a.ndjson", text.as_bytes(), &read::Options::default()).expect("a text can be read");
            let mut encoded = Vec::new();
            shredder.encode(read.records[0].root(), &mut encoded);
            files.record(&encoded).expect("the disk has place");
        }
        assert!(files.settle(Totals::default()).expect("the disk has place").is_empty());
        Box::new(files).commit().expect("the folder is writable");
        let file = File::open(folder.path().join("things.parquet")).expect("it is there");
        let metadata = ParquetMetaDataReader::new().parse_and_finish(&file).expect("it is whole");
        assert_eq!(metadata.row_groups().iter().map(RowGroupMetaData::num_rows).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn groups_of_rows_end_by_their_size() {
        let large = 3 << 20;
        check(Group::default(), &[], &[]);
        check(Group::default(), &[large, 1, large], &[3]);
        check(Group { values: 5 << 20, ..Group::default() }, &[large, 1, large, large, 1], &[3, 2]);
        check(Group { bytes: 2 << 20, ..Group::default() }, &[large, large], &[1, 1]);
    }
}
