//! A command starts as asked or says why not, and is ended whole, whatever it does.

use std::fs;

use super::*;
use crate::exec::MARKER_VARIABLE;
use crate::exec::{
    Program, Stdin,
    testing::{DEADLINE, Live, PATH, Place, error_of, is_alive, outcome, pid, stdout_of},
};

#[tokio::test]
async fn exit_codes_and_foreign_signals_are_told_apart() {
    let place = Place::new();
    assert_eq!(
        outcome(place.shell("exit 3")).await,
        (Exit::Code(3), vec![])
    );
    assert_eq!(
        outcome(place.shell("kill -9 $$")).await,
        (Exit::Signal(9), vec![])
    );
    assert_eq!(stdout_of(place.shell("yes | head -n 1")).await, ["y"]);
}

#[tokio::test]
async fn nothing_of_the_agents_environment_reaches_the_command() {
    let place = Place::new();
    let mut command = place.command(Program::Argv(vec!["env".to_owned()]));
    command
        .env
        .insert("STAGE".to_owned(), "prod = a\nb".to_owned());
    let text = stdout_of(command).await.join("\n");
    let marker = text
        .lines()
        .find(|line| line.starts_with(MARKER_VARIABLE))
        .unwrap();
    let folder = place.folder.path().display();
    let mut expected = vec![
        format!("HOME={folder}/home"),
        "LANG=C.UTF-8".to_owned(),
        format!("PATH={PATH}"),
        "STAGE=prod = a".to_owned(),
        "TERM=dumb".to_owned(),
        format!("TMPDIR={folder}/tmp"),
        "b".to_owned(),
        marker.to_owned(),
    ];
    expected.sort();
    let mut got: Vec<&str> = text.lines().collect();
    got.sort_unstable();
    assert_eq!(got, expected);
}

#[tokio::test]
async fn the_command_leads_a_session_without_a_terminal() {
    let place = Place::new();
    let script =
        "set -- $(cat /proc/$$/stat); [ $1 = $$ ] && [ $5 = $$ ] && [ $6 = $$ ] && echo $7";
    assert_eq!(stdout_of(place.shell(script)).await, ["0"]);
}

#[tokio::test]
async fn input_is_empty_unless_given_and_need_not_be_read() {
    let place = Place::new();
    assert_eq!(stdout_of(place.shell("wc -c")).await, ["0"]);
    let with_input = |script: &str| {
        let mut command = place.shell(script);
        command.stdin = Some(vec![b'x'; 5_000_000].into());
        command
    };
    assert_eq!(stdout_of(with_input("wc -c")).await, ["5000000"]);
    assert_eq!(stdout_of(with_input("echo unread")).await, ["unread"]);
    let copied = stdout_of(with_input("cat")).await;
    assert_eq!(copied.iter().map(String::len).sum::<usize>(), 5_000_000);
}

#[tokio::test]
async fn input_comes_piece_by_piece_and_ends_with_whoever_gives_it() {
    let place = Place::new();
    let (give, pieces) = tokio::sync::mpsc::channel(1);
    let mut command = place.shell("while read -r line; do echo \"got $line\"; done; echo end");
    command.stdin = Some(Stdin::Pieces(pieces));
    let mut live = Live::start(command, 4);
    for piece in ["a\n", "b\n"] {
        give.send(piece.into()).await.unwrap();
        assert_eq!(live.line().await, format!("got {}", piece.trim()));
    }
    drop(give);
    let (exit, lines) = live.finish().await;
    assert_eq!((exit, lines[0].message.as_str()), (Exit::Code(0), "end"));
}

#[tokio::test]
async fn who_does_not_read_its_input_any_more_is_known_to_whoever_gives_it() {
    let place = Place::new();
    let (give, pieces) = tokio::sync::mpsc::channel(1);
    let mut command = place.shell("exec <&-; echo closed; sleep 1000");
    command.stdin = Some(Stdin::Pieces(pieces));
    let mut live = Live::start(command, 4);
    assert_eq!(live.line().await, "closed");
    let refused = async { while give.send(b"x\n".to_vec()).await.is_ok() {} };
    tokio::time::timeout(DEADLINE, refused).await.unwrap();
    live.cancel.cancel();
    assert_eq!(live.exit().await.unwrap(), Exit::Cancelled);
}

