//! Programs in the place of Codex that behave badly: what the agent makes of them.

#![expect(
    clippy::unwrap_used,
    reason = "a test's helpers fail the test as its body does"
)]

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    time::Duration,
};

use orch_agent::codex::{
    CodexSetup, Event, Keeper, Launch, Outcome, Report, Talk, execute, survey,
};
use tempfile::TempDir;
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;

const DEADLINE: Duration = Duration::from_secs(60);

/// The beginning of every stub: it tells its arguments as Codex does, and the rest is its app-server.
const HELP: &str = r#"#!/bin/sh
case "$*" in
  "app-server --help") echo "Usage: codex app-server [OPTIONS]"; exit ;;
  "exec --help") printf '  --json\n  --sandbox\n'; exit ;;
  exec*) cat >/dev/null; echo '{"type":"turn.started"}'; echo '{"type":"item.completed","item":{"type":"agent_message","text":"by exec"}}'; exit ;;
esac
say() { printf '%s\n' "$1"; }
hear() { read -r line || exit 0; }
begin() {
  hear; say '{"id":1,"result":{}}'
  hear; hear; say '{"id":2,"result":{"thread":{"id":"T"}}}'
  hear; say '{"id":3,"result":{"turn":{"id":"t1"}}}'
}
end() { say '{"method":"turn/completed","params":{"threadId":"T","turn":{"id":"t1","status":"completed"}}}'; }
"#;

/// A version from before the app-server: the word is taken for a prompt.
const OLD: &str = r#"#!/bin/sh
case "$*" in
  *--help) echo "Usage: codex [OPTIONS] [PROMPT]"; printf '  --json\n  --sandbox\n'; exit ;;
esac
cat >/dev/null
echo '{"type":"turn.started"}'
echo '{"type":"item.completed","item":{"type":"agent_message","text":"by exec"}}'
"#;

struct Stub {
    folder: TempDir,
}

impl Stub {
    fn new(text: &str) -> Self {
        let cache = PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache");
        let scratch = cache.join("codex-orchestrator/scratch");
        fs::create_dir_all(&scratch).unwrap();
        let folder = TempDir::new_in(scratch).unwrap();
        for name in ["run/work", "run/home", "user"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        let program = folder.path().join("codex");
        fs::write(&program, text).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder }
    }

    fn app_server(script: &str) -> Self {
        Self::new(&format!("{HELP}{script}\n"))
    }

