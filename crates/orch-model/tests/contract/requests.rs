//! What goes over the wire, whole.

use orch_model::{Ask, Message, Protocol, Provider as _, ToolCall, ToolSpec, silent};
use serde_json::{Value, json};

use crate::fake::in_time;
use crate::server::Server;
use crate::wire::says;

fn request() -> Ask {
    let mut ask = Ask::new("be brief", "hello");
    ask.messages.push(Message::Assistant {
        text: "I look.".to_owned(),
        calls: vec![ToolCall {
            id: "c1".to_owned(),
            name: "look".to_owned(),
            arguments: r#"{"at":"x"}"#.to_owned(),
        }],
    });
    ask.messages.push(Message::Tool {
        call: "c1".to_owned(),
        text: "nothing".to_owned(),
    });
    ask.messages.push(Message::User {
        text: "well?".to_owned(),
    });
    ask.tools.push(ToolSpec {
        name: "look".to_owned(),
        description: "Looks.".to_owned(),
        parameters: json!({"type": "object"}),
    });
    ask.max_output_tokens = Some(64);
    ask.schema = Some(json!({"type": "object"}));
    ask
}

async fn sent(protocol: Protocol) -> (String, Value) {
    let server = Server::with(vec![says(protocol, "yes")]).await;
    in_time(server.model(protocol).ask(&request(), &silent))
        .await
        .unwrap();
    let request = server.requests().remove(0);
    (request.path, request.body)
}

#[tokio::test]
async fn responses_are_asked_as_openai_documents_it() {
    let (path, body) = sent(Protocol::Responses).await;
    assert_eq!(path, "/v1/responses");
    let wanted = json!({
        "model": "m-1", "stream": true, "store": false, "temperature": 0, "max_output_tokens": 64,
        "instructions": "be brief",
        "input": [
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
            {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{\"at\":\"x\"}"},
            {"type": "function_call_output", "call_id": "c1", "output": "nothing"},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "well?"}]},
        ],
        "text": {"format": {"type": "json_schema", "name": "structured_answer",
            "schema": {"type": "object"}, "strict": false}},
        "tools": [{"type": "function", "name": "look", "description": "Looks.",
            "parameters": {"type": "object"}, "strict": false}],
    });
    assert_eq!(body, wanted);
}

#[tokio::test]
async fn chat_completions_are_asked_as_openai_documents_it() {
    let (path, body) = sent(Protocol::Chat).await;
    assert_eq!(path, "/v1/chat/completions");
    let wanted = json!({
        "model": "m-1", "stream": true, "stream_options": {"include_usage": true}, "temperature": 0,
        "seed": 7, "max_tokens": 64,
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "hello"},
            {"role": "assistant", "content": "I look.", "tool_calls": [{"id": "c1", "type": "function",
                "function": {"name": "look", "arguments": "{\"at\":\"x\"}"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "nothing"},
            {"role": "user", "content": "well?"},
        ],
        "response_format": {"type": "json_schema", "json_schema": {"name": "structured_answer",
            "schema": {"type": "object"}, "strict": false}},
        "tools": [{"type": "function", "function": {"name": "look", "description": "Looks.",
            "parameters": {"type": "object"}}}],
    });
    assert_eq!(body, wanted);
}

#[tokio::test]
async fn messages_are_asked_as_anthropic_documents_it() {
    let (path, body) = sent(Protocol::Messages).await;
    assert_eq!(path, "/v1/messages");
    // A schema has no place beside tools; turns alternate.
    let wanted = json!({
        "model": "m-1", "stream": true, "temperature": 0, "max_tokens": 64, "system": "be brief",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "hello"}]},
            {"role": "assistant", "content": [{"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "c1", "name": "look", "input": {"at": "x"}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "nothing"},
                {"type": "text", "text": "well?"}]},
        ],
        "tools": [{"name": "look", "description": "Looks.", "input_schema": {"type": "object"}}],
    });
    assert_eq!(body, wanted);
}