#[tokio::test]
async fn a_timeout_ends_the_whole_group() {
    let place = Place::new();
    let mut command = place.shell("sleep 1000 & echo $$; echo $!; wait");
    let after = Duration::from_millis(300);
    command.timeout = Some(after);
    let (exit, lines) = outcome(command).await;
    assert_eq!(exit, Exit::TimedOut { after });
    for (_, line) in lines {
        assert!(!is_alive(pid(&line)));
    }
}

#[tokio::test]
async fn who_ignores_the_request_to_end_is_killed_after_the_grace() {
    let place = Place::new();
    let mut command = place.shell("trap '' TERM; sleep 1000 & echo $$; echo $!; wait; sleep 1000");
    command.kill_grace = Duration::from_millis(50);
    let mut live = Live::start(command, 16);
    let pids = [pid(&live.line().await), pid(&live.line().await)];
    live.cancel.cancel();
    assert_eq!(live.exit().await.unwrap(), Exit::Cancelled);
    assert_eq!(pids.map(is_alive), [false, false]);
}

#[tokio::test]
async fn a_stopped_command_is_ended_too() {
    let place = Place::new();
    let mut live = Live::start(place.shell("echo $$; kill -STOP $$"), 16);
    let leader = pid(&live.line().await);
    live.cancel.cancel();
    assert_eq!(live.exit().await.unwrap(), Exit::Cancelled);
    assert!(!is_alive(leader));
}

#[tokio::test]
async fn a_cancelled_command_may_end_itself_and_say_so() {
    let place = Place::new();
    let script = "trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.01; done";
    let mut live = Live::start(place.shell(script), 16);
    assert_eq!(live.line().await, "ready");
    live.cancel.cancel();
    let (exit, lines) = live.finish().await;
    assert_eq!(exit, Exit::Cancelled);
    assert_eq!(lines.last().unwrap().message, "bye");
    assert_eq!(place.records(), 0);
}

#[tokio::test]
async fn a_command_cancelled_beforehand_never_starts() {
    let place = Place::new();
    let cancel = CancellationToken::new();
    cancel.cancel();
    let (sink, _lines) = mpsc::channel(1);
    let exit = run(
        place.shell("touch ran"),
        || Timestamp::UNIX_EPOCH,
        sink,
        cancel,
    )
    .await;
    assert_eq!(exit.unwrap(), Exit::Cancelled);
    assert!(!place.folder.work().join("ran").exists());
}

#[tokio::test]
async fn dropping_the_run_kills_all_of_it() {
    let place = Place::new();
    let script = "sleep 1000 & setsid sleep 1000 >/dev/null 2>&1 & echo $!; echo $$; wait";
    let mut live = Live::start(place.shell(script), 16);
    let pids = [pid(&live.line().await), pid(&live.line().await)];
    assert_eq!(pids.map(is_alive), [true, true]);
    live.task.abort();
    assert!(live.task.await.unwrap_err().is_cancelled());
    assert_eq!(pids.map(is_alive), [false, false]);
    assert_eq!(place.records(), 0);
}

/// Each script says the number of a process it leaves behind.
#[tokio::test]
async fn what_a_command_leaves_behind_is_ended_and_does_not_hold_it_up() {
    for script in [
        "sleep 1000 & echo $!",
        "sleep 1000 >/dev/null 2>&1 & echo $!",
        "setsid sleep 1000 & echo $!",
        "setsid sleep 1000 >/dev/null 2>&1 & echo $!",
        "(trap '' HUP TERM; setsid sleep 1000 >/dev/null 2>&1 & echo $!)",
        // No marker, another session and no parent: found by the pipe it holds.
        "(env -i setsid sleep 1000 & echo $!)",
        // No marker and no pipe, found by its group.
        "(env -i sleep 1000 >/dev/null 2>&1 & echo $!)",
    ] {
        let place = Place::new();
        let mut command = place.shell(script);
        command.kill_grace = Duration::from_millis(200);
        let left = stdout_of(command).await;
        assert!(!is_alive(pid(&left[0])), "{script}");
        assert_eq!(place.records(), 0, "{script}");
    }
}

