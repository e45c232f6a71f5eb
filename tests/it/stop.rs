//! Reading through the library ends where a reader reports that nothing after can be trusted.

use std::sync::Arc;

use chancery::diagnostic::{Diagnostic, DiagnosticSink};
use chancery::read::{self, Chunker, Format, Options, Reader, RecordVisitor, Window};
use chancery::source::{ReadError, Source};
use chancery::tree::Tree;

use crate::support::Gathered;

// Three windows of one unit each, of which the second ends with a fatal fault.
struct Windows(u32);

struct Unit(u32);

impl Chunker for Windows {
    fn next_window(&mut self) -> Result<Option<Window>, ReadError> {
        self.0 += 1;
        let reader: Arc<dyn Reader> = Arc::new(Unit(self.0));
        Ok((self.0 <= 3).then(|| Window::new(Source::whole("w", "x"), &reader)))
    }
}

impl Reader for Unit {
    fn read(&self, _source: &Arc<Source>, _tree: &mut Tree, visitor: &mut dyn RecordVisitor) {
        visitor.malformed();
        if self.0 == 2 {
            visitor.stop();
        }
    }
}

#[test]
fn no_window_is_cut_behind_the_one_that_stopped() {
    let (mut windows, mut gathered) = (Windows(0), Gathered::default());
    read::read_all(&mut windows, &mut gathered).expect("nothing fails");
    assert_eq!((windows.0, gathered.records.len(), gathered.stopped), (2, 2, true));
}

// What a reader passes on, and whether something came after it had said that nothing would.
#[derive(Default)]
struct Strict {
    records: usize,
    stopped: bool,
    late: usize,
}

impl DiagnosticSink for Strict {
    fn emit(&mut self, _: Diagnostic) {}
}

impl RecordVisitor for Strict {
    fn record(&mut self, _: &mut Tree) {
        self.records += 1;
        self.late += usize::from(self.stopped);
    }
    fn malformed(&mut self) {
        self.late += usize::from(self.stopped);
    }
    fn file_diagnostic(&mut self, _: Diagnostic) {}
    fn stop(&mut self) {
        self.stopped = true;
    }
}

#[test]
fn nothing_is_handed_over_behind_a_fatal_fault() {
    let good = |count: usize, item: &str| item.repeat(count);
    let cases = [
        (Format::Json, format!("[{}]{}", good(50, "{\"a\":1},") + "{\"a\":1}", good(50, "{\"a\":1},"))),
        (Format::Json, format!("[{}{{\"a\":\u{1}}} {}{{}}]", good(50, "{\"a\":1},"), good(50, "{\"a\":1},"))),
        (Format::Xml, format!("<r>{}<a><b></a>{}</r>", good(50, "<a><b>1</b></a>"), good(50, "<a><b>1</b></a>"))),
        (Format::Csv, format!("a,b\n{}1,\"2\n{}", good(50, "1,2\n"), good(50, "1,2\n"))),
        (Format::Yaml, format!("{}---\na: [\n{}", good(50, "---\na: 1\n"), good(50, "---\na: 1\n"))),
    ];
    let mut stopped = 0;
    for (format, text) in cases {
        for window_bytes in [1, 16, 100, 1 << 20] {
            let options = Options { window_bytes, ..Options::default() };
            let feed =
                chancery::source::InputBuffer::new("w", Box::new(std::io::Cursor::new(text.clone())), chancery::source::Position::START);
            let mut strict = Strict::default();
            read::read_all(&mut *read::chunker(format, feed, &options), &mut strict).expect("it is UTF-8");
            assert_eq!(strict.late, 0, "{format:?} in windows of {window_bytes}");
            stopped += usize::from(strict.stopped);
        }
    }
    assert!(stopped >= 4, "{stopped}");
}
