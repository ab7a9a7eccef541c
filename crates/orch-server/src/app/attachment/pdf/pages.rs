//! The text of the pages of a PDF, within bounds on pages, unpacked bytes, text and time. What one page may
//! take of memory it cannot bound: it is called in a process that has bounds of its own.

use std::time::{Duration, Instant};

use lopdf::{Document, LoadOptions};

/// The most pages that are read.
const MOST_PAGES: usize = 300;
/// What the streams of one page, or one stream of the file's structure, may unpack to.
const MOST_UNPACKED_BYTES: usize = 16 * 1024 * 1024;
/// How long the pages may take; looked at after each of them.
const LONGEST: Duration = Duration::from_secs(10);

/// The text of all pages, at most `most_bytes` of it.
///
/// # Errors
/// What is wrong with the file, in words that follow its name.
pub fn pages(bytes: &[u8], most_bytes: usize) -> Result<String, String> {
    let began = Instant::now();
    if !bytes.starts_with(b"%PDF-") {
        return Err("is no PDF: it does not begin with %PDF-".to_owned());
    }
    let damaged = |error: lopdf::Error| {
        let reason: String = error.to_string().chars().take(200).collect();
        format!("cannot be read as a PDF: {reason}")
    };
    let options = LoadOptions::with_max_decompressed_size(MOST_UNPACKED_BYTES);
    let document = Document::load_mem_with_options(bytes, options).map_err(damaged)?;
    if document.is_encrypted() {
        return Err("is encrypted; send it without a password".to_owned());
    }
    let pages: Vec<u32> = document.get_pages().into_keys().collect();
    if pages.is_empty() {
        return Err("has no pages".to_owned());
    }
    if pages.len() > MOST_PAGES {
        return Err(format!(
            "has {} pages; at most {MOST_PAGES} are read",
            pages.len()
        ));
    }
    let mut text = String::new();
    for page in pages {
        if began.elapsed() > LONGEST {
            return Err(format!("takes longer to read than {} s", LONGEST.as_secs()));
        }
        let read = document.extract_text_with_limit(&[page], MOST_UNPACKED_BYTES);
        text.push_str(&read.map_err(damaged)?.replace('\0', " "));
        text.push('\n');
        if text.len() > most_bytes {
            return Err(format!("holds more than {most_bytes} bytes of text"));
        }
    }
    if text.trim().is_empty() {
        return Err("holds no text: its pages may be pictures".to_owned());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use lopdf::content::{Content, Operation};
    use lopdf::{Document, Object, Stream, dictionary};

    use super::pages;

    /// A PDF with one page for each text.
    fn pdf(texts: &[&str]) -> Vec<u8> {
        let mut document = Document::with_version("1.5");
        let tree = document.new_object_id();
        let font = document.add_object(dictionary! {
            "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Courier",
        });
        let resources = document.add_object(dictionary! {
            "Font" => dictionary! { "F1" => font },
        });
        let pages: Vec<Object> = texts
            .iter()
            .map(|text| {
                let content = Content {
                    operations: vec![
                        Operation::new("BT", vec![]),
                        Operation::new("Tf", vec!["F1".into(), 12.into()]),
                        Operation::new("Tj", vec![Object::string_literal(*text)]),
                        Operation::new("ET", vec![]),
                    ],
                };
                let encoded = content.encode().expect("a content");
                let content = document.add_object(Stream::new(dictionary! {}, encoded));
                document
                    .add_object(dictionary! {
                        "Type" => "Page", "Parent" => tree, "Contents" => content,
                        "Resources" => resources,
                    })
                    .into()
            })
            .collect();
        let count = i64::try_from(pages.len()).expect("a number");
        let nodes = dictionary! { "Type" => "Pages", "Kids" => pages, "Count" => count };
        document.objects.insert(tree, Object::Dictionary(nodes));
        let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => tree });
        document.trailer.set("Root", catalog);
        document.compress();
        let mut bytes = Vec::new();
        document.save_to(&mut bytes).expect("a file");
        bytes
    }

    #[test]
    fn pages_are_read_in_their_order() {
        let read = pages(&pdf(&["Use Rust.", "No PHP."]), 1_000).expect("a text");
        let lines: Vec<&str> = read.split_whitespace().collect();
        assert_eq!(lines, ["Use", "Rust.", "No", "PHP."]);
    }

    #[test]
    fn what_is_no_text_is_refused_with_its_reason() {
        let bomb = {
            let mut file = Document::with_version("1.5");
            let stream = Stream::new(dictionary! {}, vec![b' '; super::MOST_UNPACKED_BYTES + 1]);
            let content = file.add_object(stream);
            let tree = file.new_object_id();
            let page = file.add_object(dictionary! {
                "Type" => "Page", "Parent" => tree, "Contents" => content,
            });
            let nodes = dictionary! { "Type" => "Pages", "Kids" => vec![Object::Reference(page)], "Count" => 1 };
            file.objects.insert(tree, Object::Dictionary(nodes));
            let catalog = file.add_object(dictionary! { "Type" => "Catalog", "Pages" => tree });
            file.trailer.set("Root", catalog);
            file.compress();
            let mut bytes = Vec::new();
            file.save_to(&mut bytes).expect("a file");
            bytes
        };
        assert!(bomb.len() < 100_000, "{}", bomb.len());
        for (bytes, expected) in [
            (b"PK".to_vec(), "is no PDF"),
            (b"%PDF-1.5\nnonsense".to_vec(), "cannot be read as a PDF"),
            (
                pdf(&["x".repeat(2_000).as_str()]),
                "holds more than 1000 bytes",
            ),
            (pdf(&[""]), "holds no text"),
            (pdf(&[""; super::MOST_PAGES + 1]), "at most 300 are read"),
            (bomb, "cannot be read as a PDF"),
        ] {
            let message = pages(&bytes, 1_000).expect_err("a refusal");
            assert!(message.contains(expected), "{message:?} lacks {expected:?}");
        }
    }
}
