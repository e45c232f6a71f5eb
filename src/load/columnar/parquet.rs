//! Parquet: a set of files in a folder, written anew by each load.
//!
//! Everything is written to files beside their places, and renamed when all is done. What an earlier load of the same collection left and this
//! one has no use for is taken away; a file is known by its own metadata, and no other is touched.

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
use tempfile::{NamedTempFile, TempPath};

use super::sheet::Sheets;
use super::{checksum, failed};
use crate::diagnostic::{Diagnostic, rules};
use crate::guard::guarded;
use crate::layout::columnar::{self, Form, LAYOUT, SET, TABLE};
use crate::layout::relational::Layout;
use crate::layout::relational::rows::hex;
use crate::load::database::{incomplete, layout_of};
use crate::load::file::{Finished, Made, begin};
use crate::load::{Sink, Totals};
use crate::source::{Source, Span};

/// How large a group of rows becomes.
struct Group {
    // What its columns take in memory, packed as far as they are.
    bytes: usize,
    // What came into it. A reader unpacks it all, however small it has become.
    values: usize,
}

impl Default for Group {
    fn default() -> Self {
        Self { bytes: 32 << 20, values: 128 << 20 }
    }
}

/// Files in the making.
pub struct Files {
    shown: String,
    folder: PathBuf,
    collection: String,
    sheets: Sheets,
    open: Vec<Open>,
    sum: Sha256,
    values: usize,
    group: Group,
    finished: Finished,
    count: Arc<AtomicU64>,
    // Dropped last: what is empty then goes.
    _made: Made,
}

struct Open {
    writer: ArrowWriter<File>,
    making: TempPath,
    place: PathBuf,
}

