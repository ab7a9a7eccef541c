//! The bounds: requests per minute, bytes per body, seconds per request.
//! Time is a clock of the test; nothing here waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Version;
use futures::StreamExt as _;
use tokio::sync::Notify;

use super::super::apply;
use super::world::{Answer, answer, area, ask, config, from_peer, limited, send};

const MIB: usize = 1024 * 1024;

fn counted(answer: &Answer) -> (u16, &str, &str, &str) {
    (
        answer.status,
        answer.header("x-ratelimit-limit"),
        answer.header("x-ratelimit-remaining"),
        answer.header("retry-after"),
    )
}

async fn ping(server: &Router, peer: &str) -> Answer {
    send(server, from_peer(ask("GET", "/health", &[], ()), peer)).await
}

#[tokio::test]
async fn a_client_that_used_its_share_waits_until_the_window_has_slid() {
    let (config, clock) = limited(2);
    let server = apply(area(), &config);
    let client = "10.0.0.1:1000";
    assert_eq!(counted(&ping(&server, client).await), (200, "2", "1", ""));
    clock.advance(Duration::from_secs(30));
    assert_eq!(counted(&ping(&server, client).await), (200, "2", "0", ""));
    clock.advance(Duration::from_millis(10_500));
    let refused = ping(&server, "10.0.0.1:2000").await;
    assert_eq!(counted(&refused), (429, "2", "0", "20"));
    assert_eq!(refused.refusal(), (429, "too-many-requests".to_owned()));
    assert_eq!(
        counted(&ping(&server, "10.0.0.2:1000").await),
        (200, "2", "1", "")
    );
    clock.advance(Duration::from_millis(19_500));
    assert_eq!(counted(&ping(&server, client).await), (200, "2", "0", ""));
    assert_eq!(ping(&server, client).await.status, 429);
}

#[tokio::test]
async fn one_ipv6_network_is_one_client_and_a_mapped_address_is_its_ipv4_self() {
    let (config, _) = limited(1);
    let server = apply(area(), &config);
    assert_eq!(ping(&server, "[2001:db8::1]:1").await.status, 200);
    assert_eq!(ping(&server, "[2001:db8::ffff:1]:1").await.status, 429);
    assert_eq!(ping(&server, "[2001:db8:0:1::1]:1").await.status, 200);
    assert_eq!(ping(&server, "10.0.0.1:1").await.status, 200);
    assert_eq!(ping(&server, "[::ffff:10.0.0.1]:1").await.status, 429);
}

#[tokio::test]
async fn grpc_calls_are_not_counted_and_their_content_type_elsewhere_is_no_way_around() {
    let (config, _) = limited(1);
    let server = apply(area(), &config);
    let grpc = ["content-type: application/grpc"];
    for _ in 0..5 {
        let call = send(&server, ask("POST", "/orch.v1.Agent/StartTask", &grpc, "")).await;
        assert_eq!(counted(&call), (200, "", "", ""));
    }
    assert_eq!(
        send(&server, ask("GET", "/health", &grpc, "")).await.status,
        200
    );
    assert_eq!(
        send(&server, ask("GET", "/health", &grpc, "")).await.status,
        429
    );
    assert_eq!(
        send(&server, ask("POST", "/orch.v1.Agent/X", &[], ""))
            .await
            .status,
        429
    );
}

#[tokio::test]
async fn without_a_limit_nothing_is_counted() {
    let (config, _) = limited(0);
    let server = apply(area(), &config);
    for _ in 0..2000 {
        assert_eq!(
            counted(&ping(&server, "10.0.0.1:1").await),
            (200, "", "", "")
        );
    }
}

#[tokio::test]
async fn refused_pages_and_wrong_tokens_count_too_where_they_get_that_far() {
    let (config, _) = limited(1);
    let config = super::super::EdgeConfig {
        token: Some(super::super::ApiToken::parse("s3cret").unwrap()),
        ..config
    };
    let server = apply(area(), &config);
    let guess = || ask("GET", "/projects", &["authorization: Bearer guess"], ());
    assert_eq!(counted(&send(&server, guess()).await), (401, "1", "0", ""));
    assert_eq!(send(&server, guess()).await.status, 429);
}

fn stream(bytes: usize) -> Body {
    let chunk = vec![b' '; MIB / 4];
    let chunks = (0..bytes / chunk.len()).map(move |_| Ok::<_, std::io::Error>(chunk.clone()));
    Body::from_stream(futures::stream::iter(chunks))
}

