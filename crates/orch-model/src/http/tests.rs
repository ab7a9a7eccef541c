//! Bytes that no server means: every reader takes them, and where a piece ends changes nothing.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::stream::{Progress, StreamReader};
use crate::wire::{End, Wire};
use crate::{Answer, silent};

const WIRES: [Wire; 3] = [Wire::Responses, Wire::Chat, Wire::Messages];

/// Reads pieces as the network would bring them.
fn read(wire: Wire, pieces: &[&[u8]]) -> Result<Option<Answer>, String> {
    let mut reader = StreamReader::new(wire);
    for piece in pieces {
        match reader.push(piece, &silent) {
            Ok(Progress::More) => {}
            Ok(Progress::Ended) => return Ok(reader.close(End::Done)),
            Err(unfit) => return Err(format!("{unfit:?}")),
        }
    }
    Ok(reader.close(End::Closed))
}

fn cut<'b>(bytes: &'b [u8], cuts: &[prop::sample::Index]) -> Vec<&'b [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    places.sort_unstable();
    let mut pieces = Vec::new();
    let mut from = 0;
    for place in places {
        pieces.push(&bytes[from..place]);
        from = place;
    }
    pieces.push(&bytes[from..]);
    pieces
}

/// Words that the readers look for, and others.
fn word() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!(-1)),
        Just(json!(u64::MAX)),
        Just(json!(1e300)),
        Just(json!("ü🦀\u{0}")),
        Just(json!("look")),
        Just(json!([])),
        prop::sample::select(vec![
            "message",
            "function_call",
            "output_text",
            "text",
            "tool_use",
            "text_delta",
            "input_json_delta",
            "stop",
            "tool_calls",
            "error",
            "structured_answer",
        ])
        .prop_map(Value::from),
        (0_u64..3).prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let key = prop::sample::select(vec![
        "type",
        "delta",
        "item",
        "item_id",
        "output_index",
        "id",
        "content",
        "text",
        "response",
        "output",
        "error",
        "choices",
        "message",
        "tool_calls",
        "index",
        "function",
        "name",
        "arguments",
        "finish_reason",
        "usage",
        "content_block",
        "partial_json",
        "stop_reason",
        "input_tokens",
        "prompt_tokens",
        "call_id",
        "model",
    ]);
    word().prop_recursive(4, 24, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..6).prop_map(|fields| {
                fields
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value))
                    .collect()
            }),
        ]
    })
}

fn event() -> impl Strategy<Value = Value> {
    let kind = prop::sample::select(vec![
        "response.created",
        "response.output_item.added",
        "response.output_text.delta",
        "response.function_call_arguments.delta",
        "response.output_item.done",
        "response.completed",
        "response.failed",
        "message_start",
        "content_block_start",
        "content_block_delta",
        "message_delta",
        "message_stop",
        "error",
        "ping",
        "",
    ]);
    (value(), kind).prop_map(|(mut value, kind)| {
        if let Some(fields) = value.as_object_mut() {
            fields.insert("type".to_owned(), json!(kind));
        }
        value
    })
}

proptest! {
    #[test]
    fn random_bytes_harm_no_reader(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
    ) {
        for wire in WIRES {
            prop_assert_eq!(read(wire, &cut(&bytes, &cuts)), read(wire, &[&bytes]));
            let framed = [b"data: ".as_slice(), &bytes, b"\n\n"].concat();
            prop_assert_eq!(read(wire, &cut(&framed, &cuts)), read(wire, &[&framed]));
        }
    }

    #[test]
    fn events_of_any_shape_harm_no_reader_wherever_they_are_cut(
        events in prop::collection::vec(event(), 0..8),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ends in any::<bool>(),
    ) {
        let mut text: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
        if ends {
            text.push_str("data: [DONE]\n\n");
        }
        for wire in WIRES {
            prop_assert_eq!(
                read(wire, &cut(text.as_bytes(), &cuts)),
                read(wire, &[text.as_bytes()])
            );
        }
    }

    #[test]
    fn objects_of_any_shape_harm_no_reader(value in value()) {
        for wire in WIRES {
            let _ = wire.whole(&value);
        }
    }
}
