//! XML as the texts of its elements. Entities of a document's own are not expanded, nothing is fetched.

use quick_xml::Reader;
use quick_xml::events::Event;

const MOST_TEXTS: usize = 20_000;
const DEEPEST: usize = 64;

/// The text of an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XmlText {
    /// The names of the elements around it, and its own.
    pub path: Vec<String>,
    pub text: String,
    pub line: u32,
}

/// All texts, in their order; up to the first fault.
pub fn xml_texts(text: &str) -> Vec<XmlText> {
    let mut reader = Reader::from_str(text);
    let mut path: Vec<String> = Vec::new();
    let mut found = Vec::new();
    let (mut line, mut counted) = (1_u32, 0_usize);
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(start) => {
                if path.len() >= DEEPEST {
                    break;
                }
                path.push(String::from_utf8_lossy(start.local_name().as_ref()).into_owned());
            }
            Event::End(_) => {
                path.pop();
            }
            Event::Text(content) => {
                let end = usize::try_from(reader.buffer_position()).unwrap_or(text.len());
                let end = end.min(text.len());
                let passed = &text.as_bytes()[counted.min(end)..end];
                line += passed.iter().filter(|byte| **byte == b'\n').count() as u32;
                counted = end;
                let content = String::from_utf8_lossy(&content).trim().to_owned();
                if !content.is_empty() && found.len() < MOST_TEXTS {
                    found.push(XmlText {
                        path: path.clone(),
                        text: content,
                        line,
                    });
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::xml_texts;

    #[test]
    fn texts_are_found_with_their_elements_and_lines() {
        let text = "<?xml version=\"1.0\"?>\n<!DOCTYPE x [<!ENTITY a \"aaaa\">]>\n<project>\n  <a>one</a>\n  <b><c>two</c></b>\n</project>";
        let found: Vec<_> = xml_texts(text)
            .into_iter()
            .map(|found| (found.path.join("/"), found.text, found.line))
            .collect();
        assert_eq!(
            found,
            [
                ("project/a".to_owned(), "one".to_owned(), 4),
                ("project/b/c".to_owned(), "two".to_owned(), 5)
            ]
        );
        assert!(xml_texts(&"<a>".repeat(100_000)).is_empty());
    }
}
