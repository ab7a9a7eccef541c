//! Servers that are slow, silent or not there. The clock is the real one: sockets know no other.

use std::time::Duration;

use orch_model::{Class, ModelError, Protocol};

use crate::fake::ask;
use crate::server::{Reply, Server, model_at};
use crate::wire::{PROTOCOLS, says};

const SOON: Duration = Duration::from_millis(200);
const LATE: Duration = Duration::from_secs(60);

fn timed_out(error: &ModelError) -> u64 {
    assert_eq!(error.class(), Class::Transient { after: None }, "{error}");
    match error {
        ModelError::TimedOut { after_ms, .. } => *after_ms,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_server_that_takes_the_request_and_stays_silent_is_given_up() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    for protocol in PROTOCOLS {
        let idle = ask(&model_at(&base, protocol, LATE, SOON))
            .await
            .unwrap_err();
        assert_eq!(timed_out(&idle), 200);
        let whole = ask(&model_at(&base, protocol, SOON, LATE))
            .await
            .unwrap_err();
        assert_eq!(timed_out(&whole), 200);
    }
}

#[tokio::test]
async fn a_stream_that_falls_silent_is_given_up() {
    for protocol in PROTOCOLS {
        let server = Server::with(vec![says(protocol, "a story").cut_at(0.5).then_hang()]).await;
        let error = ask(&model_at(&server.base, protocol, LATE, SOON))
            .await
            .unwrap_err();
        assert_eq!(timed_out(&error), 200);
    }
}

#[tokio::test]
async fn signs_of_life_do_not_keep_an_answer_open_for_ever() {
    for protocol in PROTOCOLS {
        let server = Server::with(vec![
            says(protocol, "a story").only_events(3).then_trickle(),
        ])
        .await;
        let error = ask(&model_at(&server.base, protocol, SOON, LATE))
            .await
            .unwrap_err();
        assert_eq!(timed_out(&error), 200);
    }
}

#[tokio::test]
async fn what_was_whole_counts_even_if_the_server_never_hangs_up() {
    for protocol in PROTOCOLS {
        let server = Server::with(vec![says(protocol, "a story").then_trickle()]).await;
        let answer = ask(&server.model(protocol)).await.unwrap();
        assert_eq!(
            (answer.text.as_str(), answer.usage.output_tokens),
            ("a story", 30),
            "{protocol:?}"
        );
    }
}

#[tokio::test]
async fn nobody_there_is_told_as_such_without_the_key() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let error = ask(&model_at(&base, Protocol::Responses, LATE, LATE))
        .await
        .unwrap_err();
    assert_eq!(error.class(), Class::Transient { after: None });
    let said = error.to_string();
    assert!(
        said.starts_with(&format!("failed to reach m-1 at {base}/: ")),
        "{said}"
    );
    assert!(
        said.to_lowercase().contains("refused") && !said.contains(crate::server::KEY),
        "{said}"
    );
}

#[tokio::test]
async fn an_error_whose_body_hangs_is_still_that_error() {
    let server = Server::with(vec![Reply::new(401, "text/plain", "bad key").then_hang()]).await;
    let error = ask(&model_at(
        &server.base,
        Protocol::Chat,
        LATE,
        Duration::from_secs(2),
    ))
    .await
    .unwrap_err();
    assert!(error.to_string().contains("401: bad key"), "{error}");
}

#[tokio::test]
async fn connections_are_used_again() {
    for protocol in PROTOCOLS {
        let server = Server::with(vec![crate::wire::says_at_once(protocol, "yes")]).await;
        let model = server.model(protocol);
        for _ in 0..20 {
            ask(&model).await.unwrap();
        }
        assert!(
            server.connections() < 10,
            "{} connections for 20 requests",
            server.connections()
        );
    }
}
