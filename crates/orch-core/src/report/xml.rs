//! XML as a row of elements, within bounds.
//!
//! A document type with declarations of its own is refused, so that there is nothing to expand;
//! unknown entities stay as they were written.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Elements within elements.
const DEEPEST: usize = 64;
/// Elements of one file.
const MOST: usize = 2_000_000;

/// What comes next.
pub(super) enum Part {
    Open(Element),
    Close(String),
    Text(String),
}

/// An element's name and attributes.
pub(super) struct Element {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.attribute(name)?.trim().parse().ok()
    }
}

/// The name of the outermost element, if it is XML at all.
pub(super) fn root(bytes: &[u8]) -> Option<String> {
    // Whatever comes before it is short.
    let head = &bytes[..bytes.len().min(64 * 1024)];
    let mut reader = Reader::from_reader(head);
    loop {
        match reader.read_event() {
            Ok(Event::Start(start) | Event::Empty(start)) => return Some(local(&start)),
            Ok(Event::Eof) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

/// Tells each part of a document.
pub(super) fn read(bytes: &[u8], mut tell: impl FnMut(Part)) -> Result<(), String> {
    let mut reader = Reader::from_reader(bytes);
    let (mut depth, mut elements) = (0, 0);
    loop {
        let at = reader.buffer_position();
        let event = reader.read_event();
        let event = event.map_err(|error| format!("byte {at}: {error}"))?;
        match event {
            Event::Start(start) => {
                depth += 1;
                elements += 1;
                if depth > DEEPEST {
                    return Err(format!("elements are nested deeper than {DEEPEST}"));
                }
                tell(Part::Open(element(&start)?));
            }
            Event::Empty(start) => {
                elements += 1;
                let element = element(&start)?;
                let name = element.name.clone();
                tell(Part::Open(element));
                tell(Part::Close(name));
            }
            Event::End(end) => {
                depth = depth.saturating_sub(1);
                let name = end.local_name();
                tell(Part::Close(
                    String::from_utf8_lossy(name.as_ref()).into_owned(),
                ));
            }
            Event::Text(text) => tell(Part::Text(String::from_utf8_lossy(&text).into_owned())),
            Event::CData(text) => tell(Part::Text(String::from_utf8_lossy(&text).into_owned())),
            Event::DocType(kind) if kind.contains(&b'[') => {
                return Err("it declares entities of its own, which are not expanded".to_owned());
            }
            Event::Eof if depth > 0 => return Err("it ends within an element".to_owned()),
            Event::Eof => return Ok(()),
            Event::DocType(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::Comment(_)
            | Event::GeneralRef(_) => {}
        }
        if elements > MOST {
            return Err(format!("it has more than {MOST} elements"));
        }
    }
}

fn local(start: &BytesStart<'_>) -> String {
    String::from_utf8_lossy(start.local_name().as_ref()).into_owned()
}

fn element(start: &BytesStart<'_>) -> Result<Element, String> {
    let mut attributes = Vec::new();
    for attribute in start.attributes().take(100) {
        let attribute =
            attribute.map_err(|error| format!("an attribute cannot be read: {error}"))?;
        let key = String::from_utf8_lossy(attribute.key.local_name().as_ref()).into_owned();
        attributes.push((key, plain(&String::from_utf8_lossy(&attribute.value))));
    }
    Ok(Element {
        name: local(start),
        attributes,
    })
}

/// A text with the five entities that every document has.
pub(super) fn plain(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    // The ampersand last: what it makes is no entity.
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&#10;", "\n"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (entity, plain)| {
        text.replace(entity, plain)
    })
}
