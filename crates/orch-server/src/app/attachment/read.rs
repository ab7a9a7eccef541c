//! Tells by a file's ending what it is, and reads it: Markdown and text as they are, a PDF as its text, an
//! OpenAPI description as its operations, a source archive as what is found in it.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orch_api::types::vision::NewAttachment;
use orch_core::requirements::{Content, is_openapi, operations};
use orch_core::survey::Survey;
use orch_store::{StoreError, attachment};
use sha2::{Digest as _, Sha256};

use super::pdf::{self, Unread};
use crate::app::import::{code_in, media_type, named};
use crate::app::{AppError, Result};

/// The most files of one vision.
const MOST_FILES: usize = 10;
/// The most bytes of all files of one vision.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// The longest text that is read in one file, in bytes.
const LONGEST_TEXT: usize = 512 * 1024;
/// The longest name, in characters.
const LONGEST_NAME: usize = 200;
/// When there will be a place to read a PDF.
const AGAIN_AFTER_SECONDS: u64 = 10;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Markdown,
    Text,
    Yaml,
    Json,
    Pdf,
    /// Source code, with its media type.
    Archive(&'static str),
}

const ENDINGS: [(&str, Sort); 8] = [
    ("md", Sort::Markdown),
    ("markdown", Sort::Markdown),
    ("txt", Sort::Text),
    ("text", Sort::Text),
    ("yaml", Sort::Yaml),
    ("yml", Sort::Yaml),
    ("json", Sort::Json),
    ("pdf", Sort::Pdf),
];

impl Sort {
    fn of(name: &str) -> Option<Self> {
        if let Some(media_type) = media_type(name) {
            return Some(Self::Archive(media_type));
        }
        let (_, ending) = name.rsplit_once('.')?;
        let ending = ending.to_ascii_lowercase();
        ENDINGS
            .iter()
            .find(|(known, _)| *known == ending)
            .map(|(_, sort)| *sort)
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Markdown => "text/markdown",
            Self::Text => "text/plain",
            Self::Yaml => "application/yaml",
            Self::Json => "application/json",
            Self::Pdf => "application/pdf",
            Self::Archive(media_type) => media_type,
        }
    }
}

/// Reads the files: all of them, or the first fault is answered.
pub async fn read_all(
    files: Vec<NewAttachment>,
    today: &str,
) -> Result<Vec<attachment::NewAttachment>> {
    if files.len() > MOST_FILES {
        let message = format!("has {} files; at most {MOST_FILES} fit", files.len());
        return Err(AppError::invalid("attachments", message));
    }
    let mut names = BTreeSet::new();
    let mut sum = 0;
    let mut read = Vec::with_capacity(files.len());
    for (at, file) in files.into_iter().enumerate() {
        let field = |name: &str| format!("attachments[{at}].{name}");
        let sort =
            sort_of(&file.name).map_err(|message| AppError::invalid(field("name"), message))?;
        if !names.insert(file.name.to_lowercase()) {
            return Err(AppError::invalid(field("name"), "is given twice"));
        }
        let (name, bytes) = match (file.content, file.content_base64) {
            (Some(text), None) => (file.name, text.into_bytes()),
            (None, Some(encoded)) => {
                let bytes = STANDARD.decode(encoded.trim_end()).map_err(|error| {
                    AppError::invalid(field("content_base64"), format!("is no Base64: {error}"))
                })?;
                (file.name, bytes)
            }
            (Some(_), Some(_)) | (None, None) => {
                let message = "is given with `content_base64`, or neither is; give one of them";
                return Err(AppError::invalid(field("content"), message));
            }
        };
        sum += bytes.len();
        if sum > MOST_BYTES {
            let message = format!("hold more than {MOST_BYTES} bytes together");
            return Err(AppError::invalid("attachments", message));
        }
        read.push(one(name, bytes, sort, field("content"), today).await?);
    }
    Ok(read)
}

async fn one(
    name: String,
    bytes: Vec<u8>,
    sort: Sort,
    field: String,
    today: &str,
) -> Result<attachment::NewAttachment> {
    let sha256 = hex::encode(Sha256::digest(&bytes));
    let size_bytes = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    let read = match sort {
        Sort::Pdf => match pdf::text(&bytes, LONGEST_TEXT).await {
            Ok(text) => Ok(Content::Prose(text)),
            Err(Unread::Faulty(message)) => Err(message),
            Err(Unread::Busy) => {
                return Err(AppError::Busy {
                    detail: format!(
                        "`{field}` of {name} cannot be read now: others' PDFs are being read; try again in a while"
                    ),
                    after_seconds: AGAIN_AFTER_SECONDS,
                });
            }
            Err(Unread::NotNow(why)) => {
                let message = format!("`{field}` of {name} cannot be read now: {why}");
                return Err(AppError::Unavailable(message));
            }
        },
        Sort::Markdown | Sort::Text => text(&bytes).and_then(prose),
        Sort::Yaml | Sort::Json => {
            let read = tokio::task::spawn_blocking(move || described(&bytes, sort));
            read.await.map_err(|_| StoreError::Closed)?
        }
        Sort::Archive(_) => {
            let today = today.to_owned();
            let read = tokio::task::spawn_blocking(move || code_in(&bytes, &today));
            let read: std::result::Result<Survey, String> =
                read.await.map_err(|_| StoreError::Closed)?;
            read.map(|survey| Content::Code(Box::new(survey)))
        }
    };
    let content =
        read.map_err(|message| AppError::invalid(field, format!("of {name} {message}")))?;
    Ok(attachment::NewAttachment {
        name,
        media_type: sort.media_type().to_owned(),
        size_bytes,
        sha256,
        content: serde_json::to_string(&content).expect("invariant: what was read serialises"),
    })
}

