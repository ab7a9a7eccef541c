//! Bytes of an artifact as an answer: all of them, or one range.
//!
//! Nothing of them is ever shown as a page: the answer is a download under a name that cannot be
//! anything but a name.

use std::io::SeekFrom;
use std::ops::RangeInclusive;

use axum::body::Body;
use axum::response::Response;
use http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, IF_RANGE, RANGE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use orch_store::artifact::Artifact;
use orch_store::blob::Content;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

/// Bytes of one piece of the answer.
const PIECE: usize = 64 * 1024;

/// What a caller asks for.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    All,
    Part(RangeInclusive<u64>),
    /// It begins behind the end.
    Outside,
}

pub(super) async fn answer(artifact: Artifact, content: Content, asked: &HeaderMap) -> Response {
    let size = content.size_bytes;
    let tag = format!("\"{}\"", artifact.sha256);
    let mut response = Response::default();
    if has_tag(asked, &tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        describe(response.headers_mut(), &artifact, &tag);
        return response;
    }
    let wanted = match asked.get(IF_RANGE) {
        // The caller's part is of other bytes.
        Some(given) if given.as_bytes() != tag.as_bytes() => Wanted::All,
        Some(_) | None => wanted(asked.get(RANGE), size),
    };
    let (first, length) = match &wanted {
        Wanted::All => (0, size),
        Wanted::Part(range) => {
            let value = format!("bytes {}-{}/{size}", range.start(), range.end());
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            insert(response.headers_mut(), CONTENT_RANGE, &value);
            (*range.start(), range.end() - range.start() + 1)
        }
        Wanted::Outside => {
            *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            insert(
                response.headers_mut(),
                CONTENT_RANGE,
                &format!("bytes */{size}"),
            );
            return response;
        }
    };
    let mut file = tokio::fs::File::from_std(content.file);
    if file.seek(SeekFrom::Start(first)).await.is_err() {
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        return response;
    }
    let headers = response.headers_mut();
    describe(headers, &artifact, &tag);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    let stream = ReaderStream::with_capacity(file.take(length), PIECE);
    *response.body_mut() = Body::from_stream(stream);
    response
}

fn describe(headers: &mut HeaderMap, artifact: &Artifact, tag: &str) {
    let octets = HeaderValue::from_static("application/octet-stream");
    let kind = HeaderValue::from_str(&artifact.media_type).unwrap_or(octets);
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    insert(headers, ETAG, tag);
    // The last part alone: a browser would make its own of a path.
    let name = artifact.name.rsplit('/').next().unwrap_or_default();
    let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
    let value = format!("attachment; filename*=UTF-8''{}", name.replace('+', "%20"));
    insert(headers, CONTENT_DISPOSITION, &value);
}

fn insert(headers: &mut HeaderMap, name: http::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn has_tag(asked: &HeaderMap, tag: &str) -> bool {
    let given = asked
        .get(IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    let given = given.into_iter().flat_map(|value| value.split(','));
    given
        .map(str::trim)
        .any(|one| one == "*" || one.trim_start_matches("W/") == tag)
}

/// A range as RFC 9110 has it; one that cannot be read, and several, stand for everything.
fn wanted(range: Option<&HeaderValue>, size: u64) -> Wanted {
    let Some(spec) = range
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.trim().strip_prefix("bytes="))
        .filter(|spec| !spec.contains(','))
    else {
        return Wanted::All;
    };
    let Some((from, to)) = spec.split_once('-') else {
        return Wanted::All;
    };
    let (from, to) = (from.trim(), to.trim());
    let number = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More than there can be is behind the end of whatever there is.
        true if !text.is_empty() => Some(text.parse::<u64>().unwrap_or(u64::MAX)),
        true | false => None,
    };
    let (first, last) = match (from, to) {
        ("", last) => match number(last) {
            Some(0) => return Wanted::Outside,
            Some(count) => (size.saturating_sub(count), size.saturating_sub(1)),
            None => return Wanted::All,
        },
        (first, "") => match number(first) {
            Some(first) => (first, size.saturating_sub(1)),
            None => return Wanted::All,
        },
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => (first, last.min(size.saturating_sub(1))),
            (Some(_), Some(_)) | (None, _) | (_, None) => return Wanted::All,
        },
    };
    match first < size {
        true => Wanted::Part(first..=last),
        false => Wanted::Outside,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_standard_has_them() {
        for (text, expected) in [
            ("bytes=0-4", Wanted::Part(0..=4)),
            ("bytes=5-", Wanted::Part(5..=9)),
            ("bytes=-3", Wanted::Part(7..=9)),
            ("bytes=-30", Wanted::Part(0..=9)),
            ("bytes=8-100", Wanted::Part(8..=9)),
            ("bytes=10-", Wanted::Outside),
            ("bytes=-0", Wanted::Outside),
            ("bytes=4-2", Wanted::All),
            ("bytes=0-1,3-4", Wanted::All),
            ("lines=0-1", Wanted::All),
            ("bytes=x-", Wanted::All),
            ("bytes=-99999999999999999999", Wanted::Part(0..=9)),
            ("bytes=99999999999999999999-", Wanted::Outside),
            (
                "bytes=99999999999999999998-99999999999999999999",
                Wanted::Outside,
            ),
            ("bytes=8-99999999999999999999", Wanted::Part(8..=9)),
            ("bytes=+5-", Wanted::All),
        ] {
            let value = HeaderValue::from_str(text).unwrap();
            assert_eq!(wanted(Some(&value), 10), expected, "{text}");
        }
        let first = HeaderValue::from_static("bytes=0-0");
        assert_eq!(wanted(Some(&first), 0), Wanted::Outside);
        assert_eq!(wanted(None, 10), Wanted::All);
    }
}
