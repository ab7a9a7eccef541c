//! What every answer carries (request id, trace, security headers), and what the log shows of a
//! request: its path and outcome, never its query or headers.

use std::io;
use std::sync::{Arc, Mutex, OnceLock};

use serde_json::json;
use tracing::Dispatch;
use tracing::instrument::WithSubscriber as _;

use super::world::{answer, ask, config};

#[tokio::test]
async fn a_request_keeps_its_id_and_its_trace() {
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("traceparent: 00-{trace}-00f067aa0ba902b7-01");
    let headers = ["x-request-id: abc-1", &parent];
    let known = answer(&config(), ask("GET", "/who", &headers, ())).await;
    assert_eq!(known.text, format!("abc-1 {trace}"));
    assert_eq!(known.header("x-request-id"), "abc-1");
    let out = known.header("traceparent");
    assert!(
        out.starts_with(&format!("00-{trace}-")) && out.ends_with("-01"),
        "{out}"
    );
    assert!(!out.contains("00f067aa0ba902b7"), "{out}");
}

#[tokio::test]
async fn a_request_without_a_usable_id_gets_one_of_its_own() {
    let mut seen = std::collections::HashSet::new();
    for headers in [
        &[][..],
        &["x-request-id: two words"],
        &["traceparent: 00-bad"],
    ] {
        let named = answer(&config(), ask("GET", "/who", headers, ())).await;
        let id = named.header("x-request-id").to_owned();
        assert_eq!(id.len(), 36);
        assert!(named.text.starts_with(&id));
        assert!(seen.insert(id));
        assert_eq!(named.header("traceparent").len(), 55);
    }
}

#[tokio::test]
async fn every_answer_carries_security_headers_and_a_page_keeps_its_own_policy() {
    for path in ["/health", "/nowhere", "/panic"] {
        let given = answer(&config(), ask("GET", path, &[], ())).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
            (
                "content-security-policy",
                "default-src 'none'; frame-ancestors 'none'",
            ),
        ] {
            assert_eq!(given.header(name), value, "{path}");
        }
    }
    let page = answer(&config(), ask("GET", "/page", &[], ())).await;
    assert_eq!(page.header("content-security-policy"), "default-src 'self'");
}

/// What is logged while `path` is asked.
async fn log_of(path: &str, headers: &[&str]) -> String {
    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);
    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    // While one subscriber alone exists, a thread without it may switch a log statement off for all
    // (tracing caches the interest); a second one, kept, makes every thread's statements count.
    static SECOND: OnceLock<Dispatch> = OnceLock::new();
    SECOND.get_or_init(|| Dispatch::new(tracing_subscriber::registry()));
    let sink = Sink::default();
    let writer = sink.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    answer(&config(), ask("GET", path, headers, ()))
        .with_subscriber(subscriber)
        .await;
    let bytes = sink.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn the_log_has_path_and_outcome_but_no_query_and_no_header() {
    let headers = [
        "x-request-id: r-1",
        "x-orch-secret: hunter3",
        "authorization: Bearer hunter4",
    ];
    let log = log_of("/nowhere?x_orch_secret=hunter2", &headers).await;
    for shown in ["r-1", "GET", "/nowhere", "404", "latency_ms"] {
        assert!(log.contains(shown), "{shown} in {log}");
    }
    assert!(!log.contains("hunter"), "{log}");
}

#[tokio::test]
async fn a_panic_is_logged_under_the_requests_id_and_not_shown() {
    let log = log_of("/panic", &["x-request-id: r-2"]).await;
    assert!(log.contains("the inside") && log.contains("r-2"), "{log}");
    let broken = answer(&config(), ask("GET", "/panic", &[], ())).await;
    assert_eq!(
        broken.problem(),
        json!({
            "type": "/problems/internal",
            "title": "Internal error",
            "status": 500,
            "detail": "the server failed to answer this request; \
                       its log has the cause under this request id",
            "instance": "/panic",
        })
    );
}