impl Files {
    /// Begins the files for records of `layout` in `folder`.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn open(folder: &Path, layout: &Layout, form: Form) -> io::Result<Self> {
        let made = Made::folder(folder)?;
        let sheets = Sheets::new(layout, form);
        let mut open = Vec::new();
        for (table, schema) in form.tables(layout).zip(sheets.schemas()) {
            let metadata = columnar::metadata(layout, form, table).map_err(io::Error::other)?;
            let metadata = metadata.map(|(key, value)| KeyValue::new(key.to_owned(), value)).to_vec();
            let properties = WriterProperties::builder()
                .set_created_by(checksum::CREATED_BY.to_owned())
                .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).map_err(failed)?))
                .set_max_row_group_row_count(None)
                .set_key_value_metadata(Some(metadata))
                .build();
            let (file, making) = begin(folder)?.into_parts();
            let writer = ArrowWriter::try_new(file, Arc::clone(schema), Some(properties)).map_err(failed)?;
            open.push(Open { writer, making, place: folder.join(file_name(layout, table)) });
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
            finished: Finished::default(),
            count: Arc::default(),
            _made: made,
        })
    }

    /// The paths that will be written.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.open.iter().map(|open| open.place.as_path())
    }

    /// How many records came, as long as they come.
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
        // All together, so that groups of the same number are of the same records.
        if bytes >= self.group.bytes || self.values >= self.group.values {
            self.values = 0;
            for Open { writer, .. } in &mut self.open {
                writer.flush().map_err(failed)?;
            }
        }
        Ok(())
    }

    fn told(&self, error: io::Error) -> io::Error {
        // Never as a closed pipe, which would end the program as if all were well.
        io::Error::other(format!("{}: {error}", self.shown))
    }

    fn end(&mut self) -> io::Result<()> {
        self.turn()?;
        let set = hex(&self.sum.clone().finalize()[..16]);
        for Open { mut writer, making, place } in self.open.drain(..) {
            writer.append_key_value_metadata(KeyValue::new(SET.to_owned(), set.clone()));
            writer.append_key_value_metadata(KeyValue::new(checksum::CHECKSUM.to_owned(), checksum::placeholder()));
            let mut file = writer.into_inner().map_err(failed)?;
            checksum::seal(&mut file)?;
            file.sync_data()?;
            self.finished.place(NamedTempFile::from_parts(file, making), place);
        }
        Ok(())
    }

    // Takes away what belongs to an earlier load of the collection.
    fn sweep(&self, own: &[PathBuf]) -> io::Result<()> {
        for path in files(&self.folder)? {
            let is_older = || {
                let told = told_by(&path)?;
                Some(told.collection()? == self.collection && path.file_name()? == file_of(&told.table?).as_str())
            };
            if !own.contains(&path) && is_older() == Some(true) {
                fs::remove_file(&path)?;
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
        taken.map_err(|error| self.told(error))
    }

    fn settle(&mut self, totals: Totals) -> io::Result<Vec<Diagnostic>> {
        if totals.incomplete {
            return Ok(vec![incomplete(&self.shown)]);
        }
        self.end().map_err(|error| self.told(error))?;
        Ok(Vec::new())
    }

    fn commit(mut self: Box<Self>) -> io::Result<()> {
        // Where folders can be locked, two loads do not mix their files.
        let lock = File::open(&self.folder).ok().filter(|folder| folder.lock().is_ok());
        let finished = std::mem::take(&mut self.finished);
        let own: Vec<PathBuf> = finished.paths().map(Path::to_path_buf).collect();
        let done = finished.commit().and_then(|()| self.sweep(&own)).map_err(|error| self.told(error));
        drop(lock);
        done
    }
}

/// What stands in the place of the files to come and is of somebody else.
///
/// # Errors
/// When the folder cannot be read.
pub fn taken(folder: &Path, layout: &Layout, form: Form) -> io::Result<Vec<Diagnostic>> {
    let source = Arc::new(Source::whole(&*format!("parquet:{}", folder.display()), ""));
    let mut found = Vec::new();
    for table in form.tables(layout) {
        let name = file_name(layout, table);
        let path = folder.join(&name);
        if path.try_exists()? && told_by(&path).and_then(|told| told.collection()).as_ref() != Some(&layout.collection) {
            let message = format!("expected no file {name}, found one that no load of {} has made", layout.collection);
            let help = "name another collection with --collection, or another folder";
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

/// The files of Parquet in a folder, by name.
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

/// What a file says of itself.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub layout: Option<String>,
    pub form: Option<String>,
    pub table: Option<String>,
    pub set: Option<String>,
}

impl Told {
    // The collection of a file that a load has made.
    fn collection(&self) -> Option<String> {
        layout_of(self.layout.as_ref()?).ok().map(|layout| layout.collection)
    }
}

/// The metadata of a file; `None` where it is no file of Parquet.
pub(super) fn told_by(path: &Path) -> Option<Told> {
    let file = File::open(path).ok()?;
    let parse = || ParquetMetaDataReader::new().parse_and_finish(&file).map_err(failed);
    let metadata = guarded("the metadata", parse).ok()?;
    let mut told = Told::default();
    for pair in metadata.file_metadata().key_value_metadata().into_iter().flatten() {
        let place = match pair.key.as_str() {
            LAYOUT => &mut told.layout,
            columnar::FORM => &mut told.form,
            TABLE => &mut told.table,
            SET => &mut told.set,
            _ => continue,
        };
        place.clone_from(&pair.value);
    }
    Some(told)
}

#[cfg(test)]
mod tests {
    use ::parquet::file::metadata::RowGroupMetaData;

    use super::*;
    use crate::layout::relational::rows::{Splitter, Takes};
    use crate::read::{self, Format};
    use crate::schema::Shape;

    // A text that does not become much smaller when it is packed.
    fn noise(length: usize) -> String {
        let mut state = length as u32;
        let letter = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(b'0' + (state >> 24) as u8 % 64)
        };
        (0..length).map(letter).map(|letter| if letter == '\\' { '-' } else { letter }).collect()
    }

    // The rows of each group, where every record has a text of so many bytes.
    fn check(group: Group, lengths: &[usize], expected: &[i64]) {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let schema = r#"{"properties": {"id": {"type": "string"}}}"#;
        let read = read::collect(Format::Json, "schema.json", schema.as_bytes(), &read::Options::default()).expect("a text can be read");
        let schema = crate::schema::Schema::try_from(read.records.into_iter().next().expect("a schema")).expect("a good schema");
        let layout = Layout::new(&Shape::of(&schema), "things", &[], None);
        let mut files = Files::open(folder.path(), &layout, Form::Nested).expect("the folder is writable");
        files.group = group;
        let splitter = Splitter::new(&layout, Takes::Arrow);
        for length in lengths {
            let text = format!("{{\"id\":\"{}\"}}", noise(*length));
            let read = read::collect(Format::Ndjson, "a.ndjson", text.as_bytes(), &read::Options::default()).expect("a text can be read");
            let mut encoded = Vec::new();
            splitter.encode(read.records[0].root(), &mut encoded);
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
