//! What holds for whatever answers: each protocol, programs and recordings.

use std::sync::Arc;

use orch_model::{
    Answer, Ask, Class, CommandModel, Finish, Message, ModelError, Prices, Protocol, Provider,
    Recorder, Replay, Speech, ToolCall, ToolSpec, Usage, silent, unredacted,
};
use serde_json::json;

use crate::fake::{Fake, Memory, ask_seen, in_time, refused, said};
use crate::server::{Reply, Server};
use crate::wire::{PROTOCOLS, calls, says, says_at_once};

/// What a model is made to do.
#[derive(Clone, Debug)]
enum Script {
    Say(&'static str),
    Call(&'static str),
    Refuse,
}

/// Something that answers, with what must live as long.
struct Subject {
    name: String,
    model: Arc<dyn Provider>,
    version: &'static str,
    _server: Option<Server>,
}

async fn subjects(script: &Script) -> Vec<Subject> {
    let mut subjects = Vec::new();
    for protocol in PROTOCOLS {
        type Saying = fn(Protocol, &str) -> Reply;
        for (form, say) in [("streamed", says as Saying), ("at once", says_at_once)] {
            let reply = match script {
                Script::Say(text) => say(protocol, text),
                Script::Call(arguments) => calls(protocol, arguments),
                Script::Refuse => Reply::json(401, &json!({"error": {"message": "bad key"}})),
            };
            let server = Server::with(vec![reply]).await;
            subjects.push(Subject {
                name: format!("{protocol:?} {form}"),
                model: Arc::new(server.model(protocol)),
                version: "m-1-0815",
                _server: Some(server),
            });
        }
    }
    subjects.push(Subject {
        name: "a program".to_owned(),
        model: program(script),
        version: "m-1-0815",
        _server: None,
    });
    subjects.push(Subject {
        name: "a recording".to_owned(),
        model: replay(script).await,
        version: "",
        _server: None,
    });
    subjects
}

/// A program that speaks JSON.
fn program(script: &Script) -> Arc<dyn Provider> {
    let usage = json!({"input_tokens": 100, "cached_tokens": 20, "output_tokens": 30});
    let (answer, code) = match script {
        Script::Say(text) => (
            json!({"text": text, "usage": usage, "version": "m-1-0815"}),
            0,
        ),
        Script::Call(arguments) => (
            json!({"calls": [{"id": "call_1", "name": "look", "arguments": arguments}],
                "finish": "tools", "usage": usage, "version": "m-1-0815"}),
            0,
        ),
        Script::Refuse => (json!({}), 1),
    };
    let script = r#"cat >/dev/null; printf %s "$ANSWER"; exit "$CODE""#;
    let model = CommandModel::new("m-1", "sh", vec!["-c".into(), script.into()], Speech::Json)
        .with_variable("ANSWER", answer.to_string())
        .with_variable("CODE", code.to_string());
    Arc::new(model)
}

/// A recording of what `asked` asks, as often as the suite does.
async fn replay(script: &Script) -> Arc<dyn Provider> {
    let outcome = match script {
        Script::Say(text) => Ok(said(text)),
        Script::Call(arguments) => Ok(Answer {
            calls: vec![called(arguments)],
            finish: Finish::Tools,
            ..said("")
        }),
        Script::Refuse => Err(refused(401)),
    };
    let journal = Arc::new(Memory::default());
    let fake = Fake::new("m-1", vec![outcome]);
    let recorder = Recorder::new(
        fake,
        journal.clone(),
        Arc::new(Prices::default()),
        unredacted(),
    );
    for _ in 0..20 {
        let _ = recorder.ask(&asked(), &silent).await;
    }
    Arc::new(Replay::new(journal.recording(), unredacted()))
}

fn called(arguments: &str) -> ToolCall {
    ToolCall {
        id: "call_1".to_owned(),
        name: "look".to_owned(),
        arguments: arguments.to_owned(),
    }
}

/// A conversation with all that there is.
fn asked() -> Ask {
    let mut ask = Ask::new("be brief", "hello");
    ask.messages.push(Message::Assistant {
        text: "I look.".to_owned(),
        calls: vec![ToolCall {
            id: "call_0".to_owned(),
            ..called("{}")
        }],
    });
    ask.messages.push(Message::Tool {
        call: "call_0".to_owned(),
        text: "nothing".to_owned(),
    });
    ask.tools.push(ToolSpec {
        name: "look".to_owned(),
        description: "Looks.".to_owned(),
        parameters: json!({"type": "object", "properties": {"at": {"type": "string"}}}),
    });
    ask.max_output_tokens = Some(64);
    ask
}

const USAGE: Usage = Usage {
    input_tokens: 100,
    cached_tokens: 20,
    output_tokens: 30,
};

#[tokio::test]
async fn an_answer_comes_whole_and_is_seen_once_on_its_way() {
    for text in [
        "hello",
        "Zeilen\nmit „Umlauten“ und 🦀\n\n```json\n{\"a\": \"\\u0000\"}\n```",
    ] {
        for subject in subjects(&Script::Say(text)).await {
            let (outcome, seen) = ask_seen(&*subject.model, &asked()).await;
            let wanted = Answer {
                text: text.to_owned(),
                usage: USAGE,
                model: "m-1".to_owned(),
                version: subject.version.to_owned(),
                ..Answer::default()
            };
            assert_eq!(outcome, Ok(wanted), "{}", subject.name);
            assert_eq!(seen, text, "{}", subject.name);
            assert_eq!(subject.model.model(), "m-1", "{}", subject.name);
        }
    }
}

#[tokio::test]
async fn calls_of_tools_come_as_the_model_wrote_them() {
    let arguments = r#"{"at": "the door \"left\""}"#;
    for subject in subjects(&Script::Call(arguments)).await {
        let answer = ask_seen(&*subject.model, &asked()).await.0.unwrap();
        assert_eq!(answer.calls, [called(arguments)], "{}", subject.name);
        assert_eq!(answer.finish, Finish::Tools, "{}", subject.name);
        assert_eq!(answer.usage, USAGE, "{}", subject.name);
    }
}

#[tokio::test]
async fn a_refusal_is_final_and_repeats_no_secret() {
    for subject in subjects(&Script::Refuse).await {
        let error = ask_seen(&*subject.model, &asked()).await.0.unwrap_err();
        assert_eq!(error.class(), Class::Final, "{}", subject.name);
        let told = format!("{error} {error:?} {:?}", subject.model);
        assert!(
            !told.contains(crate::server::KEY),
            "{}: {told}",
            subject.name
        );
    }
}

#[tokio::test]
async fn many_ask_at_a_time() {
    for subject in subjects(&Script::Say("hello")).await {
        let ask = asked();
        let all = (0..16).map(|_| subject.model.ask(&ask, &silent));
        for outcome in in_time(futures::future::join_all(all)).await {
            assert_eq!(outcome.unwrap().text, "hello", "{}", subject.name);
        }
    }
}

#[tokio::test]
async fn an_answer_that_is_given_up_spoils_nothing() {
    for subject in subjects(&Script::Say("hello")).await {
        let ask = asked();
        {
            let mut given_up = subject.model.ask(&ask, &silent);
            let _ = futures::poll!(&mut given_up);
        }
        let again: Result<Answer, ModelError> = in_time(subject.model.ask(&ask, &silent)).await;
        assert_eq!(again.unwrap().text, "hello", "{}", subject.name);
    }
}
