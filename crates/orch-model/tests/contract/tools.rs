//! Models that are given tools.

use std::sync::{Arc, Mutex};

use orch_model::{
    Answer, Ask, Finish, Leash, Message, ModelError, Protocol, Provider, Recorder, Replay,
    ReplayedTools, ToolCall, ToolSpec, Tooled, Tools, Working, silent, unredacted,
};
use serde_json::{Value, json};

use crate::fake::{Fake, Memory, ask, in_time, said};
use crate::server::Server;
use crate::wire::{PROTOCOLS, calls, says};

/// One tool, which tells what it was given.
#[derive(Debug, Default)]
struct Look(Mutex<Vec<Value>>);

impl Tools for Look {
    fn specs(&self) -> Vec<ToolSpec> {
        vec![ToolSpec {
            name: "look".to_owned(),
            description: "Looks.".to_owned(),
            parameters: json!({"type": "object"}),
        }]
    }

    fn call<'a>(&'a self, name: &'a str, arguments: Value) -> Working<'a> {
        let text = format!(
            "{name} at {}",
            arguments["at"].as_str().unwrap_or("nothing")
        );
        self.0.lock().unwrap().push(arguments);
        Box::pin(std::future::ready(text))
    }
}

fn wants(name: &str, arguments: &str) -> Answer {
    Answer {
        calls: vec![ToolCall {
            id: "call_1".to_owned(),
            name: name.to_owned(),
            arguments: arguments.to_owned(),
        }],
        finish: Finish::Tools,
        ..said("")
    }
}

/// What the model was told after it had called.
fn told(fake: &Fake) -> String {
    match fake.asks()[1].messages.last() {
        Some(Message::Tool { text, .. }) => text.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_protocol_carries_calls_and_their_answers() {
    for protocol in PROTOCOLS {
        let server = Server::with(vec![
            calls(protocol, r#"{"at": "the door"}"#),
            says(protocol, "closed"),
        ])
        .await;
        let tools = Arc::new(Look::default());
        let model = Tooled::new(
            Arc::new(server.model(protocol)),
            tools.clone(),
            Leash::default(),
        );
        let answer = ask(&model).await.unwrap();
        assert_eq!(
            (answer.text.as_str(), answer.usage.input_tokens),
            ("closed", 200),
            "{protocol:?}"
        );
        assert_eq!(*tools.0.lock().unwrap(), [json!({"at": "the door"})]);
        let body = server.requests().remove(1).body;
        let (result, wanted) = match protocol {
            Protocol::Responses | Protocol::ResponsesElseChat => (
                body["input"].as_array().unwrap().last().unwrap(),
                json!({"type": "function_call_output", "call_id": "call_1", "output": "look at the door"}),
            ),
            Protocol::Chat => (
                body["messages"].as_array().unwrap().last().unwrap(),
                json!({"role": "tool", "tool_call_id": "call_1", "content": "look at the door"}),
            ),
            Protocol::Messages => (
                &body["messages"][2]["content"][0],
                json!({"type": "tool_result", "tool_use_id": "call_1", "content": "look at the door"}),
            ),
        };
        assert_eq!(*result, wanted, "{protocol:?}");
    }
}

#[tokio::test]
async fn calls_that_cannot_be_made_are_told_to_the_model() {
    for (call, wanted) in [
        (
            wants("destroy", "{}"),
            "there is no tool of that name; there are: look",
        ),
        (wants("look", "{\"at\": "), "the arguments are not JSON: "),
        (wants("look", "[]"), "the arguments are JSON, but no object"),
    ] {
        let fake = Fake::new("m", vec![Ok(call), Ok(said("well"))]);
        let tools = Arc::new(Look::default());
        let model = Tooled::new(fake.clone(), tools.clone(), Leash::default());
        assert_eq!(ask(&model).await.unwrap().text, "well");
        assert!(told(&fake).starts_with(wanted), "{}", told(&fake));
        assert!(tools.0.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_model_that_never_answers_is_ended() {
    let fake = Fake::new("m", vec![Ok(wants("look", "{}"))]);
    let leash = Leash {
        rounds: 3,
        ..Leash::default()
    };
    let model = Tooled::new(fake.clone(), Arc::new(Look::default()), leash);
    assert_eq!(ask(&model).await, Err(ModelError::Rounds { rounds: 3 }));
    assert_eq!(fake.asks().len(), 4);
}

#[tokio::test]
async fn long_answers_of_tools_and_long_lists_of_calls_are_cut() {
    let long = format!("{{\"at\": \"{}\"}}", "ü".repeat(40_000));
    let mut many = wants("look", &long);
    many.calls = vec![many.calls[0].clone(); 40];
    let fake = Fake::new("m", vec![Ok(many), Ok(said("well"))]);
    let tools = Arc::new(Look::default());
    let model = Tooled::new(fake.clone(), tools.clone(), Leash::default());
    let request = Ask::new("", "hello");
    in_time(model.ask(&request, &silent)).await.unwrap();
    assert_eq!(tools.0.lock().unwrap().len(), 32);
    assert!(told(&fake).starts_with("not called: at most 32"));
    let Message::Tool { text, .. } = &fake.asks()[1].messages[2] else {
        panic!("no answer of a tool");
    };
    assert!(
        text.len() < 33_000 && text.ends_with("(cut: it has 80008 bytes)"),
        "{}",
        text.len()
    );
}

#[tokio::test]
async fn a_recorded_flow_with_tools_is_replayed_without_them() {
    let fake = Fake::new(
        "m",
        vec![
            Ok(wants("look", r#"{"at": "the door"}"#)),
            Ok(wants("look", r#"{"at": "the key"}"#)),
            Ok(said("open")),
        ],
    );
    let journal = Arc::new(Memory::default());
    let recorder = Recorder::new(fake, journal.clone(), Arc::default(), unredacted());
    let live = Tooled::new(
        Arc::new(recorder),
        Arc::new(Look::default()),
        Leash::default(),
    );
    let lived = ask(&live).await.unwrap();
    let replay = Arc::new(Replay::new(journal.recording(), unredacted()));
    let replayed = ReplayedTools::new(replay.clone(), replay.clone());
    assert_eq!(ask(&replayed).await.unwrap(), lived);
    assert_eq!(replay.left(), 0);
    let again = ask(&replayed).await.unwrap_err();
    assert!(matches!(again, ModelError::NotRecorded { .. }), "{again}");
}
