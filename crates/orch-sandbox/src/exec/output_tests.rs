//! Output comes whole, in order and in bounded memory, however it is written and read.

use std::{
    env, fs, process,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use super::*;
use crate::exec::{
    Encoding, Exit, run,
    testing::{Live, Place, is_alive, outcome, pid},
};

#[tokio::test]
async fn both_streams_come_whole_and_in_order() {
    let place = Place::new();
    let script = "i=0; while [ $i -lt 500 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done";
    let (exit, lines) = outcome(place.shell(script)).await;
    let of = |stream| -> Vec<String> {
        let lines = lines.iter().filter(|(from, _)| *from == stream);
        lines.map(|(_, message)| message.clone()).collect()
    };
    let expected =
        |word: &str| -> Vec<String> { (0..500).map(|i| format!("{word} {i}")).collect() };
    assert_eq!(exit, Exit::Code(0));
    assert_eq!(of(Stream::Stdout), expected("out"));
    assert_eq!(of(Stream::Stderr), expected("err"));
    assert_eq!(place.records(), 0);
}

#[tokio::test]
async fn a_line_comes_while_the_command_still_runs() {
    let place = Place::new();
    let mut live = Live::start(place.shell("mkfifo go; echo first; cat go; echo last"), 16);
    assert_eq!(live.line().await, "first");
    assert_eq!(place.records(), 1);
    tokio::fs::write(place.folder.work().join("go"), "second\n")
        .await
        .unwrap();
    assert_eq!(live.line().await, "second");
    assert_eq!(live.line().await, "last");
    assert_eq!(live.exit().await.unwrap(), Exit::Code(0));
}

#[tokio::test]
async fn lines_are_stamped_and_show_what_is_not_text() {
    let place = Place::new();
    let command = place.shell(r"printf 'a\r\nb\377\0c\nend'");
    let (sink, mut lines) = mpsc::channel(16);
    let seconds = Arc::new(AtomicI64::new(100));
    let clock = move || Timestamp::from_second(seconds.fetch_add(1, Ordering::SeqCst)).unwrap();
    let exit = run(command, clock, sink, CancellationToken::new())
        .await
        .unwrap();
    let line = |second, message: &str, encoding| Line {
        stream: Stream::Stdout,
        at: Timestamp::from_second(second).unwrap(),
        message: message.to_owned(),
        encoding,
        partial: false,
    };
    let mut got = Vec::new();
    lines.recv_many(&mut got, 16).await;
    assert_eq!(exit, Exit::Code(0));
    assert_eq!(
        got,
        [
            line(100, "a", Encoding::Verbatim),
            line(101, "b\\xff\\x00c", Encoding::Escaped),
            line(102, "end", Encoding::Verbatim),
        ]
    );
}

#[tokio::test]
async fn a_slow_log_loses_nothing_of_a_command_that_ended_long_ago() {
    let place = Place::new();
    let script =
        "sleep 1000 & i=0; while [ $i -lt 600 ]; do echo line $i; i=$((i+1)); done; echo $$";
    let mut live = Live::start(place.shell(script), 1);
    assert_eq!(live.line().await, "line 0");
    // The slowness under test: long past all that is granted to a pipe that nobody writes to.
    sleep(CLOSING_SILENCE * 8).await;
    let (exit, lines) = live.finish().await;
    assert_eq!(exit, Exit::Code(0));
    assert_eq!(lines.len(), 600);
    assert_eq!(lines[598].message, "line 599");
}

#[tokio::test]
async fn a_log_that_never_moves_does_not_hold_up_a_cancelled_run() {
    let place = Place::new();
    let mut live = Live::start(place.shell("echo $$; yes"), 1);
    let leader = pid(&live.line().await);
    live.cancel.cancel();
    assert_eq!(live.exit().await.unwrap(), Exit::Cancelled);
    assert!(!is_alive(leader));
}

#[tokio::test]
async fn a_closed_log_does_not_end_the_command() {
    let place = Place::new();
    let mut live = Live::start(
        place.shell("yes | head -c 10000000; echo whole > result"),
        1,
    );
    live.lines.close();
    assert_eq!(live.exit().await.unwrap(), Exit::Code(0));
    assert_eq!(place.file("result"), "whole\n");
}

#[tokio::test]
async fn a_full_log_slows_the_command_down() {
    const CAPACITY: usize = 4;
    // Lines in the pipe (1 MiB where pages have 64 KiB), the chunk read, the pump's hand, and
    // being written.
    const IN_FLIGHT: usize = 24;
    let place = Place::new();
    let script = "i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo $i > progress; printf '%065000d\\n' $i; done";
    let mut live = Live::start(place.shell(script), CAPACITY);
    for received in 1..=400 {
        assert_eq!(live.line().await.len(), 65_000);
        // Empty in the moment in which it is written anew.
        let written = place.file("progress").trim().parse().unwrap_or(0);
        assert!(
            written <= received + CAPACITY + IN_FLIGHT,
            "{written} after {received}"
        );
    }
    assert_eq!(live.exit().await.unwrap(), Exit::Code(0));
}

const MEMORY_VARIABLE: &str = "EXEC_TEST_MEMORY";

/// Measured in a process of its own, where no other test uses memory.
#[test]
fn endless_lines_and_endlessly_many_take_constant_memory() {
    if env::var_os(MEMORY_VARIABLE).is_some() {
        return run_large_output();
    }
    let (_crate, module) = module_path!().split_once("::").unwrap();
    let name = format!("{module}::endless_lines_and_endlessly_many_take_constant_memory");
    let status = process::Command::new(env::current_exe().unwrap())
        .args([name.as_str(), "--exact", "--nocapture"])
        .env(MEMORY_VARIABLE, "1")
        .status()
        .unwrap();
    assert!(status.success());
}

fn run_large_output() {
    const BYTES: usize = 100 << 20;
    let place = Place::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for (script, lines_min) in [
        (format!("head -c {BYTES} /dev/zero | tr '\\0' a"), 1),
        (
            format!("yes '{}' | head -c {BYTES}", "b".repeat(99)),
            BYTES / 100,
        ),
    ] {
        let (bytes, ends) = runtime.block_on(async {
            let mut live = Live::start(place.shell(&script), 64);
            let (mut bytes, mut ends) = (0, 0);
            while let Some(line) = live.lines.recv().await {
                ends += usize::from(!line.partial);
                bytes += line.message.len();
            }
            (bytes, ends)
        });
        assert!(ends >= lines_min);
        assert!(bytes + ends >= BYTES);
    }
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let peak_kb: usize = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak_kb < 64 << 10, "{peak_kb} kB");
}
