use jiff::Timestamp;
use orch_sandbox::exec::Encoding;

use super::*;

fn line(stream: Stream, message: &str) -> Line {
    Line {
        stream,
        at: Timestamp::UNIX_EPOCH,
        message: message.to_owned(),
        encoding: Encoding::Verbatim,
        partial: false,
    }
}

fn read(turn: &mut Turn, lines: &[&str]) -> Vec<Event> {
    let events = lines
        .iter()
        .filter_map(|text| turn.line(line(Stream::Stdout, text)));
    events.collect()
}

/// As version 0.169.0 printed it.
const RECORDED: [&str; 9] = [
    r#"{"type":"thread.started","thread_id":"01a1"}"#,
    r#"{"type":"turn.started"}"#,
    r#"{"type":"item.completed","item":{"id":"item_0","type":"reasoning","text":"look"}}"#,
    r#"{"type":"item.started","item":{"id":"item_1","type":"command_execution","command":"ls","aggregated_output":"","exit_code":null,"status":"in_progress"}}"#,
    r#"{"type":"item.completed","item":{"id":"item_1","type":"command_execution","command":"ls","aggregated_output":"a\n","exit_code":0,"status":"completed"}}"#,
    r#"{"type":"item.started","item":{"id":"item_2","type":"file_change","changes":[],"status":"in_progress"}}"#,
    r#"{"type":"item.completed","item":{"id":"item_2","type":"file_change","changes":[{"path":"/w/p.txt","kind":"add"}],"status":"completed"}}"#,
    r#"{"type":"item.completed","item":{"id":"item_3","type":"agent_message","text":"done"}}"#,
    r#"{"type":"turn.completed","usage":{"input_tokens":3000,"cached_input_tokens":600,"cache_write_input_tokens":0,"output_tokens":150,"reasoning_output_tokens":30}}"#,
];

fn command() -> Event {
    Event::Command {
        command: "ls".to_owned(),
        exit_code: Some(0),
        output: "a\n".to_owned(),
    }
}

fn change() -> Event {
    Event::FileChange {
        changes: vec![Change {
            path: "/w/p.txt".to_owned(),
            kind: "add".to_owned(),
        }],
        status: "completed".to_owned(),
    }
}

fn message() -> Event {
    Event::Message {
        text: "done".to_owned(),
    }
}

#[test]
fn a_recorded_turn_is_read() {
    let mut turn = Turn::new(Chatter::Full);
    let expected = vec![
        Event::Reasoning {
            text: "look".to_owned(),
        },
        Event::CommandStarted {
            command: "ls".to_owned(),
        },
        command(),
        change(),
        message(),
    ];
    assert_eq!(read(&mut turn, &RECORDED), expected);
    assert_eq!(turn.thread_id.as_deref(), Some("01a1"));
    assert_eq!(turn.last_message.as_deref(), Some("done"));
    assert_eq!(turn.failure, None);
    let usage = Usage {
        input_tokens: 3000,
        cached_input_tokens: 600,
        output_tokens: 150,
        reasoning_output_tokens: 30,
    };
    assert_eq!(turn.thread_usage, Some(usage));
}

#[test]
fn little_context_leaves_out_reasoning_and_announcements_and_no_result() {
    let mut turn = Turn::new(Chatter::Reduced { percent: 3 });
    assert_eq!(read(&mut turn, &RECORDED), [command(), change(), message()]);
}

#[test]
fn a_failure_is_said_once_and_the_last_word_counts() {
    let mut turn = Turn::new(Chatter::Full);
    let error = |message: &str| Event::Error {
        message: message.to_owned(),
    };
    let events = read(
        &mut turn,
        &[
            r#"{"type":"error","message":"Reconnecting... 1/5"}"#,
            r#"{"type":"error","message":"Reconnecting... 1/5"}"#,
            r#"{"type":"error","message":"last status: 429"}"#,
            r#"{"type":"turn.failed","error":{"message":"last status: 429"}}"#,
        ],
    );
    assert_eq!(
        events,
        [error("Reconnecting... 1/5"), error("last status: 429")]
    );
    assert_eq!(turn.failure.as_deref(), Some("last status: 429"));
    read(&mut turn, &RECORDED[2..3]);
    assert_eq!(turn.failure, None, "what Codex got over is no failure");
}

#[test]
fn what_is_unknown_or_malformed_never_fails() {
    let mut turn = Turn::new(Chatter::Full);
    let plain = |text: &str| Event::Line {
        stream: Stream::Stdout,
        text: text.to_owned(),
    };
    let events = read(
        &mut turn,
        &[
            r#"{"type":"turn.paused","why":[1]}"#,
            r#"{"type":"item.completed","item":{"type":"hologram"}}"#,
            r#"{"type":"item.completed"}"#,
            r#"{"type":7}"#,
            "",
            "[1]",
            r#"{"type":"item.compl"#,
            r#"{"type":"item.completed","item":{"type":"command_execution","exit_code":99999999999}}"#,
        ],
    );
    let odd = Event::Command {
        command: String::new(),
        exit_code: None,
        output: String::new(),
    };
    assert_eq!(events, [plain("[1]"), plain(r#"{"type":"item.compl"#), odd]);
}

#[test]
fn an_event_that_comes_in_pieces_is_put_together() {
    let mut turn = Turn::new(Chatter::Full);
    let (first, second) = RECORDED[4].split_at(40);
    let partial = Line {
        partial: true,
        ..line(Stream::Stdout, first)
    };
    assert_eq!(turn.line(partial), None);
    assert_eq!(
        turn.line(line(Stream::Stderr, "meanwhile")),
        Some(Event::Line {
            stream: Stream::Stderr,
            text: "meanwhile".to_owned(),
        })
    );
    assert_eq!(turn.line(line(Stream::Stdout, second)), Some(command()));
    assert_eq!(turn.stderr.text(), "meanwhile");
}
