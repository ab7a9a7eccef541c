use std::{path::Path, sync::Arc};

use orch_sandbox::exec::Line;

use super::*;
use crate::codex::{Keeper, memory::Thread};

const SOON: Duration = Duration::from_secs(30);

/// A turn and an app-server that says what a test says.
struct Stage {
    setup: CodexSetup,
    launch: Launch,
    wire: Wire,
    memory: Memory,
    lines: mpsc::Sender<Line>,
    input: mpsc::Receiver<Vec<u8>>,
    said: mpsc::Receiver<String>,
    voice: mpsc::Sender<String>,
    events: mpsc::Receiver<Event>,
    sink: mpsc::Sender<Event>,
    cancel: CancellationToken,
    spent: CancellationToken,
    _top: Arc<tempfile::TempDir>,
}

fn launch(folder: &Path) -> Launch {
    Launch {
        prompt: String::new(),
        epoch: 1,
        work: folder.to_owned(),
        run_folder: folder.to_owned(),
        home: folder.to_owned(),
        keeper: Keeper::Codex,
        route: None,
        env: std::collections::BTreeMap::new(),
        records: None,
        timeout: None,
    }
}

impl Stage {
    fn new() -> Self {
        let top = Arc::new(tempfile::tempdir().unwrap());
        let (to_us, lines) = mpsc::channel(64);
        let (input, from_us) = mpsc::channel(16);
        let (voice, said) = mpsc::channel(4);
        let (sink, events) = mpsc::channel(256);
        let mut memory = Memory::default();
        memory.thread = Some(Thread {
            id: "T".to_owned(),
            usage: Usage::default(),
        });
        Self {
            setup: CodexSetup::from_env(std::collections::BTreeMap::new()).unwrap(),
            launch: launch(top.path()),
            wire: Wire::new(input, lines),
            memory,
            lines: to_us,
            input: from_us,
            said,
            voice,
            events,
            sink,
            cancel: CancellationToken::new(),
            spent: CancellationToken::new(),
            _top: top,
        }
    }

    /// Lets the turn go on beside what the other side does.
    async fn play(&mut self, other: impl AsyncFnOnce(Other<'_>)) -> Ended {
        let work = Work {
            setup: &self.setup,
            launch: &self.launch,
            thread: "T",
            events: &self.sink,
            cancel: &self.cancel,
            spent: &self.spent,
            model: None,
        };
        let mut turn = Turn::new(work, &mut self.wire, &mut self.memory);
        let other = other(Other {
            lines: &self.lines,
            input: &mut self.input,
        });
        let run = async {
            turn.begin("do it").await.unwrap();
            turn.run(&mut self.said, None).await.unwrap()
        };
        let played = async { tokio::join!(run, other).0 };
        tokio::time::timeout(SOON, played)
            .await
            .expect("the turn's end")
    }

    fn told(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Ok(event) = self.events.try_recv() {
            lines.extend(event.log_lines().into_iter().map(|(_, line)| line));
        }
        lines
    }
}

struct Other<'o> {
    lines: &'o mpsc::Sender<Line>,
    input: &'o mut mpsc::Receiver<Vec<u8>>,
}

impl Other<'_> {
    async fn say(&self, message: Value) {
        let (stream, at) = (
            orch_sandbox::exec::Stream::Stdout,
            jiff::Timestamp::UNIX_EPOCH,
        );
        let line = Line::whole(stream, at, message.to_string());
        self.lines.send(line).await.unwrap();
    }

    async fn tell(&self, method: &str, params: Value) {
        let mut params = params;
        params["threadId"] = "T".into();
        self.say(json!({ "method": method, "params": params }))
            .await;
    }

    /// The next that is said to it, which is of this kind.
    async fn hears(&mut self, method: &str) -> Value {
        let bytes = self.input.recv().await.expect("a message");
        let message: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(message["method"], method, "{message}");
        message
    }

    async fn answers(&mut self, method: &str, result: Value) -> Value {
        let asked = self.hears(method).await;
        self.say(json!({ "id": asked["id"], "result": result }))
            .await;
        asked["params"].clone()
    }

    async fn begins(&mut self) {
        self.answers("turn/start", json!({ "turn": { "id": "t1" } }))
            .await;
    }

    async fn ends(&self, status: &str) {
        self.tell(
            "turn/completed",
            json!({ "turn": { "id": "t1", "status": status } }),
        )
        .await;
    }

    async fn asks_for(&self, command: &str) {
        let params = json!({ "threadId": "T", "kind": "command", "command": command, "cwd": "/w" });
        let method = "item/commandExecution/requestApproval";
        self.say(json!({ "id": 0, "method": method, "params": params }))
            .await;
    }

    /// What it is told about what it asked for.
    async fn decision(&mut self) -> Value {
        let bytes = self.input.recv().await.expect("an answer");
        let message: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(message["id"], 0, "{message}");
        message["result"]["decision"].clone()
    }
}

fn tokens(input: u64) -> Value {
    json!({ "tokenUsage": { "total": { "inputTokens": input, "outputTokens": 0 } } })
}