#[tokio::test]
async fn a_neighbours_processes_are_left_alone() {
    let (one, other) = (Place::new(), Place::new());
    let mut neighbour = Live::start(other.shell("sleep 1000 & echo $!; wait"), 16);
    let theirs = pid(&neighbour.line().await);
    let mut command = one.shell("sleep 1000");
    command.timeout = Some(Duration::ZERO);
    outcome(command).await;
    assert!(is_alive(theirs));
    neighbour.cancel.cancel();
    assert_eq!(neighbour.exit().await.unwrap(), Exit::Cancelled);
}

#[tokio::test]
async fn what_cannot_be_started_says_why() {
    let place = Place::new();
    let argv = |argv: &[&str]| {
        place.command(Program::Argv(
            argv.iter().map(ToString::to_string).collect(),
        ))
    };
    let work = place.folder.work();
    let shown = work.display();
    fs::write(work.join("plain"), "").unwrap();

    assert_eq!(
        error_of(argv(&[])).await,
        "no program to run: the argument list is empty; name the program as its first element"
    );
    assert_eq!(
        error_of(argv(&["no-such-tool"])).await,
        "program \"no-such-tool\" was not found (PATH is \"/usr/bin:/bin\"): install it, or name it by its full path"
    );
    assert_eq!(
        error_of(argv(&["./plain"])).await,
        format!(
            "program {shown}/./plain may not be executed: make it an executable file (chmod +x) that this user may run"
        )
    );
    assert_eq!(
        error_of(argv(&["echo", "a\0b"])).await,
        "the command has a NUL byte in its arguments: remove it"
    );
    assert_eq!(
        error_of(place.shell("echo \0")).await,
        "the command has a NUL byte in its script: remove it"
    );

    let mut elsewhere = place.shell("true");
    elsewhere.cwd = work.join("none");
    assert_eq!(
        error_of(elsewhere).await,
        format!(
            "working folder {shown}/none does not exist: create it in an earlier step, or correct `cwd`"
        )
    );
    let mut in_a_file = place.shell("true");
    in_a_file.cwd = work.join("plain");
    assert_eq!(
        error_of(in_a_file).await,
        format!("working folder {shown}/plain is not a folder: correct `cwd`")
    );

    for (name, value, problem) in [
        ("", "v", "has an empty name"),
        ("A=B", "v", "has a `=` in its name"),
        ("A", "secret\0", "has a NUL byte"),
    ] {
        let mut command = place.shell("true");
        command.env.insert(name.to_owned(), value.to_owned());
        assert_eq!(
            error_of(command).await,
            format!(
                "environment variable {name:?} {problem}: a name is not empty and has no `=`, and neither name nor value has a NUL"
            )
        );
    }

    let long = error_of(place.shell(&"#".repeat(200_000))).await;
    assert!(
        long.starts_with("the command is too long for the system (200"),
        "{long}"
    );
    assert_eq!(place.records(), 0);
}

#[test]
fn a_command_shown_for_debugging_hides_what_may_be_secret() {
    let place = Place::new();
    let mut command = place.shell("echo hidden-script");
    command
        .env
        .insert("TOKEN".to_owned(), "hidden-value".to_owned());
    command.stdin = Some(b"hidden-input".to_vec().into());
    let shown = format!("{command:?}");
    assert!(
        shown.contains("TOKEN") && !shown.contains("hidden"),
        "{shown}"
    );
}

#[tokio::test]
async fn hundreds_of_short_commands_run_side_by_side() {
    let place = Place::new();
    let commands = (0..200).map(|i| Live::start(place.shell(&format!("echo {i}")), 4));
    for (i, live) in commands.collect::<Vec<_>>().into_iter().enumerate() {
        let (exit, lines) = live.finish().await;
        assert_eq!(
            (exit, lines[0].message.clone()),
            (Exit::Code(0), i.to_string())
        );
    }
}