    fn setup(&self, more: &[(&str, &str)]) -> CodexSetup {
        let path = |name: &str| self.folder.path().join(name).to_string_lossy().into_owned();
        let mut env = BTreeMap::from([
            ("CODEX_BIN".to_owned(), path("codex")),
            ("CODEX_HOME".to_owned(), path("user")),
        ]);
        let more = more.iter();
        env.extend(more.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        CodexSetup::from_env(env).unwrap()
    }

    async fn run(&self, more: &[(&str, &str)]) -> Result<(Report, String), String> {
        let path = |name: &str| self.folder.path().join(name);
        let launch = Launch {
            prompt: "do it".to_owned(),
            epoch: 1,
            work: path("run/work"),
            run_folder: path("run"),
            home: path("run/home"),
            keeper: Keeper::Codex,
            route: None,
            env: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
            records: None,
            timeout: None,
        };
        let setup = self.setup(more);
        let (sink, mut events) = mpsc::channel(4);
        let (answers, mut said) = (HashMap::new(), mpsc::channel(1).1);
        let talk = Talk {
            answers: &answers,
            said: &mut said,
            spent: &CancellationToken::new(),
        };
        let executing = execute(&setup, launch, talk, sink, CancellationToken::new());
        let telling = async {
            let mut log = String::new();
            while let Some(event) = events.recv().await {
                let event: Event = event;
                log.extend(event.log_lines().into_iter().map(|(_, line)| line + "\n"));
            }
            log
        };
        let both = async { tokio::join!(executing, telling) };
        let (report, log) = timeout(DEADLINE, both).await.expect("an end");
        Ok((report.map_err(|error| error.to_string())?, log))
    }
}

#[tokio::test]
async fn junk_long_lines_and_unknown_messages_do_not_disturb_the_work() {
    let stub = Stub::app_server(
        r#"echo "starting up"; begin
echo "{half a message"
head -c 10000000 /dev/zero | tr '\0' x; echo
printf '{"method":"big","params":{"text":"'; head -c 10000000 /dev/zero | tr '\0' y; say '"}}'
head -c 40000000 /dev/zero | tr '\0' z; echo
say '{"method":"new/thing","params":null}'
say '{"id":77,"method":"new/request","params":{}}'; hear
say '{"method":"item/completed","params":{"threadId":"T","item":{"type":"agentMessage","text":"still here"}}}'
end; hear"#,
    );
    let (report, log) = stub.run(&[]).await.unwrap();
    assert_eq!(report.outcome, Outcome::Succeeded);
    assert_eq!(report.last_message.as_deref(), Some("still here"));
    let shown: Vec<&str> = log.lines().filter(|line| line.len() < 200).collect();
    for expected in [
        "starting up",
        "{half a message",
        "[a message of Codex with more than 16 MiB was passed over]",
        "still here",
    ] {
        assert!(shown.contains(&expected), "`{expected}`: {shown:?}");
    }
}

#[tokio::test]
async fn a_death_in_the_middle_fails_the_run_with_what_was_said_last() {
    let stub = Stub::app_server("begin; echo 'thread panicked at core' >&2; exit 101");
    let (report, _) = stub.run(&[]).await.unwrap();
    let reason =
        "codex app-server exited with 101 in the middle of its work: thread panicked at core";
    let expected = Outcome::Failed {
        exit_code: Some(101),
        reason: reason.to_owned(),
    };
    assert_eq!(report.outcome, expected);
    let stub = Stub::app_server("hear; kill -9 $$");
    let (report, _) = stub.run(&[]).await.unwrap();
    assert_eq!(report.outcome, Outcome::Signalled { signal: 9 });
}

#[tokio::test]
async fn one_that_refuses_to_begin_is_an_error_that_says_what() {
    let refusing = r#"hear; say '{"id":1,"error":{"code":-32600,"message":"too old"}}'; hear"#;
    let refusal = Stub::app_server(refusing).run(&[]).await.unwrap_err();
    assert_eq!(
        refusal,
        "codex app-server refused `initialize`: too old (-32600)"
    );
}

#[tokio::test]
async fn one_that_does_not_end_is_ended() {
    let stub = Stub::app_server("trap '' TERM; begin; end; while :; do sleep 1; done");
    let (report, _) = stub.run(&[]).await.unwrap();
    assert_eq!(report.outcome, Outcome::Succeeded);
}

#[tokio::test]
async fn without_an_app_server_the_older_interface_is_used_aloud_unless_it_was_asked_for() {
    let stub = Stub::new(OLD);
    let (report, log) = stub.run(&[]).await.unwrap();
    assert_eq!(report.outcome, Outcome::Succeeded);
    assert_eq!(report.last_message.as_deref(), Some("by exec"));
    assert!(
        log.contains("has no `app-server`: `codex exec` carries the run out"),
        "{log}"
    );
    let asked_for = [("AGENT_CODEX_MODE", "app-server")];
    let refusal = stub.run(&asked_for).await.unwrap_err();
    assert!(
        refusal.starts_with("AGENT_CODEX_MODE is app-server, and "),
        "{refusal}"
    );

    let found = survey(&stub.setup(&[]), "/usr/bin:/bin").await.unwrap();
    assert!(
        found.warnings[0].contains("has no `app-server`"),
        "{found:?}"
    );
    let refusal = survey(&stub.setup(&asked_for), "/usr/bin:/bin").await;
    assert!(refusal.is_err());
}

#[tokio::test]
async fn arguments_of_the_older_interface_choose_it_aloud() {
    let stub = Stub::app_server("exit 9");
    let (report, log) = stub.run(&[("CODEX_ARGS", "-s read-only")]).await.unwrap();
    assert_eq!(report.last_message.as_deref(), Some("by exec"));
    assert!(log.contains("CODEX_ARGS holds `-s`"), "{log}");
}
