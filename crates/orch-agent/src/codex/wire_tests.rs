use super::*;

fn out(message: &str, partial: bool) -> Line {
    let mut line = Line::whole(
        Stream::Stdout,
        jiff::Timestamp::UNIX_EPOCH,
        message.to_owned(),
    );
    line.partial = partial;
    line
}

struct Other {
    lines: mpsc::Sender<Line>,
    input: mpsc::Receiver<Vec<u8>>,
}

fn pair() -> (Wire, Other) {
    let (to_us, lines) = mpsc::channel(64);
    let (input, from_us) = mpsc::channel(4);
    let other = Other {
        lines: to_us,
        input: from_us,
    };
    (Wire::new(input, lines), other)
}

impl Other {
    async fn say(&self, text: &str) {
        self.lines.send(out(text, false)).await.unwrap();
    }

    async fn heard(&mut self) -> Value {
        let bytes = self.input.recv().await.unwrap();
        assert!(bytes.ends_with(b"\n"));
        serde_json::from_slice(&bytes).unwrap()
    }
}

const SOON: Duration = Duration::from_secs(30);

#[tokio::test]
async fn messages_are_told_apart_and_junk_is_text() {
    let (mut wire, other) = pair();
    for text in [
        "not JSON",
        "{\"half\":",
        "[1]",
        "",
        r#"{"method":"a/b","params":{"x":1}}"#,
        r#"{"id":0,"method":"ask","params":{}}"#,
        r#"{"id":7,"result":{"ok":true}}"#,
        r#"{"id":8,"error":{"code":-1,"message":"no"}}"#,
    ] {
        other.say(text).await;
    }
    drop(other);
    let text = |text: &str| Heard::Text {
        stream: Stream::Stdout,
        text: text.to_owned(),
    };
    let mut all = Vec::new();
    while let Some(heard) = wire.hear().await {
        all.push(heard);
    }
    let refused = Refused {
        code: -1,
        message: "no".to_owned(),
    };
    assert_eq!(
        all,
        [
            text("not JSON"),
            text("{\"half\":"),
            text("[1]"),
            Heard::Notice {
                method: "a/b".to_owned(),
                params: json!({ "x": 1 }),
            },
            Heard::Request {
                id: json!(0),
                method: "ask".to_owned(),
                params: json!({}),
            },
            Heard::Answer {
                id: 7,
                answer: Ok(json!({ "ok": true })),
            },
            Heard::Answer {
                id: 8,
                answer: Err(refused),
            },
        ]
    );
}

#[tokio::test]
async fn a_message_in_pieces_is_put_together_and_one_that_is_too_long_passed_over() {
    let (mut wire, other) = pair();
    let telling = tokio::spawn(async move {
        other.lines.send(out(r#"{"method":"#, true)).await.unwrap();
        other.lines.send(out(r#""long"}"#, false)).await.unwrap();
        let piece = "x".repeat(1 << 20);
        for _ in 0..40 {
            other.lines.send(out(&piece, true)).await.unwrap();
        }
        other.lines.send(out("end", false)).await.unwrap();
        let ten = "y".repeat(10 << 20);
        other
            .say(&json!({ "method": "ten", "params": ten }).to_string())
            .await;
        other.say(r#"{"method":"after"}"#).await;
    });
    let mut methods = Vec::new();
    while let Some(heard) = wire.hear().await {
        methods.push(match heard {
            Heard::Notice { method, .. } => method,
            Heard::Text { text, .. } => text,
            other => panic!("{other:?}"),
        });
    }
    telling.await.unwrap();
    let passed_over = "[a message of Codex with more than 16 MiB was passed over]";
    assert_eq!(methods, ["long", passed_over, "ten", "after"]);
}

#[tokio::test]
async fn an_answer_is_found_among_other_messages_which_are_heard_afterwards() {
    let (mut wire, mut other) = pair();
    let answering = tokio::spawn(async move {
        let asked = other.heard().await;
        other.say(r#"{"method":"between"}"#).await;
        other.say(r#"{"id":999,"result":{}}"#).await;
        let answer = json!({ "id": asked["id"], "result": { "for": asked["method"] } });
        other.say(&answer.to_string()).await;
        other
    });
    let answer = wire.ask("thread/start", json!({}), SOON).await;
    assert_eq!(answer, Ok(json!({ "for": "thread/start" })));
    let other = answering.await.unwrap();
    assert!(matches!(wire.hear().await, Some(Heard::Notice { method, .. }) if method == "between"));
    assert!(matches!(
        wire.hear().await,
        Some(Heard::Answer { id: 999, .. })
    ));
    drop(other);
    assert_eq!(wire.hear().await, None);
    assert_eq!(wire.ask("x", json!({}), SOON).await, Err(NoAnswer::Gone));
}

#[tokio::test(start_paused = true)]
async fn no_answer_is_waited_for_for_ever() {
    let (mut wire, _other) = pair();
    let late = Err(NoAnswer::TooLate { after: SOON });
    assert_eq!(wire.ask("x", json!({}), SOON).await, late);
    // Nor that it is read.
    for _ in 0..3 {
        let _ = wire.ask("x", json!({}), SOON).await;
    }
    assert_eq!(wire.ask("x", json!({}), SOON).await, late);
}

#[tokio::test]
async fn what_is_printed_beside_the_messages_does_not_flood_the_log() {
    let (mut wire, other) = pair();
    let telling = tokio::spawn(async move {
        for n in 0..5000 {
            let line = Line::whole(
                Stream::Stderr,
                jiff::Timestamp::UNIX_EPOCH,
                format!("line {n}"),
            );
            other.lines.send(line).await.unwrap();
        }
    });
    let mut count = 0;
    while wire.hear().await.is_some() {
        count += 1;
    }
    telling.await.unwrap();
    assert_eq!(count, MOST_JUNK);
    assert!(wire.stderr.text().ends_with("line 4999"));
}
