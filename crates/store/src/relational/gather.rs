//! The extra values of all rows of a record in one object, for stores with nested lists.
//!
//! Input: the extra values of each row, by pointers from the row's object. Output: the same by pointers from the
//! record, such as `/stock/0/count`; and back. A row's own pointers never lead into a list with rows, so each entry has
//! exactly one place.

use std::collections::BTreeMap;

use super::assemble::{StoredRow, entries};
use super::{Layout, pointer_to};
use chancery_core::tree::json_string;

/// Gathers extra values, and scatters them again.
#[derive(Debug)]
pub struct ListGatherer {
    // By table: the index of the parent table, and the path from there to the list.
    lists: Vec<(usize, String)>,
}

impl ListGatherer {
    /// One for the tables of `layout`.
    #[must_use]
    pub fn new(layout: &Layout) -> Self {
        let list = |table: &super::Table| table.list.as_ref().map_or((0, String::new()), |list| (list.of, pointer_to(&list.path)));
        Self { lists: layout.tables.iter().map(list).collect() }
    }

    /// Adds the extra values of a row to those of its record, a JSON object being built: [`ListGatherer::end`] ends it.
    pub fn add(&self, table: usize, positions: &[u32], rest: &str, record: &mut Vec<u8>) {
        let path = self.path(table, positions);
        for (pointer, value) in entries(rest) {
            record.push(if record.is_empty() { b'{' } else { b',' });
            json_string(&format!("{path}{pointer}"), record);
            record.push(b':');
            record.extend_from_slice(value.as_bytes());
        }
    }

    /// Ends the extra values of a record.
    pub fn end(record: &mut Vec<u8>) {
        if !record.is_empty() {
            record.push(b'}');
        }
    }

    fn path(&self, table: usize, positions: &[u32]) -> String {
        match positions.split_last() {
            Some((position, above)) => {
                let (of, list) = &self.lists[table];
                format!("{}{list}/{position}", self.path(*of, above))
            }
            None => String::new(),
        }
    }

    /// Returns the extra values of each row of a record. `rows` has the rows of each table by position.
    pub fn scatter(&self, record: &str, rows: &mut [Vec<StoredRow>]) {
        let mut texts: BTreeMap<(usize, usize), Vec<u8>> = BTreeMap::new();
        for (pointer, value) in entries(record) {
            let (table, row, own) = self.place(&pointer, rows);
            let text = texts.entry((table, row)).or_default();
            text.push(if text.is_empty() { b'{' } else { b',' });
            json_string(own, text);
            text.push(b':');
            text.extend_from_slice(value.as_bytes());
        }
        for ((table, row), mut text) in texts {
            Self::end(&mut text);
            if let Some(stored) = rows[table].get_mut(row) {
                stored.extra = Some(String::from_utf8_lossy(&text).into_owned());
            }
        }
    }

    // The row that a pointer leads into, and the rest of the pointer there.
    fn place<'p>(&self, pointer: &'p str, rows: &[Vec<StoredRow>]) -> (usize, usize, &'p str) {
        let (mut table, mut row, mut left) = (0, 0, pointer);
        let mut positions = Vec::new();
        'deeper: loop {
            for (list, (of, path)) in self.lists.iter().enumerate().skip(1) {
                let Some(behind) = left.strip_prefix(path.as_str()).and_then(|behind| behind.strip_prefix('/')) else { continue };
                let (step, rest) = behind.split_at(behind.find('/').unwrap_or(behind.len()));
                let Ok(position) = step.parse() else { continue };
                if *of != table {
                    continue;
                }
                positions.push(position);
                if let Ok(found) = rows[list].binary_search_by(|stored| stored.positions.as_slice().cmp(&positions)) {
                    (table, row, left) = (list, found, rest);
                    continue 'deeper;
                }
                positions.pop();
            }
            return (table, row, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_are_gathered_and_scattered() {
        let gatherer = ListGatherer { lists: vec![(0, String::new()), (0, "/a~1b/list".to_owned()), (1, "/inner".to_owned())] };
        let mut record = Vec::new();
        let rests = [
            (0, vec![], r#"{"/x":null,"/other":{"0":1}}"#),
            (1, vec![0], r#"{"/y":1.50}"#),
            (1, vec![1], r#"{"/inner":[]}"#),
            (2, vec![0, 10], r#"{"/z~0":"}","/w":[1,{}]}"#),
        ];
        for (table, positions, rest) in &rests {
            gatherer.add(*table, positions, rest, &mut record);
        }
        ListGatherer::end(&mut record);
        let text = String::from_utf8(record).expect("JSON is UTF-8");
        assert_eq!(
            text,
            r#"{"/x":null,"/other":{"0":1},"/a~1b/list/0/y":1.50,"/a~1b/list/1/inner":[],"/a~1b/list/0/inner/10/z~0":"}","/a~1b/list/0/inner/10/w":[1,{}]}"#
        );
        let row = |positions: &[u32]| StoredRow { positions: positions.to_vec(), ..StoredRow::default() };
        let mut rows = [vec![row(&[])], vec![row(&[0]), row(&[1])], (0..=10).map(|at| row(&[0, at])).collect()];
        gatherer.scatter(&text, &mut rows);
        for (table, positions, rest) in &rests {
            let found = rows[*table].iter().find(|row| row.positions == *positions).expect("it is there");
            assert_eq!(found.extra.as_deref(), Some(*rest));
        }
    }
}
