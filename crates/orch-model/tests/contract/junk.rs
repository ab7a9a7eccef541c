//! Answers that are none.

use orch_model::{Class, LARGEST_ANSWER_BYTES, ModelError, Protocol};
use serde_json::json;

use crate::fake::ask;
use crate::server::{Reply, Server};
use crate::wire::{PROTOCOLS, says};

async fn error(protocol: Protocol, reply: Reply) -> ModelError {
    let server = Server::with(vec![reply]).await;
    let error = ask(&server.model(protocol)).await.unwrap_err();
    assert_eq!(server.requests().len(), 1, "asked again by itself: {error}");
    error
}

#[tokio::test]
async fn what_is_no_protocol_is_junk_and_final() {
    for protocol in PROTOCOLS {
        for reply in [
            Reply::new(200, "text/html", "<html>Welcome to this hotel's network"),
            Reply::new(200, "application/json", "{\"output\": nothing}"),
            Reply::new(200, "application/json", "[1, 2]"),
            Reply::new(200, "application/json", "{}"),
            Reply::new(
                200,
                "application/json",
                "{\"choices\": [], \"content\": 5, \"output\": {}}",
            ),
            Reply::new(200, "text/plain", vec![0xff_u8; 100]),
            Reply::new(200, "text/event-stream", "data: {\"type\"\n\n"),
            Reply::new(200, "text/event-stream", "data: 5\n\n"),
            Reply::new(
                200,
                "text/event-stream",
                vec![b'd', b'a', b't', b'a', b':', 0xff, b'\n', b'\n'],
            ),
        ] {
            let told = format!("{protocol:?} {reply:?}");
            let error = error(protocol, reply).await;
            assert!(matches!(error, ModelError::Junk { .. }), "{told}: {error}");
            assert_eq!(error.class(), Class::Final, "{told}");
            assert!(error.to_string().len() < 1_000, "{error}");
        }
    }
}

#[tokio::test]
async fn ten_megabytes_are_not_read_to_their_end() {
    let text = "x".repeat(10 << 20);
    for protocol in PROTOCOLS {
        let whole = Reply::json(200, &json!({"output": [], "text": text}));
        let sized = whole
            .clone()
            .header("content-length", &whole.len().to_string());
        for reply in [
            whole.then_hang(),
            sized,
            Reply::new(200, "text/event-stream", format!("data: {text}")).then_hang(),
            Reply::new(200, "text/event-stream", ": x\n\n".repeat(3 << 20)).then_hang(),
        ] {
            let wanted = ModelError::TooLarge {
                place: String::new(),
                limit_bytes: LARGEST_ANSWER_BYTES,
            };
            let mut error = error(protocol, reply).await;
            if let ModelError::TooLarge { place, .. } = &mut error {
                place.clear();
            }
            assert_eq!(error, wanted, "{protocol:?}");
        }
    }
}

#[tokio::test]
async fn ten_megabytes_of_an_error_are_cut_to_a_line() {
    let reply = Reply::new(400, "text/plain", "no ".repeat(4 << 20));
    let error = error(Protocol::Chat, reply).await;
    assert!(
        matches!(error, ModelError::Refused { status: 400, .. }),
        "{error}"
    );
    assert!(error.to_string().len() < 1_000);
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_cut_and_may_be_asked_again() {
    for protocol in PROTOCOLS {
        let half = says(protocol, "a long story, of which not all arrives").cut_at(0.5);
        for reply in [
            half.clone(),
            half.then_break(),
            Reply::new(200, "text/event-stream", ""),
            Reply::new(200, "application/json", ""),
            Reply::new(200, "application/json", "{\"output\": ["),
            Reply::new(200, "text/event-stream", "data: [DONE]\n\n"),
        ] {
            let told = format!("{protocol:?} {reply:?}");
            let error = error(protocol, reply).await;
            assert!(matches!(error, ModelError::Cut { .. }), "{told}: {error}");
            assert_eq!(error.class(), Class::Transient { after: None });
        }
    }
}

#[tokio::test]
async fn failures_within_a_stream_are_what_their_code_says() {
    let failed = |code: &str| {
        [
            (
                Protocol::Responses,
                json!({"type": "response.failed", "response": {"status": "failed",
                    "error": {"code": code, "message": "m"}}}),
            ),
            (
                Protocol::Responses,
                json!({"type": "error", "code": code, "message": "m"}),
            ),
            (
                Protocol::Chat,
                json!({"error": {"code": code, "message": "m"}}),
            ),
            (
                Protocol::Messages,
                json!({"type": "error", "error": {"type": code, "message": "m"}}),
            ),
        ]
    };
    for (code, kind) in [
        ("rate_limit_exceeded", "overloaded"),
        ("overloaded_error", "overloaded"),
        ("server_error", "overloaded"),
        ("usage_limit_reached", "usage_limit"),
        ("context_length_exceeded", "refused"),
    ] {
        for (protocol, event) in failed(code) {
            let error = error(protocol, Reply::events(&[event])).await;
            assert_eq!(error.kind(), kind, "{protocol:?} {code}: {error}");
        }
    }
}

#[tokio::test]
async fn a_server_that_repeats_the_key_does_not_get_it_into_a_message() {
    let key = crate::server::KEY;
    for reply in [
        Reply::new(200, "text/plain", format!("{}{key}", "x".repeat(70))),
        Reply::new(
            401,
            "application/json",
            format!(r#"{{"error": {{"message": "bad key {key}"}}}}"#),
        ),
        Reply::new(500, "text/html", format!("<html><title>{key}</title>")),
        Reply::events(&[json!({"error": {"message": key}})]),
    ] {
        let error = error(Protocol::Chat, reply).await;
        assert!(
            !format!("{error} {error:?}").contains(&key[..10]),
            "{error}"
        );
    }
}
