//! Answers held to a schema.

use orch_model::{
    Answer, Ask, Finish, Message, ModelError, Protocol, Schema, Structured, ask_structured, silent,
};
use serde_json::{Value, json};

use crate::fake::{Fake, in_time, limited, said};
use crate::server::Server;
use crate::wire::{PROTOCOLS, says};

fn schema() -> Schema {
    Schema::new(json!({
        "type": "object",
        "required": ["title", "items"],
        "additionalProperties": false,
        "properties": {
            "title": {"type": "string", "pattern": "^[a-z ]+$", "maxLength": 40},
            "items": {"type": "array", "items": {"type": "integer"}, "maxItems": 3},
        },
    }))
    .unwrap()
}

async fn asked(fake: &Fake) -> Result<Structured, ModelError> {
    in_time(ask_structured(
        fake,
        &Ask::new("be brief", "list"),
        &schema(),
        &silent,
    ))
    .await
}

const GOOD: &str = r#"{"title": "a list", "items": [1, 2]}"#;

#[tokio::test]
async fn an_answer_that_fits_is_taken_at_once() {
    for text in [GOOD.to_owned(), format!("Sure!\n```json\n{GOOD}\n```\n")] {
        let fake = Fake::new("m", vec![Ok(said(&text))]);
        let structured = asked(&fake).await.unwrap();
        assert_eq!(
            structured.value,
            json!({"title": "a list", "items": [1, 2]})
        );
        assert_eq!((structured.asked, structured.usage.output_tokens), (1, 30));
        let ask = fake.asks().remove(0);
        assert!(ask.system.starts_with("be brief\n\n") && ask.system.contains("\"maxItems\":3"));
        assert_eq!(ask.schema.as_ref(), Some(schema().value()));
    }
}

#[tokio::test]
async fn a_wrong_answer_is_asked_for_once_more_with_its_errors() {
    let wrong = r#"{"title": "A", "items": [1, "two"], "more": 0}"#;
    let fake = Fake::new("m", vec![Ok(said(wrong)), Ok(said(GOOD))]);
    let structured = asked(&fake).await.unwrap();
    assert_eq!((structured.asked, structured.usage.output_tokens), (2, 60));
    let again = fake.asks().remove(1);
    let [
        _,
        Message::Assistant { text, .. },
        Message::User { text: errors },
    ] = again.messages.as_slice()
    else {
        panic!("{again:?}");
    };
    assert_eq!(text, wrong);
    for wanted in ["at /title: ", "at /items/1: ", "'more'"] {
        assert!(errors.contains(wanted), "{wanted} in {errors}");
    }
}

#[tokio::test]
async fn an_answer_that_stays_wrong_has_failed_and_says_how() {
    let cut = Answer {
        finish: Finish::Length,
        ..said("{\"title\": \"a list\", \"ite")
    };
    for (answer, wanted) in [
        (said("I am sorry, I cannot."), "it holds no JSON"),
        (said(""), "it is empty"),
        (said("{\"title\": \"a\"}"), "items"),
        (said("[1, 2]"), "at the top"),
        (cut, "cut at the bound of tokens"),
        (
            said(&format!("{{\"title\": \"{}\"", "x".repeat(7 << 20))),
            "not JSON",
        ),
        (
            said(&format!(
                "{{\"title\": \"{}\", \"items\": []}}",
                "x".repeat(7 << 20)
            )),
            "40 characters",
        ),
        (said(&"[".repeat(1 << 20)), "not JSON"),
        (said(&"{\"a\":[".repeat(1 << 18)), "not JSON"),
    ] {
        let fake = Fake::new("m", vec![Ok(answer)]);
        let error = asked(&fake).await.unwrap_err();
        let ModelError::Schema { errors } = &error else {
            panic!("{error}");
        };
        assert!(
            errors.iter().any(|error| error.contains(wanted)),
            "{wanted} in {errors:?}"
        );
        assert!(error.to_string().len() < 4_000);
        assert_eq!(fake.asks().len(), 2);
        assert!(
            fake.asks()[1].bytes() < 100_000,
            "a wrong answer is not sent back whole"
        );
    }
}

#[tokio::test]
async fn what_the_model_fails_with_is_passed_on() {
    let fake = Fake::new("m", vec![Ok(said("no")), Err(limited(None))]);
    assert_eq!(asked(&fake).await, Err(limited(None)));
}

#[test]
fn a_schema_is_checked_itself_and_fetches_nothing() {
    for (schema, wanted) in [
        (json!({"type": "objekt"}), "/type"),
        (json!({"pattern": "("}), "not a JSON Schema"),
        (
            json!({"$ref": "https://example.com/schema.json"}),
            "not a JSON Schema",
        ),
        (json!({"$ref": "file:///etc/passwd"}), "not a JSON Schema"),
        (json!([]), "no object"),
        (Value::Bool(true), "no object"),
    ] {
        let said = Schema::new(schema.clone()).unwrap_err().to_string();
        assert!(
            said.contains(wanted) && said.len() < 400,
            "{schema}: {said}"
        );
    }
}

#[tokio::test]
async fn every_protocol_carries_the_schema_and_the_second_question() {
    for protocol in PROTOCOLS {
        let server = Server::with(vec![says(protocol, "no"), says(protocol, GOOD)]).await;
        let model = server.model(protocol);
        let ask = Ask::new("be brief", "list");
        let structured = in_time(ask_structured(&model, &ask, &schema(), &silent))
            .await
            .unwrap();
        assert_eq!(structured.asked, 2);
        let bodies: Vec<Value> = server
            .requests()
            .into_iter()
            .map(|request| request.body)
            .collect();
        let on_wire = match protocol {
            Protocol::Responses | Protocol::ResponsesElseChat => {
                &bodies[0]["text"]["format"]["schema"]
            }
            Protocol::Chat => &bodies[0]["response_format"]["json_schema"]["schema"],
            Protocol::Messages => &bodies[0]["tools"][0]["input_schema"],
        };
        assert_eq!(on_wire, schema().value(), "{protocol:?}");
        assert!(
            bodies[1].to_string().contains("it holds no JSON"),
            "{protocol:?}"
        );
    }
}
