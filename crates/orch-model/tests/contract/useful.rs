//! Answers that are of no use: refusals, silence, a form that is missed, and counts that make no sense.

use std::sync::Arc;

use orch_model::{
    Answer, Chain, Finish, ModelError, OnLimit, Protocol, Provider, Schema, Usage, Useful,
};
use serde_json::{Value, json};

use crate::fake::{Fake, ask, said};
use crate::server::{Reply, Server};

fn useful(model: Arc<dyn Provider>) -> Useful {
    Useful::new(model, None)
}

/// What comes of one reply.
async fn told(protocol: Protocol, reply: Reply) -> Result<Answer, ModelError> {
    let server = Server::with(vec![reply]).await;
    ask(&useful(Arc::new(server.model(protocol)))).await
}

#[tokio::test]
async fn a_refusal_is_an_error_in_every_protocol_however_it_comes() {
    let part = json!({"type": "refusal", "refusal": "I cannot help."});
    let item = json!({"type": "message", "content": [part]});
    let chat = |message: Value| json!({"choices": [{"message": message, "finish_reason": "stop"}]});
    let replies = [
        (
            Protocol::Responses,
            Reply::json(200, &json!({"status": "completed", "output": [item]})),
        ),
        (
            Protocol::Responses,
            Reply::events(&[
                json!({"type": "response.refusal.delta", "output_index": 0, "delta": "I cannot help."}),
                json!({"type": "response.completed", "response": {"status": "completed", "output": []}}),
            ]),
        ),
        (
            Protocol::Responses,
            Reply::events(&[
                json!({"type": "response.completed", "response": {"status": "completed", "output": [item]}}),
            ]),
        ),
        (
            Protocol::Chat,
            Reply::json(
                200,
                &chat(json!({"content": null, "refusal": "I cannot help."})),
            ),
        ),
        (
            Protocol::Chat,
            Reply::events(&[
                json!({"choices": [{"delta": {"refusal": "I cannot "}}]}),
                json!({"choices": [{"delta": {"refusal": "help."}, "finish_reason": "stop"}]}),
            ]),
        ),
        (
            Protocol::Messages,
            Reply::json(
                200,
                &json!({"content": [{"type": "text", "text": "I cannot help."}], "stop_reason": "refusal"}),
            ),
        ),
    ];
    for (at, (protocol, reply)) in replies.into_iter().enumerate() {
        let error = told(protocol, reply).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the model refuses: I cannot help.",
            "{at} {protocol:?}"
        );
    }
}

#[tokio::test]
async fn silence_is_asked_about_once_and_then_it_is_an_error() {
    let fake = Fake::new("m", vec![Ok(said(" \n")), Ok(said("yes"))]);
    let answer = ask(&useful(fake.clone())).await.unwrap();
    assert_eq!(
        (answer.text.as_str(), answer.usage.output_tokens),
        ("yes", 60)
    );
    assert_eq!(fake.asks()[1].messages.len(), 3);
    let silent = Answer {
        finish: Finish::Length,
        ..said("")
    };
    let fake = Fake::new("m", vec![Ok(silent)]);
    let error = ask(&useful(fake.clone())).await.unwrap_err();
    assert!(matches!(error, ModelError::Empty { .. }), "{error}");
    assert!(error.to_string().contains("bound of tokens"), "{error}");
    assert_eq!(fake.asks().len(), 2);
}

#[tokio::test]
async fn what_is_of_no_use_twice_makes_the_next_model_asked_and_fails_where_there_is_none() {
    let schema = Schema::new(json!({"type": "object", "required": ["a"]})).unwrap();
    let form = Some(Arc::new(schema));
    let first = Fake::new("first", vec![Ok(said("{}"))]);
    let next = Fake::new("next", vec![Ok(said("{\"a\": 1}"))]);
    let dressed = |fake: &Arc<Fake>| -> Arc<dyn Provider> {
        Arc::new(Useful::new(fake.clone(), form.clone()))
    };
    let chain = Chain::new(dressed(&first), vec![dressed(&next)], OnLimit::Park);
    let answer = ask(&chain).await.unwrap();
    assert_eq!(
        (answer.model.as_str(), answer.text.as_str()),
        ("next", r#"{"a":1}"#)
    );
    assert_eq!((first.asks().len(), next.asks().len()), (2, 1));
    let error = ask(&*dressed(&first)).await.unwrap_err();
    assert!(error.to_string().contains("asked twice"), "{error}");
}

#[tokio::test]
async fn an_answer_that_was_cut_is_of_use_and_says_so() {
    let cut = Answer {
        finish: Finish::Length,
        ..said("half a")
    };
    let answer = ask(&useful(Fake::new("m", vec![Ok(cut)]))).await.unwrap();
    assert_eq!(
        (answer.text.as_str(), answer.finish),
        ("half a", Finish::Length)
    );
}

#[tokio::test]
async fn counts_that_make_no_sense_are_not_believed() {
    for count in [
        json!(-5),
        json!(1e30),
        json!(0.5),
        json!(u64::MAX),
        json!("9"),
    ] {
        let message =
            json!({"type": "message", "content": [{"type": "output_text", "text": "yes"}]});
        for (protocol, body) in [
            (
                Protocol::Responses,
                json!({"output": [message], "usage": {"input_tokens": 3, "output_tokens": count}}),
            ),
            (
                Protocol::Chat,
                json!({"choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}],
                    "usage": {"prompt_tokens": count, "completion_tokens": 3}}),
            ),
            (
                Protocol::Messages,
                json!({"content": [{"type": "text", "text": "yes"}],
                    "usage": {"input_tokens": 3, "cache_read_input_tokens": count, "output_tokens": 3}}),
            ),
        ] {
            let answer = told(protocol, Reply::json(200, &body)).await.unwrap();
            assert_eq!(
                (answer.text.as_str(), answer.usage, answer.miscounted),
                ("yes", Usage::default(), true),
                "{protocol:?} {count}"
            );
        }
    }
}

#[tokio::test]
async fn a_stream_that_counts_once_without_sense_is_not_believed_later() {
    let reply = Reply::events(&[
        json!({"type": "message_start", "message": {"usage": {"input_tokens": -1}}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "yes"}}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}}),
        json!({"type": "message_stop"}),
    ]);
    let answer = told(Protocol::Messages, reply).await.unwrap();
    assert_eq!((answer.usage, answer.miscounted), (Usage::default(), true));
}
