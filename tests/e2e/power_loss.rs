//! A killed process leaves the page cache behind, a power cut does not: the order of the server's
//! system calls shows that no answer to a write leaves before what it wrote is synced.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Installation, PATIENCE};

const CALLS: &str = "trace=fdatasync,fsync,write,writev,sendto,sendmsg,pwrite64";

/// Traces every thread of a process into a file.
fn trace(pid: u32, file: &Path) -> Child {
    let tracer = Command::new("strace")
        .args(["-f", "-qq", "-y", "-s", "40", "-e", CALLS, "-o"])
        .arg(file)
        .args(["-p", &pid.to_string()])
        .stdout(Stdio::null())
        .spawn()
        .expect("strace is installed (scripts/setup-tools test)");
    let begun = Instant::now();
    while !is_traced(pid) {
        assert!(begun.elapsed() < PATIENCE, "strace does not attach");
        std::thread::sleep(Duration::from_millis(20));
    }
    tracer
}

fn is_traced(pid: u32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).expect("the server lives");
    threads.filter_map(Result::ok).all(|thread| {
        std::fs::read_to_string(thread.path().join("status"))
            .map_or(true, |status| !status.contains("TracerPid:\t0\n"))
    })
}

/// What a trace says of answers to writes.
#[derive(Debug, Default)]
struct Order {
    answers: usize,
    /// Writes to segment files.
    segments: usize,
    /// Answers that left while something was written and not synced.
    early: Vec<String>,
}

/// Reads a trace. Each line begins with a thread; a call that others overtook has two lines.
fn read(trace: &str) -> Order {
    let mut order = Order::default();
    let mut unsynced: BTreeSet<String> = BTreeSet::new();
    let mut syncing: std::collections::HashMap<&str, String> = std::collections::HashMap::new();
    for line in trace.lines() {
        let Some((thread, call)) = line.split_once(char::is_whitespace) else {
            continue;
        };
        let call = call.trim_start();
        let file = call
            .split_once('<')
            .and_then(|(_, rest)| rest.split_once('>'))
            .map_or("", |(file, _)| file);
        let durable = file.ends_with("-wal") || file.ends_with(".seg");
        if call.starts_with("pwrite64(") || call.starts_with("write(") && durable {
            if durable {
                order.segments += usize::from(file.ends_with(".seg"));
                unsynced.insert(file.to_owned());
            }
        } else if call.starts_with("fdatasync(") || call.starts_with("fsync(") {
            if call.contains("<unfinished") {
                syncing.insert(thread, file.to_owned());
            } else if call.ends_with("= 0") {
                unsynced.remove(file);
            }
        } else if call.starts_with("<... fdatasync resumed")
            || call.starts_with("<... fsync resumed")
        {
            if let Some(file) = syncing.remove(thread)
                && call.ends_with("= 0")
            {
                unsynced.remove(&file);
            }
        } else if call.contains("HTTP/1.1 20") {
            order.answers += 1;
            if !unsynced.is_empty() {
                order
                    .early
                    .push(format!("{call} before the sync of {unsynced:?}"));
            }
        }
    }
    order
}

/// Creates, enqueues, claims, logs and completes under strace; one request at a time.
async fn traced(faults: &str) -> Order {
    let server = Installation::with("serve", &[("ORCH_FAULTS", faults)]);
    let file = server.folder.path().join("trace");
    let project = server.project().await;
    let mut tracer = trace(server.pid(), &file);
    for number in 0..3 {
        let item = server.item(project, &format!("item {number}")).await;
        server.enqueue(item).await;
        server.post("/scheduler/tick", json!({})).await;
        let run = server.runs(item).await[0]["id"].clone();
        let run = format!("/work-items/runs/{run}");
        server
            .post(
                &format!("{run}/claim"),
                json!({"agent_id": "a", "ttl_seconds": 60}),
            )
            .await;
        // The second is too long to stand in its row: it goes into a segment file.
        for line in 0..2 {
            let line = format!("line {line}{}", "x".repeat(line * 600));
            server
                .post(&format!("{run}/logs"), json!({"lines": [line], "epoch": 1}))
                .await;
        }
        server
            .post(
                &format!("{run}/complete"),
                json!({"success": true, "epoch": 1}),
            )
            .await;
    }
    let told = Command::new("kill")
        .args(["-INT", &tracer.id().to_string()])
        .status()
        .expect("kill runs");
    assert!(told.success());
    tracer.wait().expect("strace ends");
    read(&std::fs::read_to_string(file).expect("a trace"))
}

#[tokio::test]
async fn no_answer_to_a_write_leaves_before_its_sync() {
    let order = traced("").await;
    assert!(order.answers >= 18, "{order:?}");
    assert!(order.segments >= 3, "{order:?}");
    assert_eq!(order.early, Vec::<String>::new());
}

#[tokio::test]
async fn an_answer_before_its_sync_is_noticed() {
    let order = traced("no_sync").await;
    assert!(!order.early.is_empty(), "{order:?}");
}
