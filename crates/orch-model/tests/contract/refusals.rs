//! What a server does not know is left out, and not asked for again.

use orch_model::{Ask, ModelError, Protocol, Provider, Sampling, silent};
use serde_json::{Value, json};

use crate::fake::{ask, in_time};
use crate::server::{Reply, Request, Server};
use crate::wire::says;

fn unknown(status: u16) -> Reply {
    Reply::json(status, &json!({"error": {"message": "Not Found"}}))
}

#[tokio::test]
async fn an_address_without_the_responses_api_is_asked_by_chat_and_remembered() {
    for status in [404, 405, 501] {
        let server = Server::answering(move |request| match request.path.as_str() {
            "/v1/chat/completions" => says(Protocol::Chat, "by chat"),
            _ => unknown(status),
        })
        .await;
        let model = server.model(Protocol::ResponsesElseChat);
        for _ in 0..2 {
            assert_eq!(ask(&model).await.unwrap().text, "by chat");
        }
        assert_eq!(
            server.paths(),
            [
                "/v1/responses",
                "/v1/chat/completions",
                "/v1/chat/completions"
            ],
            "{status}"
        );
    }
}

#[tokio::test]
async fn an_address_with_the_responses_api_is_asked_by_it_alone() {
    let server = Server::with(vec![says(Protocol::Responses, "first"), unknown(500)]).await;
    let model = server.model(Protocol::ResponsesElseChat);
    assert_eq!(ask(&model).await.unwrap().text, "first");
    assert!(ask(&model).await.is_err());
    assert_eq!(server.paths(), ["/v1/responses", "/v1/responses"]);
}

#[tokio::test]
async fn an_address_that_knows_neither_is_told_once_and_not_remembered() {
    let server = Server::with(vec![
        unknown(404),
        Reply::json(404, &json!({"detail": "Chat?"})),
        says(Protocol::Responses, "back"),
    ])
    .await;
    let model = server.model(Protocol::ResponsesElseChat);
    let error = ask(&model).await.unwrap_err();
    assert!(
        matches!(&error, ModelError::Refused { status: 404, said, .. } if said == "Not Found"),
        "{error}"
    );
    assert_eq!(ask(&model).await.unwrap().text, "back");
}

/// A server that refuses requests with any of these fields.
async fn refusing(protocol: Protocol, fields: &'static [&'static str]) -> Server {
    Server::answering(move |request: &Request| {
        let offending = fields
            .iter()
            .find(|field| request.body.get(**field).is_some());
        match offending {
            Some(field) => {
                let message =
                    format!("Unsupported parameter: '{field}' is not supported with this model.");
                Reply::json(400, &json!({"error": {"message": message, "param": field}}))
            }
            None => says(protocol, "fine"),
        }
    })
    .await
}

#[tokio::test]
async fn a_model_that_refuses_a_temperature_is_asked_without_from_then_on() {
    for protocol in [Protocol::Responses, Protocol::Chat, Protocol::Messages] {
        let server = refusing(protocol, &["temperature", "seed"]).await;
        let model = server.model(protocol);
        for _ in 0..2 {
            assert_eq!(ask(&model).await.unwrap().text, "fine");
        }
        let temperatures: Vec<bool> = server
            .requests()
            .iter()
            .map(|request| request.body.get("temperature").is_some())
            .collect();
        assert_eq!(temperatures, [true, false, false], "{protocol:?}");
    }
}

#[tokio::test]
async fn several_wishes_are_given_up_one_after_another() {
    let server = refusing(
        Protocol::Chat,
        &[
            "stream_options",
            "max_tokens",
            "response_format",
            "temperature",
        ],
    )
    .await;
    let mut request = Ask::new("", "hello");
    request.max_output_tokens = Some(9);
    request.schema = Some(json!({}));
    let model = server.model(Protocol::Chat);
    in_time(model.ask(&request, &silent)).await.unwrap();
    in_time(model.ask(&request, &silent)).await.unwrap();
    let requests = server.requests();
    // Four refusals and an answer; then one refusal of that schema and an answer.
    assert_eq!(requests.len(), 7);
    assert_eq!(requests[4].body["max_completion_tokens"], 9);
    assert_eq!(requests[4].body.get("max_tokens"), None::<&Value>);
}

#[tokio::test]
async fn a_refusal_of_what_was_not_asked_for_stays_one() {
    let message = json!({"error": {"message": "temperature must be below 2"}});
    let server = Server::with(vec![Reply::json(400, &message)]).await;
    let mut request = Ask::new("", "hello");
    request.sampling = Sampling::Provider;
    let model = server.model(Protocol::Chat);
    let error = in_time(model.ask(&request, &silent)).await.unwrap_err();
    assert!(
        matches!(error, ModelError::Refused { status: 400, .. }),
        "{error}"
    );
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_the_key() {
    let elsewhere = Server::with(vec![says(Protocol::Chat, "stolen")]).await;
    let target = format!("{}/chat/completions", elsewhere.base);
    for status in [301, 302, 307, 308] {
        let server = Server::with(vec![
            Reply::new(status, "text/html", "").header("location", &target),
        ])
        .await;
        let error = ask(&server.model(Protocol::Chat)).await.unwrap_err();
        assert!(error.to_string().contains("not followed"), "{error}");
    }
    assert_eq!(elsewhere.requests().len(), 0);
}
