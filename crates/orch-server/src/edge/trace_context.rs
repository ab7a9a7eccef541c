//! W3C Trace Context: the trace a request belongs to, in and out.
//!
//! An invalid `traceparent` is ignored, as the specification asks, and a new trace begins.

use std::fmt;

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, HeaderName};

use super::ApiError;

/// The header's name.
pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The trace of a request, and our span in it; an extractor of handlers. Displays as `traceparent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// 32 lower-case hex digits, not all zero.
    pub trace_id: String,
    /// The caller's span, 16 lower-case hex digits; none where the trace begins here.
    pub parent_id: Option<String>,
    /// The span of this request.
    pub span_id: String,
    /// Trace flags; bit 0 says that the caller may have recorded the trace.
    pub flags: u8,
}

impl TraceContext {
    /// Continues the trace that `headers` name, or begins one; `random` is used where ids are new.
    pub(super) fn from_headers(headers: &HeaderMap, random: [u8; 24]) -> Self {
        let mut given = headers.get_all(TRACEPARENT).iter();
        let incoming = match (given.next(), given.next()) {
            (Some(value), None) => value.to_str().ok().and_then(parse),
            _ => None,
        };
        let (trace, span) = random.split_at(16);
        let span_id = nonzero_hex(span);
        match incoming {
            Some(Incoming {
                trace_id,
                parent_id,
                flags,
            }) => Self {
                trace_id: trace_id.to_owned(),
                parent_id: Some(parent_id.to_owned()),
                span_id,
                flags,
            },
            None => Self {
                trace_id: nonzero_hex(trace),
                parent_id: None,
                span_id,
                flags: 0,
            },
        }
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Version 00 defines the first flag alone.
        let flags = self.flags & 1;
        write!(f, "00-{}-{}-{flags:02x}", self.trace_id, self.span_id)
    }
}

impl<S: Sync> FromRequestParts<S> for TraceContext {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match parts.extensions.get::<Self>() {
            Some(context) => Ok(context.clone()),
            None => {
                tracing::error!("a handler asks for its trace outside of the edge");
                Err(ApiError::unexplained())
            }
        }
    }
}

struct Incoming<'a> {
    trace_id: &'a str,
    parent_id: &'a str,
    flags: u8,
}

fn parse(text: &str) -> Option<Incoming<'_>> {
    let mut parts = text.split('-');
    let version = parts.next().filter(|part| is_hex(part, 2))?;
    let trace_id = parts.next().filter(|part| is_id(part, 32))?;
    let parent_id = parts.next().filter(|part| is_id(part, 16))?;
    let flags = parts.next().filter(|part| is_hex(part, 2))?;
    // A later version may append fields; version 00 has none, and ff is forbidden.
    if version == "ff" || (version == "00" && parts.next().is_some()) {
        return None;
    }
    Some(Incoming {
        trace_id,
        parent_id,
        flags: u8::from_str_radix(flags, 16).ok()?,
    })
}

fn is_hex(text: &str, length: usize) -> bool {
    let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.len() == length && text.bytes().all(digit)
}

fn is_id(text: &str, length: usize) -> bool {
    is_hex(text, length) && text.bytes().any(|byte| byte != b'0')
}

fn nonzero_hex(bytes: &[u8]) -> String {
    let (last, rest) = bytes.split_last().expect("invariant: ids are not empty");
    let mut text: String = rest.iter().map(|byte| format!("{byte:02x}")).collect();
    let last = if rest.iter().all(|byte| *byte == 0) {
        (*last).max(1)
    } else {
        *last
    };
    text.push_str(&format!("{last:02x}"));
    text
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    fn continued(traceparent: &str) -> TraceContext {
        let mut headers = HeaderMap::new();
        headers.insert(TRACEPARENT, HeaderValue::from_str(traceparent).unwrap());
        TraceContext::from_headers(&headers, [7; 24])
    }

    #[test]
    fn a_valid_parent_is_continued_with_a_span_of_our_own() {
        for text in [
            format!("00-{TRACE}-{SPAN}-01"),
            format!("42-{TRACE}-{SPAN}-01-x"),
        ] {
            let context = continued(&text);
            assert_eq!(
                context,
                TraceContext {
                    trace_id: TRACE.to_owned(),
                    parent_id: Some(SPAN.to_owned()),
                    span_id: "0707070707070707".to_owned(),
                    flags: 1,
                }
            );
            let out = format!("00-{TRACE}-0707070707070707-01");
            assert_eq!(context.to_string(), out);
        }
    }

    #[test]
    fn an_invalid_parent_begins_a_new_trace() {
        let zero = "0".repeat(32);
        let upper = TRACE.to_uppercase();
        for text in [
            String::new(),
            "00".to_owned(),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-01-x"),
            format!("00-{zero}-{SPAN}-01"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{upper}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("00-{TRACE}-{SPAN}"),
            format!("0-{TRACE}-{SPAN}-01"),
        ] {
            let context = continued(&text);
            assert_eq!(context.trace_id, "07".repeat(16), "{text}");
            assert_eq!(context.parent_id, None, "{text}");
        }
    }

    #[test]
    fn a_new_id_is_never_all_zero() {
        let context = TraceContext::from_headers(&HeaderMap::new(), [0; 24]);
        assert_eq!(context.to_string(), format!("00-{:032x}-{:016x}-00", 1, 1));
    }
}
