//! Servers that are nearly what they claim to be. Text counts once, however it is told.

use orch_model::{Answer, Finish, Protocol};
use serde_json::{Value, json};

use crate::fake::{ask, ask_seen};
use crate::server::{Reply, Server};

async fn heard(protocol: Protocol, reply: Reply) -> (Answer, String) {
    let server = Server::with(vec![reply]).await;
    let ask = orch_model::Ask::new("", "hello");
    let (outcome, seen) = ask_seen(&server.model(protocol), &ask).await;
    (outcome.unwrap(), seen)
}

fn item(text: &str) -> Value {
    json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]})
}

fn delta(text: &str) -> Value {
    json!({"type": "response.output_text.delta", "delta": text})
}

fn done(item: &Value) -> Value {
    json!({"type": "response.output_item.done", "item": item})
}

fn completed(response: Value) -> Value {
    json!({"type": "response.completed", "response": response})
}

#[tokio::test]
async fn responses_may_tell_their_text_in_any_one_way_or_in_all() {
    let created = json!({"type": "response.created", "response": {"id": "r"}});
    let with = |parts: &[Value]| {
        let mut events = vec![created.clone()];
        events.extend_from_slice(parts);
        Reply::events(&events)
    };
    let usage = json!({"usage": {"input_tokens": 5, "output_tokens": 2}});
    let told = json!({"output": [item("Hello")]});
    for (name, reply) in [
        (
            "items alone",
            with(&[done(&item("Hello")), completed(usage.clone())]),
        ),
        (
            "items, no response",
            with(&[done(&item("Hello")), json!({"type": "response.completed"})]),
        ),
        (
            "deltas alone",
            with(&[delta("Hel"), delta("lo"), completed(usage.clone())]),
        ),
        (
            "deltas and empty output",
            with(&[delta("Hel"), delta("lo"), completed(json!({"output": []}))]),
        ),
        (
            "deltas and an empty item",
            with(&[
                delta("Hello"),
                done(&json!({"type": "message", "content": []})),
                completed(json!({})),
            ]),
        ),
        ("the end alone", with(&[completed(told.clone())])),
        (
            "deltas and the end",
            with(&[delta("Hello"), completed(told.clone())]),
        ),
        (
            "all",
            with(&[
                delta("Hel"),
                delta("lo"),
                done(&item("Hello")),
                completed(told.clone()),
            ]),
        ),
        (
            "[DONE] in place of the end",
            Reply::raw_events(&format!("data: {}\n\ndata: [DONE]\n\n", delta("Hello"))),
        ),
        (
            "no content type",
            Reply::new(200, "", format!("data: {}\n\n", completed(told.clone()))),
        ),
        (
            "events called JSON's other name",
            Reply::new(
                200,
                "text/plain",
                format!("event: x\ndata: {}\n\n", completed(told.clone())),
            ),
        ),
        (
            "events called JSON",
            Reply::new(
                200,
                "application/json",
                format!("data: {}\n\n", completed(told.clone())),
            ),
        ),
        (
            "JSON called events",
            Reply::new(200, "text/event-stream", told.to_string()),
        ),
        (
            "carriage returns",
            Reply::raw_events(&format!(
                "event: x\r\ndata: {}\r\n\r\n",
                completed(told.clone())
            )),
        ),
        (
            "text in place of parts",
            with(&[
                done(&json!({"type": "message", "content": "Hello"})),
                completed(json!({})),
            ]),
        ),
        (
            "the clients' shorthand",
            Reply::json(200, &json!({"output_text": "Hello"})),
        ),
    ] {
        let (answer, seen) = heard(Protocol::Responses, reply).await;
        assert_eq!(
            (answer.text.as_str(), seen.as_str()),
            ("Hello", "Hello"),
            "{name}"
        );
        assert_eq!(answer.finish, Finish::Stop, "{name}");
    }
}

#[tokio::test]
async fn several_items_stand_in_their_order_and_reasoning_is_no_answer() {
    let numbered = |index: u64, id: &str, text: &str| json!({"type": "response.output_text.delta", "output_index": index, "item_id": id, "delta": text});
    let reply = Reply::events(&[
        json!({"type": "response.output_item.done", "output_index": 0,
            "item": {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "hm"}]}}),
        numbered(1, "a", "On"),
        numbered(2, "b", "T"),
        numbered(1, "a", "e."),
        json!({"type": "response.output_item.done", "output_index": 2,
            "item": {"type": "message", "id": "b", "content": [{"type": "output_text", "text": "Two."}]}}),
        completed(json!({"incomplete_details": {"reason": "max_output_tokens"}})),
    ]);
    let (answer, _) = heard(Protocol::Responses, reply).await;
    assert_eq!(
        (answer.text.as_str(), answer.finish),
        ("One.Two.", Finish::Length)
    );
}

#[tokio::test]
async fn an_incomplete_response_is_an_answer_that_was_cut() {
    let reply = Reply::events(&[
        delta("Hel"),
        json!({"type": "response.incomplete", "response": {"status": "incomplete",
            "incomplete_details": {"reason": "content_filter"}, "output": [item("Hel")]}}),
    ]);
    let (answer, _) = heard(Protocol::Responses, reply).await;
    assert_eq!(
        (answer.text.as_str(), answer.finish),
        ("Hel", Finish::Filtered)
    );
}

