//! Arrow: records as a stream of batches, for another program or a file.
//!
//! The stream begins with the first record, unless it may still be held back. It ends when the reader disconnects.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use arrow_ipc::writer::StreamWriter;
use arrow_schema::Schema;

use super::batch_builder::RecordBatchBuilder;
use super::checksum::ChecksumWriter;
use super::failed;
use crate::columnar::arrow_layout::{self, Form};
use crate::database::incomplete;
use crate::relational::Layout;
use crate::sink::{Sink, Totals};
use chancery_core::diagnostic::Diagnostic;
use chancery_files::output::{AtomicFile, Commit, Stream};

/// A stream being written.
pub struct BatchStream {
    sheets: RecordBatchBuilder,
    // Before and after it is committed.
    writer: Option<(StreamWriter<Vec<u8>>, ChecksumWriter, BufWriter<StreamTarget>)>,
    ended: Option<StreamTarget>,
    // The file that it goes into.
    file: Option<String>,
}

/// The target of a stream.
pub enum StreamTarget {
    /// Another stream.
    Stream(Stream),
    /// Into a file, which is put into its place at the end.
    File(AtomicFile),
}

impl StreamTarget {
    /// Into a file at `path`.
    ///
    /// # Errors
    /// When its directory cannot be written to.
    pub fn file(path: &Path) -> io::Result<Self> {
        AtomicFile::create(path).map(Self::File)
    }
}

impl Write for StreamTarget {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stream(stream) => stream.writer().write(bytes),
            Self::File(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stream(stream) => stream.writer().flush(),
            Self::File(file) => file.flush(),
        }
    }
}

impl BatchStream {
    /// Begins a stream of records of `layout`.
    ///
    /// # Errors
    /// When nothing can be written.
    pub fn open(outlet: StreamTarget, layout: &Layout) -> io::Result<Self> {
        let sheets = RecordBatchBuilder::new(layout, Form::Nested);
        let file = if let StreamTarget::File(file) = &outlet { Some(file.path().display().to_string()) } else { None };
        let schema = Schema::clone(&sheets.schemas()[0]);
        let mut metadata = schema.metadata().clone();
        for (key, value) in arrow_layout::metadata(layout, Form::Nested, 0).map_err(io::Error::other)? {
            metadata.insert(key, value);
        }
        let writer = StreamWriter::try_new(Vec::new(), &schema.with_metadata(metadata)).map_err(failed)?;
        Ok(Self { sheets, writer: Some((writer, ChecksumWriter::default(), BufWriter::new(outlet))), ended: None, file })
    }

    fn turn(&mut self) -> io::Result<()> {
        for batch in self.sheets.batches()? {
            if let Some((writer, checksums, out)) = &mut self.writer {
                writer.write(&batch).map_err(failed)?;
                checksums.write(writer.get_ref(), out)?;
                writer.get_mut().clear();
            }
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        self.turn()?;
        if let Some((writer, mut checksums, mut out)) = self.writer.take() {
            checksums.write(&writer.into_inner().map_err(failed)?, &mut out)?;
            self.ended = Some(out.into_inner().map_err(io::IntoInnerError::into_error)?);
        }
        Ok(())
    }
}

impl Sink for BatchStream {
    fn record(&mut self, encoded: &[u8]) -> io::Result<()> {
        self.sheets.take(encoded).and_then(|_| if self.sheets.is_full() { self.turn() } else { Ok(()) })
    }

    fn settle(&mut self, totals: Totals) -> io::Result<Vec<Diagnostic>> {
        if let Some(path) = self.file.as_ref().filter(|_| totals.incomplete) {
            return Ok(vec![incomplete(&format!("arrow:{path}"))]);
        }
        self.end().map(|()| Vec::new())
    }
}

impl Commit for BatchStream {
    fn commit(self: Box<Self>) -> io::Result<()> {
        match self.ended {
            Some(StreamTarget::Stream(stream)) => stream.release(),
            Some(StreamTarget::File(file)) => file.commit(),
            None => Ok(()),
        }
    }
}