#[tokio::test]
async fn unknown_messages_and_junk_do_not_disturb_a_turn() {
    let mut stage = Stage::new();
    let ended = stage
        .play(async |mut other| {
            other.begins().await;
            other.tell("new/thing", json!({ "x": [1, 2] })).await;
            other.say(json!({ "id": 4, "method": "new/request" })).await;
            let bytes = other.input.recv().await.unwrap();
            let answer: Value = serde_json::from_slice(&bytes).unwrap();
            assert_eq!(answer["error"]["code"], NO_SUCH_METHOD);
            other.say(json!("just text")).await;
            other
                .tell("item/completed", json!({ "item": { "type": "new" } }))
                .await;
            // Another turn's end is not this one's.
            let params = json!({ "threadId": "other", "turn": { "id": "t1", "status": "failed" } });
            other
                .say(json!({ "method": "turn/completed", "params": params }))
                .await;
            let item = json!({ "type": "agentMessage", "text": "done" });
            other.tell("item/completed", json!({ "item": item })).await;
            other.ends("completed").await;
        })
        .await;
    assert_eq!(ended, Ended::Completed);
    assert_eq!(stage.told(), ["\"just text\"", "done"]);
}

#[tokio::test]
async fn the_end_of_the_process_ends_the_turn() {
    let mut stage = Stage::new();
    let (to_us, lines) = mpsc::channel(4);
    let (input, mut from_us) = mpsc::channel(4);
    stage.wire = Wire::new(input, lines);
    let dying = tokio::spawn(async move {
        let asked: Value = serde_json::from_slice(&from_us.recv().await.unwrap()).unwrap();
        let answer = json!({ "id": asked["id"], "result": { "turn": { "id": "t1" } } });
        let (stream, at) = (
            orch_sandbox::exec::Stream::Stdout,
            jiff::Timestamp::UNIX_EPOCH,
        );
        to_us
            .send(Line::whole(stream, at, answer.to_string()))
            .await
            .unwrap();
    });
    assert_eq!(stage.play(async |_| {}).await, Ended::Gone);
    dying.await.unwrap();
}

#[tokio::test]
async fn what_nobody_decided_interrupts_the_turn_and_is_kept() {
    let mut stage = Stage::new();
    let ended = stage
        .play(async |mut other| {
            other.begins().await;
            other.asks_for("rm -rf x").await;
            let params = other.answers("turn/interrupt", json!({})).await;
            assert_eq!(params, json!({ "threadId": "T", "turnId": "t1" }));
            // One more while it ends is not another question.
            other.asks_for("rm -rf y").await;
            other.ends("interrupted").await;
        })
        .await;
    let Ended::Asks(asked) = ended else {
        panic!("{ended:?}");
    };
    assert_eq!(asked.what, "run `rm -rf x` in /w");
    let kept = Memory::load(&stage.launch.run_folder);
    assert_eq!((kept.asked, kept.questions), (Some(asked), 1));
}

#[tokio::test]
async fn what_was_approved_happens_once_and_what_was_declined_never() {
    let mut stage = Stage::new();
    let digest = |command: &str| {
        let params = json!({ "kind": "command", "command": command, "cwd": "/w" });
        let place = Place {
            epoch: 1,
            number: 1,
        };
        Asked::command(&params, place).digest
    };
    stage.memory.granted = Some(digest("rm -rf x"));
    stage.memory.declined.insert(digest("rm -rf y"));
    let ended = stage
        .play(async |mut other| {
            other.begins().await;
            other.asks_for("rm -rf y").await;
            assert_eq!(other.decision().await, "decline");
            other.asks_for("rm -rf x").await;
            assert_eq!(other.decision().await, "accept");
            other.asks_for("rm -rf x").await;
            other.answers("turn/interrupt", json!({})).await;
            other.ends("interrupted").await;
        })
        .await;
    assert!(matches!(ended, Ended::Asks(_)), "{ended:?}");
    assert_eq!(Memory::load(&stage.launch.run_folder).granted, None);
}

#[tokio::test]
async fn a_budget_that_is_used_up_interrupts_before_more_is_used() {
    let mut stage = Stage::new();
    stage.setup.app.token_budget = Some(1500);
    let ended = stage
        .play(async |mut other| {
            other.begins().await;
            other.tell("thread/tokenUsage/updated", tokens(1000)).await;
            other.tell("thread/tokenUsage/updated", tokens(2000)).await;
            other.answers("turn/interrupt", json!({})).await;
            other.ends("interrupted").await;
        })
        .await;
    assert_eq!(ended, Ended::OverBudget);
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_does_not_heed_its_interruption_ends_all_the_same() {
    let mut stage = Stage::new();
    let cancel = stage.cancel.clone();
    let ended = stage
        .play(async |mut other| {
            other.begins().await;
            cancel.cancel();
            other.hears("turn/interrupt").await;
        })
        .await;
    assert_eq!(ended, Ended::Cancelled);
}

#[tokio::test]
async fn what_a_person_says_reaches_the_turn_or_is_kept_for_the_next() {
    let mut stage = Stage::new();
    let voice = stage.voice.clone();
    let ended = stage
        .play(async |mut other| {
            other.begins().await;
            voice.send("use blue".to_owned()).await.unwrap();
            let params = other.answers("turn/steer", json!({ "turnId": "t1" })).await;
            assert_eq!(params["expectedTurnId"], "t1");
            assert_eq!(params["input"][0]["text"], "use blue");
            voice.send("too late".to_owned()).await.unwrap();
            let asked = other.hears("turn/steer").await;
            let error = json!({ "code": -32600, "message": "no active turn" });
            other
                .say(json!({ "id": asked["id"], "error": error }))
                .await;
            other.ends("completed").await;
        })
        .await;
    assert_eq!(ended, Ended::Completed);
    assert_eq!(stage.told(), ["a person says to Codex: use blue"]);
}
