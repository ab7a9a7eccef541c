//! Recording and replaying.

use std::sync::Arc;

use orch_model::{
    Ask, Cost, Exchange, FileJournal, Message, ModelError, Outcome, Prices, Protocol, Provider,
    Recorder, Recording, Redact, Replay, Schema, ask_structured, silent, unredacted,
};
use serde_json::json;

use crate::fake::{Fake, Memory, ask, in_time, overloaded, said};
use crate::server::Server;
use crate::wire::says;

fn prices() -> Arc<Prices> {
    let table = "version = 1\n[[price]]\nmodel = \"m-\"\ninput = 1000000\ncached = 500000\noutput = 2000000\n";
    Arc::new(Prices::parse(table).unwrap())
}

#[tokio::test]
async fn a_conversation_is_replayed_from_its_file_byte_for_byte_without_a_network() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flow.jsonl");
    let schema = Schema::new(json!({"type": "object", "required": ["a"]})).unwrap();
    let request = Ask::new("be brief", "a „question“");
    let flow = async |model: &dyn Provider| {
        let structured = ask_structured(model, &request, &schema, &silent)
            .await
            .unwrap();
        let mut next = request.clone();
        next.messages.push(Message::Assistant {
            text: structured.answer.text.clone(),
            calls: Vec::new(),
        });
        let last = model.ask(&next, &silent).await.unwrap();
        format!("{structured:?} {last:?}")
    };
    let lived = {
        let server = Server::with(vec![
            says(Protocol::Chat, "no"),
            says(Protocol::Chat, "{\"a\": \"ü🦀\"}"),
            says(Protocol::Chat, "done\r\n"),
        ])
        .await;
        let journal = Arc::new(FileJournal::open(&path).unwrap());
        let model = Arc::new(server.model(Protocol::Chat));
        let recorder = Recorder::new(model, journal, prices(), unredacted());
        in_time(flow(&recorder)).await
    };
    let text = std::fs::read_to_string(&path).unwrap();
    let replay = Replay::new(Recording::parse(&text).unwrap(), unredacted());
    assert_eq!(in_time(flow(&replay)).await, lived);
    assert_eq!(replay.left(), 0);
    assert_eq!(text.lines().count(), 3);
    assert!(!text.contains(crate::server::KEY));
}

#[tokio::test]
async fn an_exchange_has_all_that_people_ask_about_later() {
    let journal = Arc::new(Memory::default());
    let fake = Fake::new("m-1", vec![Ok(said("yes")), Err(overloaded(None))]);
    let recorder = Recorder::new(fake, journal.clone(), prices(), unredacted());
    let _ = ask(&recorder).await;
    let _ = ask(&recorder).await;
    let [first, second]: [Exchange; 2] = journal.recording().0.try_into().unwrap();
    // 80 x 1 + 20 x 0.5 + 30 x 2
    assert_eq!(first.cost_micros, Some(Cost::from_micros(150)));
    assert_eq!(
        (first.v, first.model.as_str(), first.digest.len()),
        (1, "m-1", 64)
    );
    assert_eq!(first.ask, Ask::new("be brief", "hello"));
    assert_eq!(first.digest, second.digest);
    assert_eq!(second.outcome, Outcome::Error(overloaded(None)));
    assert_eq!(second.cost_micros, None);
}

#[tokio::test]
async fn secrets_are_in_no_recording_and_the_digest_tells_nothing_of_them() {
    let hide = |secret: &'static str| -> Redact {
        Arc::new(move |text: &str| text.replace(secret, "[secret]"))
    };
    let request = |secret: &str| {
        let mut ask = Ask::new(format!("use {secret}"), "hello");
        ask.schema = Some(json!({"const": secret}));
        ask
    };
    let journal = Arc::new(Memory::default());
    let fake = Fake::new("m-1", vec![Ok(said("it is hunter2"))]);
    let recorder = Recorder::new(fake, journal.clone(), prices(), hide("hunter2"));
    let lived = recorder.ask(&request("hunter2"), &silent).await.unwrap();
    assert_eq!(lived.text, "it is hunter2");
    let recording = journal.recording();
    let text = serde_json::to_string(&recording.0).unwrap();
    assert!(
        !text.contains("hunter2") && text.contains("it is [secret]"),
        "{text}"
    );
    // With another secret in its place the same conversation is found again.
    let replay = Replay::new(recording, hide("swordfish"));
    let answer = replay.ask(&request("swordfish"), &silent).await.unwrap();
    assert_eq!(answer.text, "it is [secret]");
}

#[tokio::test]
async fn a_secret_that_is_a_word_of_the_format_spoils_no_line() {
    let journal = Arc::new(Memory::default());
    let fake = Fake::new("m-1", vec![Ok(said("the user may stop"))]);
    let redact: Redact = Arc::new(|text: &str| text.replace("user", "[x]").replace("stop", "[y]"));
    let recorder = Recorder::new(fake, journal.clone(), prices(), redact);
    let _ = ask(&recorder).await;
    let line = serde_json::to_string(&journal.recording().0[0]).unwrap();
    let [exchange]: [Exchange; 1] = Recording::parse(&line).unwrap().0.try_into().unwrap();
    assert!(
        matches!(exchange.outcome, Outcome::Answer(answer) if answer.text == "the [x] may [y]")
    );
}

