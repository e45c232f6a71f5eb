//! Writes XML 1.0 in chancery's layout: a root with a version marker, an element for each record and each member.
//!
//! `c:document` marks a file whose only record is the whole document.
//! Declared members are in the order of the schema, followed by the others in `c:member`. `<name/>` is the empty string,
//! `c:nil` null, `c:empty` an empty list or object, `c:type` the type if the shape allows several. White space is only
//! between elements, never next to text. Every JSON value can be represented, so nothing is rejected.

use std::io;
use std::sync::Arc;

use super::{Files, Options, OutputWriter, Writer};
use crate::layout::xml;
use crate::read::TopLevel;
use chancery_check::Accepted;
use chancery_core::diagnostic::DiagnosticSink;
use chancery_core::tree::{Kind, Node};
use chancery_schema::Shape;
use chancery_schema::shape::Part;

/// XML in our own form.
pub struct Xml {
    shape: Arc<Shape>,
    root: String,
    compact: bool,
}

impl Xml {
    /// A writer with these options.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        Self { shape: Arc::clone(&options.shape), root: xml::root_name(&options.name).to_owned(), compact: options.compact }
    }
}

impl Writer for Xml {
    fn encode(&self, record: Accepted<'_>, out: &mut Vec<u8>, _diagnostics: &mut dyn DiagnosticSink) {
        let part = self.shape.root();
        out.extend_from_slice(b"  ");
        let level = (!self.compact).then_some(1);
        element(record.node(), part, Name::Own(xml::record_name(part)), level, out);
        out.push(b'\n');
    }

    fn output_writer(&self) -> Box<dyn OutputWriter> {
        Box::new(Document { root: self.root.clone(), begun: false, top_level: TopLevel::List })
    }
}

struct Document {
    root: String,
    begun: bool,
    top_level: TopLevel,
}

impl Document {
    fn begin(&mut self, files: &mut dyn Files) -> io::Result<()> {
        if std::mem::replace(&mut self.begun, true) {
            return Ok(());
        }
        let (root, namespace, version) = (&self.root, xml::NAMESPACE, xml::VERSION);
        let document = if self.top_level == TopLevel::Document { " c:document=\"true\"" } else { "" };
        let file = files.main()?;
        writeln!(file, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
        writeln!(file, "<{root} xmlns:c=\"{namespace}\" c:version=\"{version}\"{document}>")
    }
}

impl OutputWriter for Document {
    fn top_level(&mut self, of_input: TopLevel) {
        self.top_level = of_input;
    }

    fn record(&mut self, encoded: &[u8], files: &mut dyn Files) -> io::Result<()> {
        self.begin(files)?;
        files.main()?.write_all(encoded)
    }

    fn finish(&mut self, files: &mut dyn Files) -> io::Result<()> {
        if self.top_level == TopLevel::Document && !self.begun {
            return Ok(());
        }
        self.begin(files)?;
        writeln!(files.main()?, "</{}>", self.root)
    }
}

#[derive(Clone, Copy)]
enum Name<'a> {
    Own(&'a str),
    // A member whose name is in an attribute.
    Member(&'a str),
}

impl Name<'_> {
    fn text(&self) -> &str {
        match self {
            Self::Own(name) => name,
            Self::Member(_) => "c:member",
        }
    }
}

// `level` is the depth for indenting; `None` keeps the record on one line. Depth is bounded by the readers.
fn element(node: Node<'_>, part: Part<'_>, name: Name<'_>, level: Option<usize>, out: &mut Vec<u8>) {
    let tag = name.text();
    out.push(b'<');
    out.extend_from_slice(tag.as_bytes());
    if let Name::Member(name) = name {
        out.extend_from_slice(b" name=\"");
        xml::escape(name, true, out);
        out.push(b'"');
    }
    let kind = node.kind();
    match kind {
        Kind::Null => return out.extend_from_slice(b" c:nil=\"true\"/>"),
        Kind::Array | Kind::Object if node.is_empty() => {
            return out.extend_from_slice(format!(" c:empty=\"{}\"/>", kind.word()).as_bytes());
        }
        _ => {}
    }
    let container = matches!(kind, Kind::Array | Kind::Object);
    let implied = if container { xml::implied_container(part) } else { xml::implied(part, node.text()) };
    if implied != kind {
        out.extend_from_slice(format!(" c:type=\"{}\"", kind.word()).as_bytes());
    }
    if !container && node.text().is_empty() {
        return out.extend_from_slice(b"/>");
    }
    out.push(b'>');
    let inner = level.map(|level| level + 1);
    match kind {
        Kind::Array => {
            for (index, item) in node.items().enumerate() {
                line(inner, out);
                element(item, part.item(index), Name::Own(xml::item_name(part)), inner, out);
            }
        }
        Kind::Object => {
            let mut members: Vec<_> = node
                .members()
                .map(|member| {
                    let own = xml::has_element(part, member.key.text());
                    let rank = if own { part.position(member.key.text()).unwrap_or(0) } else { usize::MAX };
                    (rank, own, member)
                })
                .collect();
            members.sort_by_key(|(rank, ..)| *rank);
            for (_, own, member) in members {
                let name = member.key.text();
                line(inner, out);
                element(member.value, part.member(name), if own { Name::Own(name) } else { Name::Member(name) }, inner, out);
            }
        }
        _ => xml::escape(node.text(), false, out),
    }
    if container {
        line(level, out);
    }
    out.extend_from_slice(b"</");
    out.extend_from_slice(tag.as_bytes());
    out.push(b'>');
}

fn line(level: Option<usize>, out: &mut Vec<u8>) {
    if let Some(level) = level {
        out.push(b'\n');
        out.resize(out.len() + 2 * level, b' ');
    }
}
