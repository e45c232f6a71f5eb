//! Arrow: records as a stream of batches, for another program or a file.
//!
//! The stream begins with the first record, unless it may yet have to be held back. A reader that goes away ends it.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use arrow_ipc::writer::StreamWriter;
use arrow_schema::Schema;
use tempfile::NamedTempFile;

use super::checksum::Sealer;
use super::failed;
use super::sheet::Sheets;
use crate::diagnostic::Diagnostic;
use crate::layout::columnar::{self, Form};
use crate::layout::relational::Layout;
use crate::load::database::incomplete;
use crate::load::file::{Finished, Made, Stream, begin, folder_of};
use crate::load::{Sink, Totals};

/// A stream in the making.
pub struct Batches {
    sheets: Sheets,
    // Until it is settled, and from then on.
    writer: Option<(StreamWriter<Vec<u8>>, Sealer, BufWriter<Outlet>)>,
    ended: Option<Outlet>,
    // The file that it goes into; what a closed pipe says is left as it is.
    file: Option<PathBuf>,
}

/// Where a stream goes.
pub enum Outlet {
    /// Into another one.
    Stream(Stream),
    /// Into a file, which is put into its place at the end, in a folder that is made for it.
    File(NamedTempFile, PathBuf, Made),
}

impl Outlet {
    /// Into a file at `path`.
    ///
    /// # Errors
    /// When its folder cannot be written to.
    pub fn file(path: &Path) -> io::Result<Self> {
        let folder = folder_of(path);
        let made = Made::folder(folder)?;
        Ok(Self::File(begin(folder)?, path.to_owned(), made))
    }
}

impl Write for Outlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stream(stream) => stream.writer().write(bytes),
            Self::File(file, ..) => file.as_file_mut().write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stream(stream) => stream.writer().flush(),
            Self::File(file, ..) => file.as_file_mut().flush(),
        }
    }
}

impl Batches {
    /// Begins a stream of records of `layout`.
    ///
    /// # Errors
    /// When nothing can be written.
    pub fn open(outlet: Outlet, layout: &Layout) -> io::Result<Self> {
        let sheets = Sheets::new(layout, Form::Nested);
        let file = if let Outlet::File(_, path, _) = &outlet { Some(path.clone()) } else { None };
        let schema = Schema::clone(&sheets.schemas()[0]);
        let mut metadata = schema.metadata().clone();
        for (key, value) in columnar::metadata(layout, Form::Nested, 0).map_err(io::Error::other)? {
            metadata.insert(key, value);
        }
        let writer = StreamWriter::try_new(Vec::new(), &schema.with_metadata(metadata)).map_err(failed)?;
        Ok(Self { sheets, writer: Some((writer, Sealer::default(), BufWriter::new(outlet))), ended: None, file })
    }

    fn turn(&mut self) -> io::Result<()> {
        for batch in self.sheets.batches()? {
            if let Some((writer, sealer, out)) = &mut self.writer {
                writer.write(&batch).map_err(failed)?;
                sealer.write(writer.get_ref(), out)?;
                writer.get_mut().clear();
            }
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        self.turn()?;
        if let Some((writer, mut sealer, mut out)) = self.writer.take() {
            sealer.write(&writer.into_inner().map_err(failed)?, &mut out)?;
            self.ended = Some(out.into_inner().map_err(io::IntoInnerError::into_error)?);
        }
        Ok(())
    }

    fn told(&self, error: io::Error) -> io::Error {
        match &self.file {
            Some(path) => io::Error::other(format!("{}: {error}", path.display())),
            None => error,
        }
    }
}

impl Sink for Batches {
    fn record(&mut self, encoded: &[u8]) -> io::Result<()> {
        let taken = self.sheets.take(encoded).and_then(|_| if self.sheets.is_full() { self.turn() } else { Ok(()) });
        taken.map_err(|error| self.told(error))
    }

    fn settle(&mut self, totals: Totals) -> io::Result<Vec<Diagnostic>> {
        if let Some(path) = self.file.as_ref().filter(|_| totals.incomplete) {
            return Ok(vec![incomplete(&format!("arrow:{}", path.display()))]);
        }
        self.end().map_err(|error| self.told(error)).map(|()| Vec::new())
    }

    fn commit(self: Box<Self>) -> io::Result<()> {
        match self.ended {
            Some(Outlet::Stream(stream)) => stream.release(),
            Some(Outlet::File(file, path, _made)) => {
                file.as_file().sync_data()?;
                let mut finished = Finished::default();
                finished.place(file, path);
                finished.commit()
            }
            None => Ok(()),
        }
    }
}
