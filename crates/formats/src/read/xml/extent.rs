//! The extent of an element that has been read, for edits that insert next to it or rename it.

use quick_xml::Reader;
use quick_xml::events::Event;

use chancery_core::source::Span;

/// Where an element of a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// From the start tag to the end tag.
    pub whole: Span,
    /// The name in the end tag, if it has one.
    pub end_name: Option<Span>,
}

/// The element with the name at `name` in its start tag; `None` if the text has none there.
#[must_use]
pub fn element_at(text: &str, name: Span) -> Option<Extent> {
    let start = name.start.checked_sub(1)?;
    let mut events = Reader::from_str(text.get(start as usize..)?);
    let end_name = match events.read_event().ok()? {
        Event::Empty(_) => None,
        Event::Start(tag) => {
            let inside = events.read_to_end(tag.to_end().name()).ok()?;
            let at = start + inside.end as u32 + 2;
            Some(Span::new(at, at + name.len()))
        }
        _ => return None,
    };
    let whole = Span::new(start, start + events.buffer_position() as u32);
    Some(Extent { whole, end_name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_the_start_tag_to_the_end_tag() {
        let text = "<r>\n<a x='>'><a/><!-- </a> --><![CDATA[</a>]]><a>b</a></a ><b /></r>";
        let slice = |span: Span| &text[span.range()];
        let outer = element_at(text, Span::new(5, 6)).expect("it is one");
        assert_eq!(slice(outer.whole), "<a x='>'><a/><!-- </a> --><![CDATA[</a>]]><a>b</a></a >");
        assert_eq!(outer.end_name.map(slice), Some("a"));
        let at = text.find("b /").expect("it is there") as u32;
        let empty = element_at(text, Span::new(at, at + 1)).expect("it is one");
        assert_eq!((slice(empty.whole), empty.end_name), ("<b />", None));
        assert_eq!(element_at(text, Span::new(2, 3)), None);
    }
}
