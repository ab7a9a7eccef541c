//! Providers that have enough: rates, overload and usage limits, through a server.

use std::sync::Arc;
use std::time::Duration;

use orch_model::{Class, ModelError, Patience, Patient, Protocol};
use serde_json::json;

use crate::fake::ask;
use crate::server::{Reply, Server};
use crate::wire::{PROTOCOLS, says};

fn quick() -> Patience {
    Patience {
        attempts: 3,
        first: Duration::from_millis(1),
        longest: Duration::from_millis(2),
        total: Duration::from_secs(60),
    }
}

#[tokio::test]
async fn a_rate_is_waited_out_with_and_without_retry_after() {
    let slow = json!({"error": {"message": "slow down", "type": "rate_limit_error"}});
    for protocol in PROTOCOLS {
        for headers in [
            vec![],
            vec![("retry-after", "0")],
            vec![("retry-after", "Tue, 14 Nov 2023 22:13:20 GMT")],
        ] {
            let mut first = Reply::json(429, &slow);
            for (name, value) in &headers {
                first = first.header(name, value);
            }
            let busy = Reply::new(503, "text/html", "<html><title>Busy</title>");
            let server = Server::with(vec![first, busy, says(protocol, "at last")]).await;
            let model = Patient::new(Arc::new(server.model(protocol)), quick(), 1);
            assert_eq!(
                ask(&model).await.unwrap().text,
                "at last",
                "{protocol:?} {headers:?}"
            );
            assert_eq!(server.requests().len(), 3);
        }
    }
}

#[tokio::test]
async fn a_long_retry_after_is_given_back_and_not_sat_out() {
    let server = Server::with(vec![
        Reply::json(429, &json!({})).header("retry-after", "3600"),
    ])
    .await;
    let model = Patient::new(Arc::new(server.model(Protocol::Chat)), quick(), 1);
    let error = ask(&model).await.unwrap_err();
    let wanted = Class::Transient {
        after: Some(Duration::from_secs(3_600)),
    };
    assert_eq!(error.class(), wanted, "{error}");
    assert!(
        error.to_string().ends_with("to be asked again in 3600 s"),
        "{error}"
    );
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_usage_limit_parks_and_uses_no_attempt_up() {
    for protocol in PROTOCOLS {
        let limit = json!({"error": {"type": "usage_limit_reached", "message": "You have hit your usage limit.",
            "resets_in_seconds": 5400}});
        let server = Server::with(vec![Reply::json(429, &limit)]).await;
        let model = Patient::new(Arc::new(server.model(protocol)), quick(), 1);
        let error = ask(&model).await.unwrap_err();
        let wanted = Class::Parked {
            after: Some(Duration::from_secs(5_400)),
        };
        assert_eq!(error.class(), wanted, "{error}");
        assert_eq!(server.requests().len(), 1, "{protocol:?}");
    }
}

#[tokio::test]
async fn patience_ends_with_the_last_error() {
    let server = Server::with(vec![Reply::json(
        529,
        &json!({"error": {"message": "Overloaded"}}),
    )])
    .await;
    let model = Patient::new(Arc::new(server.model(Protocol::Messages)), quick(), 1);
    let error = ask(&model).await.unwrap_err();
    assert!(
        matches!(error, ModelError::Overloaded { status: 529, .. }),
        "{error}"
    );
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn what_is_wrong_with_the_request_is_not_asked_again() {
    for status in [400, 401, 403, 404, 413, 422] {
        let server = Server::with(vec![Reply::json(status, &json!({"detail": "no"}))]).await;
        let model = Patient::new(Arc::new(server.model(Protocol::Responses)), quick(), 1);
        let error = ask(&model).await.unwrap_err();
        assert_eq!(error.class(), Class::Final, "{error}");
        assert_eq!(server.requests().len(), 1);
    }
}