#[tokio::test]
async fn the_same_question_gets_its_answers_in_turn_and_no_more_than_there_are() {
    let journal = Arc::new(Memory::default());
    let fake = Fake::new(
        "m-1",
        vec![Ok(said("one")), Err(overloaded(None)), Ok(said("three"))],
    );
    let recorder = Recorder::new(fake, journal.clone(), prices(), unredacted());
    for _ in 0..3 {
        let _ = ask(&recorder).await;
    }
    let replay = Replay::new(journal.recording(), unredacted());
    assert_eq!(ask(&replay).await.unwrap().text, "one");
    assert_eq!(ask(&replay).await, Err(overloaded(None)));
    assert_eq!(replay.left(), 1);
    assert_eq!(ask(&replay).await.unwrap().text, "three");
    let error = ask(&replay).await.unwrap_err();
    assert!(
        matches!(error, ModelError::NotRecorded { number: 4, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("number 4"), "{error}");
}

#[tokio::test]
async fn a_request_that_is_given_up_is_kept_and_no_replay_waits_for_it() {
    let journal = Arc::new(Memory::default());
    let server = Server::with(vec![says(Protocol::Chat, "a").cut_at(0.5).then_hang()]).await;
    let model = Arc::new(server.model(Protocol::Chat));
    let recorder = Recorder::new(model, journal.clone(), prices(), unredacted());
    let request = Ask::new("be brief", "hello");
    {
        let mut asking = recorder.ask(&request, &silent);
        assert!(futures::poll!(&mut asking).is_pending());
    }
    in_time(async {
        while journal.recording().0.is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let recording = journal.recording();
    assert_eq!(recording.0[0].outcome, Outcome::Error(ModelError::GivenUp));
    assert_eq!(recording.0[0].ask, request);
    let replay = Replay::new(recording, unredacted());
    assert_eq!(replay.left(), 0);
    assert!(matches!(
        ask(&replay).await,
        Err(ModelError::NotRecorded { number: 1, .. })
    ));
}

/// Written by the first version: it must be read for ever.
const OLD: &str = include_str!("recording-v1.jsonl");

#[tokio::test]
async fn an_old_recording_is_still_read_and_its_digests_still_fit() {
    let recording = Recording::parse(OLD).unwrap();
    assert_eq!(recording.0.len(), 2);
    assert_eq!(recording.only("m-1").0.len(), 2);
    assert_eq!(recording.only("other").0.len(), 0);
    let replay = Replay::new(recording, unredacted());
    let mut request = Ask::new("be brief", "hello");
    request.schema = Some(json!({"type": "object", "properties": {"b": {}, "a": {}}}));
    let answer = replay.ask(&request, &silent).await.unwrap();
    assert_eq!(
        (answer.text.as_str(), answer.usage.cached_tokens),
        ("{\"a\": 1}", 20)
    );
    assert_eq!(
        ask(&replay).await,
        Err(ModelError::Refused {
            place: "m-1 at http://h/v1/".to_owned(),
            status: 401,
            said: "bad key".to_owned(),
        })
    );
}

#[test]
fn a_line_that_is_none_is_named() {
    let said = |text: &str| Recording::parse(text).unwrap_err().to_string();
    let old = OLD.lines().next().unwrap();
    assert!(
        said(&format!("\n{old}\nnonsense"))
            .starts_with("line 3 of the recording is no exchange: expected")
    );
    assert!(said(r#"{"v": 2}"#).contains("version 2; this program reads up to 1"));
    assert!(said(r#"{"v": 1}"#).contains("missing field"));
    assert!(said(&old[..old.len() / 2]).contains("EOF"));
    assert!(said("\u{0}").contains("line 1"));
    assert_eq!(Recording::parse("\n\n").unwrap(), Recording::default());
}

mod scribbled {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_recording_that_breaks_off_or_is_scribbled_on_is_read_or_refused(
            cut in any::<prop::sample::Index>(), scribble in any::<(prop::sample::Index, char)>(),
        ) {
            let letters: Vec<char> = OLD.chars().collect();
            let cut: String = letters[..cut.index(letters.len())].iter().collect();
            let _ = Recording::parse(&cut);
            let (place, letter) = scribble;
            let mut scribbled = letters.clone();
            scribbled[place.index(letters.len())] = letter;
            let scribbled: String = scribbled.iter().collect();
            if let Ok(recording) = Recording::parse(&scribbled) {
                prop_assert!(recording.0.len() <= 2);
            }
        }

        #[test]
        fn tables_of_prices_and_answers_of_any_kind_harm_nothing(text in "[\\[\\]{}`a-c:,\"=\n0-9ü]{0,80}") {
            let _ = Prices::parse(&text);
            let _ = Prices::parse(&format!("version = 1\n{text}"));
            let schema = Schema::new(json!({"type": "object"})).unwrap();
            let fake = Fake::new("m", vec![Ok(said(&text))]);
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let outcome = runtime.block_on(ask_structured(&*fake, &Ask::new("", "x"), &schema, &silent));
            match outcome {
                Ok(structured) => prop_assert!(structured.value.is_object()),
                Err(error) => prop_assert_eq!(error.kind(), "schema"),
            }
        }
    }
}
