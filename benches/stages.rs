//! Time of each stage over profile records of about 1.7 kB, and of the whole pipeline with one worker and with two.
//!
//! `cargo bench` prints the time for 1,000 records, and records and bytes a second.

#[path = "support/records.rs"]
mod records;

use std::hint::black_box;
use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use chancery::check::{self, OnInvalid, schema::Checker};
use chancery::diagnostic::{Diagnostic, DiagnosticSink};
use chancery::normalise::Normaliser;
use chancery::pipeline;
use chancery::read::{self, Format, RecordVisitor};
use chancery::schema::{Schema, SchemaRegistry, Shape, bundled};
use chancery::source::{InputBuffer, Position};
use chancery::tree::Tree;
use chancery::write;
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};

// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RECORDS: usize = 1_000;

fn main() {
    divan::main();
}

fn schema() -> Arc<Schema> {
    let mut first = Kept::default();
    let options = read::Options { records: read::records::Records::whole(), ..read::Options::default() };
    let feed = InputBuffer::new(bundled::PROFILE.name, Box::new(bundled::PROFILE.text.as_bytes()), Position::START);
    read::read_all(&mut *read::chunker(Format::Json, feed, &options), &mut first).expect("the bundled schema is read from memory");
    let mut registry = SchemaRegistry::new();
    let root = registry.add(bundled::PROFILE.name, first.0.expect("the bundled schema is a document"));
    Arc::new(Schema::build(registry, root, chancery::schema::Options::default()).expect("the bundled schema is a good one"))
}

#[derive(Default)]
struct Kept(Option<Tree>);

impl DiagnosticSink for Kept {
    fn emit(&mut self, _: Diagnostic) {}
}

impl RecordVisitor for Kept {
    fn record(&mut self, tree: &mut Tree) {
        self.0 = Some(std::mem::take(tree));
    }
    fn malformed(&mut self) {}
    fn file_diagnostic(&mut self, _: Diagnostic) {}
    fn stop(&mut self) {}
}

/// Calls `each` with every record of a text; a finding is a mistake of the benchmark.
struct Each<F>(F);

impl<F> DiagnosticSink for Each<F> {
    fn emit(&mut self, diagnostic: Diagnostic) {
        panic!("the benchmark's records are clean, but: {}", diagnostic.message);
    }
}

impl<F: FnMut(&mut Tree)> RecordVisitor for Each<F> {
    fn record(&mut self, tree: &mut Tree) {
        (self.0)(tree);
    }
    fn malformed(&mut self) {}
    fn file_diagnostic(&mut self, diagnostic: Diagnostic) {
        self.emit(diagnostic);
    }
    fn stop(&mut self) {}
}

fn each(format: Format, text: &str, options: &read::Options, work: impl FnMut(&mut Tree)) {
    let feed = InputBuffer::new("bench", Box::new(Cursor::new(text.to_owned())), Position::START);
    read::read_all(&mut *read::chunker(format, feed, options), &mut Each(work)).expect("memory is readable");
}

fn counted<'a, 'b>(bencher: Bencher<'a, 'b>, text: &str) -> Bencher<'a, 'b> {
    bencher.counter(ItemsCount::new(RECORDS)).counter(BytesCount::of_str(text))
}

/// Reading into the tree.
#[divan::bench(args = ["ndjson", "json", "csv", "xml", "yaml"])]
fn read(bencher: Bencher<'_, '_>, format: &str) {
    let options = options();
    let text = converted(format, &options);
    let format = Format::by_name(format).expect("a format that can be read");
    counted(bencher, &text).bench(|| {
        each(format, &text, &options, |tree| {
            black_box(tree.root().len());
        });
    });
}

/// Reading and checking against the schema.
#[divan::bench]
fn check(bencher: Bencher<'_, '_>) {
    let text = records::ndjson(RECORDS);
    let checker = Checker::new(schema());
    counted(bencher, &text).bench(|| {
        each(Format::Ndjson, &text, &read::Options::default(), |tree| checker.check(tree, &mut Each(|_: &mut Tree| ())));
    });
}

