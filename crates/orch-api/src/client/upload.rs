//! A body that tells how much of it went out, for whoever waits while it is sent.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::connection::LONG_TIMEOUT;
use super::{Client, ClientError};

/// What is handed over at once: so often is told.
const AT_ONCE_BYTES: usize = 64 * 1024;

/// Is told how many bytes of how many are sent; from the first again where a refusal is waited out.
pub type Watch = Arc<dyn Fn(u64, u64) + Send + Sync>;

struct Watched {
    rest: Bytes,
    whole: u64,
    watch: Watch,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let next = self.rest.len().min(AT_ONCE_BYTES);
        let chunk = self.rest.split_to(next);
        (self.watch)(self.whole - self.rest.len() as u64, self.whole);
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

impl Client {
    /// POST of something large that is looked through: the server bounds the time.
    pub(super) async fn post_watched<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        watch: &Watch,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(body).expect("invariant: a wire type has string keys alone");
        let (whole, body) = (body.len() as u64, Bytes::from(body));
        let attempt = || {
            let body = Watched {
                rest: body.clone(),
                whole,
                watch: Arc::clone(watch),
            };
            self.request(Method::POST, path)
                .header(CONTENT_TYPE, "application/json")
                .body(reqwest::Body::wrap(body))
        };
        let response = self.send_attempts(attempt, LONG_TIMEOUT).await?;
        self.decode(response).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use axum::Router;
    use axum::http::HeaderMap;
    use axum::routing::post;
    use serde_json::{Value, json};

    use super::*;

    #[tokio::test]
    async fn a_large_body_arrives_whole_with_its_length_and_is_told_of_on_the_way() {
        let echo = |headers: HeaderMap, body: String| async move {
            let length = headers["content-length"].to_str().unwrap().to_owned();
            axum::Json(json!({"length": length, "bytes": body.len()}))
        };
        let limit = axum::extract::DefaultBodyLimit::disable();
        let app = Router::new().route("/x", post(echo)).layer(limit);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let told = Arc::new(Mutex::new(Vec::new()));
        let to = Arc::clone(&told);
        let watch: Watch = Arc::new(move |sent, whole| to.lock().unwrap().push((sent, whole)));
        let client = Client::new(&url, None).unwrap();
        let text = "x".repeat(200_000);
        let answer: Value = client.post_watched("/x", &text, &watch).await.unwrap();
        assert_eq!(answer, json!({"length": "200002", "bytes": 200_002}));
        let told = told.lock().unwrap().clone();
        let expected = [65_536, 131_072, 196_608, 200_002].map(|sent| (sent, 200_002));
        assert_eq!(told, expected);
    }
}
