//! Reading an answer: as a stream of events or in one piece, bounded in bytes, between pieces and in all.

use std::time::Duration;

use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::Value;
use tokio::time::{Instant, timeout, timeout_at};

use super::judge::Failure;
use super::stream::{Progress, StreamReader, Unfit};
use crate::wire::{Broken, End, Wire};
use crate::{Answer, Deltas, LARGEST_ANSWER_BYTES, ModelError, said};

/// Bytes that an error may have.
const LARGEST_ERROR_BYTES: usize = 64 << 10;
/// How long a server may take to end what is whole already, so that the connection can be used again.
const ENDS_WITHIN: Duration = Duration::from_secs(2);

/// How long an answer may take.
pub(super) struct Limits<'k> {
    pub(super) place: String,
    /// What must show in no message.
    pub(super) key: Option<&'k str>,
    pub(super) idle: Duration,
    pub(super) whole: Duration,
    pub(super) ends: Instant,
}

impl Limits<'_> {
    /// Until when the next piece must be there, and which of the limits that is.
    pub(super) fn next(&self) -> (Instant, Duration) {
        let idle = Instant::now() + self.idle;
        match idle < self.ends {
            true => (idle, self.idle),
            false => (self.ends, self.whole),
        }
    }

    pub(super) fn timed_out(&self, limit: Duration) -> ModelError {
        ModelError::TimedOut {
            place: self.place.clone(),
            after_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
        }
    }

    fn junk(&self, why: &str) -> Unread {
        Unread::Error(ModelError::Junk {
            place: self.place.clone(),
            why: said::clean(why, self.key),
        })
    }

    fn too_large(&self) -> Unread {
        Unread::Error(ModelError::TooLarge {
            place: self.place.clone(),
            limit_bytes: LARGEST_ANSWER_BYTES,
        })
    }

    fn cut(&self) -> Unread {
        Unread::Error(ModelError::Cut {
            place: self.place.clone(),
        })
    }
}

/// Why there is no answer.
pub(super) enum Unread {
    Error(ModelError),
    /// The provider says that it failed.
    Failed(Failure),
}

impl Unread {
    fn broken(broken: Broken, headers: &HeaderMap, limits: &Limits<'_>) -> Self {
        match broken {
            Broken::Junk(why) => limits.junk(&why),
            Broken::Failed(value) => Self::Failed(Failure {
                status: 200,
                headers: headers.clone(),
                told: value.to_string().into_bytes(),
            }),
        }
    }
}

/// The pieces of a body.
struct Pieces<'a> {
    response: Response,
    limits: &'a Limits<'a>,
    read_bytes: usize,
}

impl Pieces<'_> {
    async fn next(&mut self) -> Result<Option<impl AsRef<[u8]> + use<>>, Unread> {
        let (until, limit) = self.limits.next();
        match timeout_at(until, self.response.chunk()).await {
            Err(_) => Err(Unread::Error(self.limits.timed_out(limit))),
            Ok(Err(_)) => Err(self.limits.cut()),
            Ok(Ok(None)) => Ok(None),
            Ok(Ok(Some(piece))) => {
                self.read_bytes += piece.len();
                match self.read_bytes > LARGEST_ANSWER_BYTES {
                    true => Err(self.limits.too_large()),
                    false => Ok(Some(piece)),
                }
            }
        }
    }

    /// Lets the server end its answer, so that the next request finds the connection free.
    fn release(mut self) {
        tokio::spawn(async move {
            let rest = async {
                let mut rest_bytes = 0;
                while let Ok(Some(piece)) = self.response.chunk().await {
                    rest_bytes += piece.len();
                    if rest_bytes > LARGEST_ERROR_BYTES {
                        break;
                    }
                }
            };
            // Whoever keeps it open loses the connection.
            let _ = timeout(ENDS_WITHIN, rest).await;
        });
    }
}

/// The form of a body.
enum Form {
    Events,
    Json,
}

impl Form {
    /// By how it begins, and by its `Content-Type` where that tells nothing: some servers call one the other.
    fn of(kind: &str, begin: &[u8]) -> Option<Self> {
        let begin = begin.trim_ascii_start();
        let is_event = [b"data:".as_slice(), b"event:", b"id:", b"retry:", b":"]
            .iter()
            .any(|field| begin.starts_with(field));
        match begin.first() {
            Some(b'{') => Some(Self::Json),
            _ if is_event => Some(Self::Events),
            _ => match kind {
                "text/event-stream" => Some(Self::Events),
                kind if kind == "application/json" || kind.ends_with("+json") => Some(Self::Json),
                _ => None,
            },
        }
    }
}