#[tokio::test]
async fn a_body_over_the_routes_limit_is_refused_announced_or_not() {
    let announced = format!("content-length: {}", MIB + 1);
    let refused = answer(&config(), ask("POST", "/projects", &[&announced], ())).await;
    assert_eq!(refused.problem()["limit_bytes"], MIB);
    assert_eq!(refused.refusal(), (413, "too-large".to_owned()));
    assert_eq!(refused.header("connection"), "close");
    let streamed = answer(&config(), ask("POST", "/projects", &[], stream(2 * MIB))).await;
    assert_eq!(streamed.refusal(), (413, "too-large".to_owned()));
    let fits = answer(
        &config(),
        ask("POST", "/items/1/approvals", &[], stream(MIB)),
    )
    .await;
    assert_eq!(fits.status, 200);
    let nonsense = ask("POST", "/items/1/approvals", &["content-length: -1"], ());
    assert_eq!(answer(&config(), nonsense).await.status, 200);
}

#[tokio::test]
async fn a_route_may_state_a_limit_of_its_own_and_a_stream_none() {
    let stored = answer(&config(), ask("POST", "/artifacts", &[], stream(3 * MIB))).await;
    assert_eq!((stored.status, stored.text), (200, (3 * MIB).to_string()));
    let announced = format!("content-length: {}", 3 * MIB + 1);
    let refused = answer(&config(), ask("POST", "/artifacts", &[&announced], ())).await;
    assert_eq!(refused.status, 413);
    let grpc = ["content-type: application/grpc"];
    let call = ask("POST", "/orch.v1.Agent/Report", &grpc, stream(8 * MIB));
    assert_eq!(answer(&config(), call).await.text, (8 * MIB).to_string());
}

#[tokio::test(start_paused = true)]
async fn a_request_that_never_ends_is_given_up_and_one_that_waits_on_purpose_is_not() {
    let late = answer(&config(), ask("GET", "/never", &[], ())).await;
    assert_eq!(late.refusal(), (503, "timed-out".to_owned()));
    assert_eq!(
        answer(&config(), ask("GET", "/slow", &[], ())).await.status,
        200
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stalls_is_told_from_a_server_that_is_slow() {
    let stalled = || {
        let begun = futures::stream::iter([Ok::<_, std::io::Error>("{")]);
        Body::from_stream(begun.chain(futures::stream::pending()))
    };
    let late = answer(&config(), ask("POST", "/projects", &[], stalled())).await;
    assert_eq!(late.refusal(), (408, "body-timed-out".to_owned()));
    assert_eq!(late.header("connection"), "close");
    let unread = answer(&config(), ask("GET", "/never", &[], stalled())).await;
    assert_eq!(unread.refusal(), (503, "timed-out".to_owned()));
}

/// How many of 8 MiB are read, in the end, of a body that `path` refuses or leaves unread.
async fn read_in_the_end(version: Version, path: &str, headers: &[&str]) -> usize {
    let read = Arc::new(AtomicUsize::new(0));
    let (counter, gone) = (read.clone(), Arc::new(Notify::new()));
    let dropped = NotifyOnDrop(gone.clone());
    let body = Body::from_stream(futures::stream::iter(0..8).map(move |_| {
        let _held = &dropped;
        counter.fetch_add(1, Ordering::SeqCst);
        Ok::<_, std::io::Error>(vec![b' '; MIB])
    }));
    let mut request = ask("POST", path, headers, body);
    *request.version_mut() = version;
    let status = answer(&config(), request).await.status;
    assert!(matches!(status, 200 | 403..=415), "{status}");
    gone.notified().await;
    read.load(Ordering::SeqCst)
}

struct NotifyOnDrop(Arc<Notify>);

impl Drop for NotifyOnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[tokio::test]
async fn a_body_nobody_wants_is_read_to_its_end_unless_its_sender_waits_or_streams() {
    for version in [Version::HTTP_11, Version::HTTP_2] {
        for path in ["/projects", "/nowhere", "/health"] {
            assert_eq!(
                read_in_the_end(version, path, &[]).await,
                8,
                "{version:?} {path}"
            );
        }
        let foreign = ["host: evil.example"];
        assert_eq!(read_in_the_end(version, "/projects", &foreign).await, 8);
        let waiting = ["expect: 100-continue"];
        assert_eq!(read_in_the_end(version, "/nowhere", &waiting).await, 0);
        assert_eq!(
            read_in_the_end(version, "/orch.v1.Agent/x", &foreign).await,
            0
        );
    }
}
