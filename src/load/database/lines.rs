//! The records of a collection as lines of JSON, read from a database a page at a time.

use std::io::{self, Read};

use crate::layout::relational::Layout;
use crate::layout::relational::join::{Joiner, Stored};

/// A page holds so many records.
pub const PAGE: usize = 128;

/// Rows of each table: those of the records of a page, with the number of the record they belong to, in order.
pub type Page = Vec<Vec<(i64, Stored)>>;

/// Reads pages.
pub trait Pages: Send {
    /// The rows of the records behind the one of that number; `None` behind the last.
    ///
    /// # Errors
    /// When the database fails.
    fn page(&mut self, after: i64) -> io::Result<Option<Page>>;
}

/// The records as a stream of NDJSON.
pub struct Lines {
    pages: Box<dyn Pages>,
    joiner: Joiner,
    after: i64,
    text: Vec<u8>,
    taken: usize,
    ended: bool,
}

impl Lines {
    /// All records that `pages` has, which are rows of `layout`.
    #[must_use]
    pub fn new(pages: Box<dyn Pages>, layout: Layout) -> Self {
        Self { pages, joiner: Joiner::new(layout), after: i64::MIN, text: Vec::new(), taken: 0, ended: false }
    }

    /// What the records are called.
    #[must_use]
    pub fn collection(&self) -> &str {
        &self.joiner.layout().collection
    }

    fn turn(&mut self) -> io::Result<()> {
        self.text.clear();
        self.taken = 0;
        let Some(page) = self.pages.page(self.after)? else {
            self.ended = true;
            return Ok(());
        };
        let tables: Vec<(Vec<i64>, Vec<Stored>)> = page.into_iter().map(|rows| rows.into_iter().unzip()).collect();
        let Some((records, _)) = tables.first() else { return Ok(()) };
        for record in records {
            let rows: Vec<&[Stored]> = tables
                .iter()
                .map(|(of, rows)| &rows[of.partition_point(|of| of < record)..of.partition_point(|of| of <= record)])
                .collect();
            self.joiner.line(&rows, &mut self.text);
            self.after = *record;
        }
        Ok(())
    }
}

impl Read for Lines {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.text.len() && !self.ended {
            self.turn()?;
        }
        let length = buffer.len().min(self.text.len() - self.taken);
        buffer[..length].copy_from_slice(&self.text[self.taken..self.taken + length]);
        self.taken += length;
        Ok(length)
    }
}