/// The `Content-Type` without its parameters; empty where there is none.
fn kind(headers: &HeaderMap) -> String {
    headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .and_then(|kind| kind.split(';').next())
        .map_or(String::new(), |kind| kind.trim().to_ascii_lowercase())
}

/// Reads the body of an answer.
pub(super) async fn answer(
    response: Response,
    wire: Wire,
    limits: &Limits<'_>,
    deltas: Deltas<'_>,
) -> Result<Answer, Unread> {
    let told = response.content_length();
    if told.is_some_and(|told| told > LARGEST_ANSWER_BYTES as u64) {
        return Err(limits.too_large());
    }
    let headers = response.headers().clone();
    let mut pieces = Pieces {
        response,
        limits,
        read_bytes: 0,
    };
    let mut first = Vec::new();
    // A piece may be a single byte; the longest beginning that tells something is `event:`.
    while first.trim_ascii_start().len() < 6 {
        match pieces.next().await? {
            Some(piece) => first.extend_from_slice(piece.as_ref()),
            None => break,
        }
    }
    let kind = kind(&headers);
    match Form::of(&kind, &first) {
        Some(Form::Events) => stream(first, pieces, &headers, wire, deltas).await,
        Some(Form::Json) => whole(first, pieces, &headers, wire, deltas).await,
        None if first.trim_ascii_start().is_empty() => Err(limits.cut()),
        None => Err(limits.junk(&format!("neither JSON nor events, but {kind:?}"))),
    }
}

async fn whole(
    mut bytes: Vec<u8>,
    mut pieces: Pieces<'_>,
    headers: &HeaderMap,
    wire: Wire,
    deltas: Deltas<'_>,
) -> Result<Answer, Unread> {
    while let Some(piece) = pieces.next().await? {
        bytes.extend_from_slice(piece.as_ref());
    }
    let limits = pieces.limits;
    let value: Value = match serde_json::from_slice(&bytes) {
        Ok(value) => value,
        // JSON that breaks off is an answer that was cut.
        Err(error) if error.is_eof() => return Err(limits.cut()),
        Err(error) => return Err(limits.junk(&format!("not JSON: {error}"))),
    };
    let answer = wire
        .whole(&value)
        .map_err(|broken| Unread::broken(broken, headers, limits))?;
    if !answer.text.is_empty() {
        deltas(&answer.text);
    }
    Ok(answer)
}

async fn stream(
    first: Vec<u8>,
    mut pieces: Pieces<'_>,
    headers: &HeaderMap,
    wire: Wire,
    deltas: Deltas<'_>,
) -> Result<Answer, Unread> {
    let limits = pieces.limits;
    let mut reader = StreamReader::new(wire);
    let mut state = reader.push(&first, deltas);
    loop {
        match state {
            Ok(Progress::More) => {}
            Ok(Progress::Ended) => {
                pieces.release();
                return reader.close(End::Done).ok_or_else(|| limits.cut());
            }
            Err(Unfit::TooLong) => return Err(limits.too_large()),
            Err(Unfit::Broken(broken)) => return Err(Unread::broken(broken, headers, limits)),
        }
        state = match pieces.next().await {
            Ok(Some(piece)) => reader.push(piece.as_ref(), deltas),
            Ok(None) => return reader.close(End::Closed).ok_or_else(|| limits.cut()),
            // What was whole already stays so.
            Err(unread) => return reader.close(End::Closed).ok_or(unread),
        };
    }
}

/// The beginning of an error's body, as far as it comes.
pub(super) async fn error_body(response: Response, limits: &Limits<'_>) -> Vec<u8> {
    let mut pieces = Pieces {
        response,
        limits,
        read_bytes: 0,
    };
    let mut bytes = Vec::new();
    while bytes.len() < LARGEST_ERROR_BYTES
        && let Ok(Some(piece)) = pieces.next().await
    {
        bytes.extend_from_slice(piece.as_ref());
    }
    bytes.truncate(LARGEST_ERROR_BYTES);
    bytes
}