#[tokio::test]
async fn chat_ends_with_its_reason_with_done_or_with_both_and_may_count_nothing() {
    let piece = json!({"choices": [{"delta": {"content": "Hello"}}]});
    let end = json!({"choices": [{"delta": {}, "finish_reason": "stop"}]});
    for (name, text) in [
        ("reason alone", format!("data: {piece}\n\ndata: {end}\n\n")),
        ("done alone", format!("data: {piece}\n\ndata: [DONE]\n\n")),
        (
            "both",
            format!("data: {piece}\n\ndata: {end}\n\ndata: [DONE]\n\n"),
        ),
        (
            "a message in place of a delta",
            format!(
                "data: {}\n\n",
                json!({"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]})
            ),
        ),
    ] {
        let (answer, seen) = heard(Protocol::Chat, Reply::raw_events(&text)).await;
        assert_eq!(
            (answer.text.as_str(), seen.as_str()),
            ("Hello", "Hello"),
            "{name}"
        );
        assert_eq!(answer.usage, orch_model::Usage::default(), "{name}");
    }
    let parts = json!({"choices": [{"message": {"content": [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]},
        "finish_reason": "length"}]});
    let (answer, _) = heard(Protocol::Chat, Reply::json(200, &parts)).await;
    assert_eq!(
        (answer.text.as_str(), answer.finish),
        ("Hello", Finish::Length)
    );
}

#[tokio::test]
async fn chat_calls_may_come_with_arguments_that_are_no_string() {
    let body = json!({"choices": [{"message": {"content": null, "tool_calls": [
        {"id": "1", "function": {"name": "look", "arguments": {"at": "x"}}},
        {"id": "2", "function": {"name": "wait"}}]}, "finish_reason": "stop"}]});
    let (answer, _) = heard(Protocol::Chat, Reply::json(200, &body)).await;
    let arguments: Vec<&str> = answer
        .calls
        .iter()
        .map(|call| call.arguments.as_str())
        .collect();
    assert_eq!(
        (arguments, answer.finish),
        (vec![r#"{"at":"x"}"#, "{}"], Finish::Tools)
    );
}

#[tokio::test]
async fn anthropics_tool_for_a_schema_is_the_answer() {
    let server = Server::answering(|request| {
        let name = request.body["tools"][0]["name"].clone();
        Reply::json(200, &json!({"content": [{"type": "text", "text": "Here:"},
            {"type": "tool_use", "id": "1", "name": name, "input": {"a": 1}}], "stop_reason": "tool_use"}))
    })
    .await;
    let mut request = orch_model::Ask::new("", "hello");
    request.schema = Some(json!({"type": "object"}));
    let (answer, seen) = ask_seen(&server.model(Protocol::Messages), &request).await;
    let answer = answer.unwrap();
    assert_eq!(
        (answer.text.as_str(), answer.calls.len(), answer.finish),
        (r#"{"a":1}"#, 0, Finish::Stop)
    );
    assert_eq!(seen, r#"{"a":1}"#);
    assert_eq!(server.requests()[0].body["tool_choice"]["type"], "tool");
}

#[tokio::test]
async fn keys_go_where_each_protocol_wants_them() {
    for (protocol, name, value) in [
        (
            Protocol::Responses,
            "authorization",
            format!("Bearer {}", crate::server::KEY),
        ),
        (
            Protocol::Chat,
            "authorization",
            format!("Bearer {}", crate::server::KEY),
        ),
        (
            Protocol::Messages,
            "x-api-key",
            crate::server::KEY.to_owned(),
        ),
    ] {
        let server = Server::with(vec![crate::wire::says(protocol, "yes")]).await;
        ask(&server.model(protocol)).await.unwrap();
        let request = server.requests().remove(0);
        assert_eq!(request.headers[name], value);
        assert_eq!(request.body["stream"], true);
        assert_eq!(request.body["temperature"], 0);
    }
}

#[tokio::test]
async fn a_server_that_answers_in_the_form_of_chat_whatever_it_is_asked_is_understood() {
    let chat = crate::wire::says(Protocol::Chat, "Hello");
    let (answer, seen) = heard(Protocol::Responses, chat).await;
    assert_eq!((answer.text.as_str(), seen.as_str()), ("Hello", "Hello"));
    let (answer, _) = heard(
        Protocol::Responses,
        crate::wire::says_at_once(Protocol::Chat, "Hello"),
    )
    .await;
    assert_eq!(
        (answer.text.as_str(), answer.usage.output_tokens),
        ("Hello", 30)
    );
}

#[tokio::test]
async fn what_follows_a_whole_answer_spoils_it_no_more() {
    let end = json!({"choices": [{"delta": {"content": "Hello"}, "finish_reason": "stop"}]});
    let text = format!("data: {end}\n\ndata: goodbye\n\n");
    let (answer, _) = heard(Protocol::Chat, Reply::raw_events(&text)).await;
    assert_eq!(answer.text, "Hello");
}