/// Reading and normalising records that are in normal form.
#[divan::bench]
fn normalise(bencher: Bencher<'_, '_>) {
    let text = records::ndjson(RECORDS);
    let normaliser = Normaliser::new(&Arc::new(Shape::of(&schema())), &chancery::normalise::Options::default());
    counted(bencher, &text).bench(|| {
        each(Format::Ndjson, &text, &read::Options::default(), |tree| normaliser.normalise(tree, &mut Each(|_: &mut Tree| ())));
    });
}

/// Reading and encoding.
#[divan::bench(args = ["ndjson", "json", "csv", "xml", "yaml"])]
fn write(bencher: Bencher<'_, '_>, format: &str) {
    let text = records::ndjson(RECORDS);
    let options = write::Options { shape: Arc::new(Shape::of(&schema())), name: "profiles".to_owned(), ..write::Options::default() };
    let writer = write::Format::by_name(format).expect("a format that can be written").writer(&options);
    counted(bencher, &text).bench(|| {
        let mut out = Vec::new();
        each(Format::Ndjson, &text, &read::Options::default(), |tree| {
            out.clear();
            let accepted = check::accept(tree, true, OnInvalid::Stop).expect("a valid record is accepted");
            writer.encode(accepted, &mut out, &mut Each(|_: &mut Tree| ()));
            black_box(&out);
        });
    });
}

/// The whole pipeline from bytes to counted records, with one worker and with two.
#[divan::bench(args = [1, 2])]
fn whole(bencher: Bencher<'_, '_>, jobs: usize) {
    struct Nobody;
    impl pipeline::Watch for Nobody {
        fn advanced(&mut self, _: u64, _: u64) {}
    }
    let text = records::ndjson(RECORDS);
    let checker: Arc<dyn pipeline::Stage> = Arc::new(Checker::new(schema()));
    counted(bencher, &text).bench(|| {
        let stream = Box::new(Cursor::new(text.clone().into_bytes()));
        let open = move || {
            let feed = InputBuffer::new("bench", stream, Position::START);
            Ok(pipeline::Opened {
                format: Format::Ndjson,
                decoded: false,
                chunker: read::chunker(Format::Ndjson, feed, &read::Options::default()),
            })
        };
        let input = pipeline::Input {
            name: "bench".into(),
            open: Box::new(open),
            pipeline: 0,
            status: pipeline::ChangeStatus::Added,
            size: None,
            cached: None,
        };
        let pipeline = pipeline::RecordPipeline { stages: vec![Arc::clone(&checker)], ..pipeline::RecordPipeline::default() };
        let job = pipeline::Job { jobs, ..pipeline::Job::new(vec![input], vec![pipeline]) };
        let outcome = pipeline::run(job, &AtomicBool::new(false), &mut Nobody).expect("nothing is written");
        assert_eq!(outcome.summary.valid, RECORDS as u64);
    });
}

/// Compiling the bundled schema and its shape: what every start pays.
#[divan::bench]
fn start(bencher: Bencher<'_, '_>) {
    bencher.bench(|| drop(black_box(Shape::of(&schema()))));
}

fn options() -> read::Options {
    read::Options { shape: Arc::new(Shape::of(&schema())), ..read::Options::default() }
}

// The records in another format, as the writers lay them out.
fn converted(format: &str, options: &read::Options) -> String {
    struct Main(Vec<u8>);
    impl write::Files for Main {
        fn main(&mut self) -> std::io::Result<&mut dyn std::io::Write> {
            Ok(&mut self.0)
        }
        fn named(&mut self, _: &str) -> std::io::Result<&mut dyn std::io::Write> {
            Ok(&mut self.0)
        }
    }
    let options =
        write::Options { shape: Arc::clone(&options.shape), name: "profiles".to_owned(), compact: true, ..write::Options::default() };
    let writer = write::Format::by_name(format).expect("a format that can be written").writer(&options);
    let (mut files, mut assembler) = (Main(Vec::new()), writer.output_writer());
    each(Format::Ndjson, &records::ndjson(RECORDS), &read::Options::default(), |tree| {
        let mut encoded = Vec::new();
        let accepted = check::accept(tree, true, OnInvalid::Stop).expect("a valid record is accepted");
        writer.encode(accepted, &mut encoded, &mut Each(|_: &mut Tree| ()));
        assembler.record(&encoded, &mut files).expect("memory is writable");
    });
    assembler.finish(&mut files).expect("memory is writable");
    String::from_utf8(files.0).expect("every format is UTF-8")
}