/// Whether a name is one of a file alone.
///
/// # Errors
/// What it must be instead.
pub fn check_name(name: &str) -> std::result::Result<(), String> {
    let length = name.chars().count();
    if length == 0 || length > LONGEST_NAME {
        return Err(format!("must have 1 to {LONGEST_NAME} characters"));
    }
    if name.contains(['/', '\\']) || name.chars().any(char::is_control) {
        return Err(
            "must be a file's name, without a folder and without control characters".to_owned(),
        );
    }
    Ok(())
}

fn sort_of(name: &str) -> std::result::Result<Sort, String> {
    check_name(name)?;
    Sort::of(name).ok_or_else(|| {
        let known: Vec<&str> = ENDINGS.iter().map(|(ending, _)| *ending).collect();
        format!(
            "has no ending that is read; expected one of .{}, or of a source archive: {}",
            known.join(", ."),
            named()
        )
    })
}

fn text(bytes: &[u8]) -> std::result::Result<String, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        format!(
            "is not UTF-8 text: byte {} begins no character",
            error.valid_up_to()
        )
    })?;
    match text.contains('\0') {
        true => Err("contains a NUL character".to_owned()),
        false => Ok(text.to_owned()),
    }
}

fn prose(text: String) -> std::result::Result<Content, String> {
    if text.len() > LONGEST_TEXT {
        let length = text.len();
        return Err(format!(
            "holds {length} bytes of text; at most {LONGEST_TEXT} fit"
        ));
    }
    Ok(Content::Prose(text))
}

fn described(bytes: &[u8], sort: Sort) -> std::result::Result<Content, String> {
    let text = text(bytes)?;
    if sort == Sort::Yaml && !is_openapi(&text) {
        return Err(
            "has no `openapi` member at its beginning: it is no OpenAPI description".to_owned(),
        );
    }
    operations(&text)
        .map(Content::Operations)
        .map_err(|error| error.to_string())
}

/// What was read in a stored file.
///
/// # Errors
/// When the row holds what cannot be read.
pub fn read_back(stored: &attachment::Attachment) -> Result<Content> {
    serde_json::from_str(&stored.content).map_err(|error| {
        AppError::Store(StoreError::Corrupt {
            column: "content",
            what: error.to_string(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, content: &str) -> NewAttachment {
        NewAttachment {
            name: name.to_owned(),
            content: Some(content.to_owned()),
            content_base64: None,
        }
    }

    async fn refused(files: Vec<NewAttachment>) -> String {
        let read = read_all(files, "2026-01-01").await;
        read.expect_err("a refusal").to_string()
    }

    #[tokio::test]
    async fn texts_and_descriptions_are_read_by_their_endings() {
        let files = vec![
            file("a.md", "Use Rust."),
            file(
                "b.json",
                r#"{"openapi": "3.1.0", "paths": {"/a": {"get": {}}}}"#,
            ),
        ];
        let read = read_all(files, "2026-01-01").await.expect("files");
        let kinds: Vec<_> = read.iter().map(|file| file.media_type.as_str()).collect();
        assert_eq!(kinds, ["text/markdown", "application/json"]);
        assert_eq!(read[0].content, r#"{"prose":"Use Rust."}"#);
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_refused_with_its_place() {
        for (files, expected) in [
            (
                vec![file("a.exe", "")],
                "`attachments[0].name` has no ending that is read",
            ),
            (
                vec![file("a.zip", "no archive")],
                "`attachments[0].content` of a.zip is refused: the archive uses a form that is none",
            ),
            (
                vec![file("../a.md", "")],
                "`attachments[0].name` must be a file's name",
            ),
            (
                vec![file("a.md", "x"), file("A.md", "x")],
                "`attachments[1].name` is given twice",
            ),
            (
                vec![file("a.json", "{}")],
                "`attachments[0].content` of a.json has no `openapi`",
            ),
            (
                vec![file("a.txt", &"x".repeat(LONGEST_TEXT + 1))],
                "at most 524288 fit",
            ),
            (
                vec![NewAttachment {
                    name: "a.md".to_owned(),
                    ..NewAttachment::default()
                }],
                "give one of them",
            ),
        ] {
            let message = refused(files).await;
            assert!(message.contains(expected), "{message:?} lacks {expected:?}");
        }
    }
}
