//! The real Codex CLI, planning and executing against a scripted model, in both of its modes.
//!
//! Needs the CLI that `make test` installs, and fails without it.

#![expect(
    clippy::unwrap_used,
    reason = "a test's helpers fail the test as its body does"
)]

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use orch_agent::codex::{
    CodexSetup, Event, Keeper, Launch, Limit, Outcome, PlanError, PlanFailure, PlanRequest,
    Planned, PlannerSetup, Report, Talk, Usage, execute, execution_prompt, plan,
};
use orch_core::recipe::Step;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

#[path = "../../../tests/support/scripted_model.rs"]
#[expect(dead_code, reason = "the tests through the binary use all of it")]
mod scripted_model;

use scripted_model::{
    CACHED_TOKENS, INPUT_TOKENS, KEY_VARIABLE, OUTPUT_TOKENS, REASONING_TOKENS, Reply,
    ScriptedModel, codex_bin, scratch_folder,
};

const KEY: &str = "sk-scripted-0123456789";

/// A model, a user's Codex folder that knows it, and a run's folder.
struct Bench {
    model: ScriptedModel,
    folder: TempDir,
    bin: PathBuf,
    mode: &'static str,
}

/// What both ways to use Codex have to keep.
const MODES: [&str; 2] = ["app-server", "exec"];

impl Bench {
    async fn new(replies: impl Into<Vec<Reply>>) -> Self {
        Self::by("exec", replies).await
    }

    async fn by(mode: &'static str, replies: impl Into<Vec<Reply>>) -> Self {
        let bin = codex_bin();
        let model = ScriptedModel::start(replies).await;
        let folder = TempDir::new_in(scratch_folder()).unwrap();
        model.configure_codex(&bin, &folder.path().join("user"));
        for name in ["run/work", "run/home", "run/tmp"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        Self {
            model,
            folder,
            bin,
            mode,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_string_lossy().into_owned()
    }

    /// The environment of an agent whose user has configured Codex.
    fn agent_env(&self, more: &[(&str, &str)]) -> BTreeMap<String, String> {
        let path = std::env::var("PATH").unwrap();
        let mut env = BTreeMap::from([
            ("PATH".to_owned(), path),
            ("HOME".to_owned(), self.text("run/home")),
            ("XDG_CACHE_HOME".to_owned(), self.text("cache")),
            ("CODEX_HOME".to_owned(), self.text("user")),
            (
                "CODEX_BIN".to_owned(),
                self.bin.to_string_lossy().into_owned(),
            ),
            ("CODEX_ERROR_BACKOFF".to_owned(), "0.2".to_owned()),
            ("AGENT_CODEX_MODE".to_owned(), self.mode.to_owned()),
            (KEY_VARIABLE.to_owned(), KEY.to_owned()),
            ("ORCH_API_TOKEN".to_owned(), "orch-token".to_owned()),
        ]);
        env.extend(
            more.iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        env
    }

    fn launch(&self) -> Launch {
        let path = std::env::var("PATH").unwrap();
        let env = BTreeMap::from([
            ("PATH".to_owned(), path),
            ("HOME".to_owned(), self.text("run/home")),
            ("TMPDIR".to_owned(), self.text("run/tmp")),
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
            ("ORCH_RUN_ID".to_owned(), "7".to_owned()),
            ("AWS_SECRET_ACCESS_KEY".to_owned(), "an-answer".to_owned()),
        ]);
        Launch {
            prompt: execution_prompt("Say hello", "Write hello.txt", None),
            epoch: 1,
            work: self.path("run/work"),
            run_folder: self.path("run"),
            home: self.path("run/home"),
            keeper: Keeper::Codex,
            route: None,
            env,
            records: None,
            timeout: None,
        }
    }

    async fn execute_with(&self, more: &[(&str, &str)], launch: Launch) -> (Report, Vec<Event>) {
        let setup = CodexSetup::from_env(self.agent_env(more)).unwrap();
        let (sink, events) = mpsc::channel(4);
        let mut quiet = Quiet::new();
        let executing = execute(&setup, launch, quiet.talk(), sink, CancellationToken::new());
        let (report, events) = tokio::join!(executing, collect(events));
        (report.unwrap(), events)
    }

    async fn execute(&self) -> (Report, Vec<Event>) {
        self.execute_with(&[], self.launch()).await
    }

    async fn plan(&self, more: &[(&str, &str)]) -> Result<Planned, PlanFailure> {
        let setup = PlannerSetup::from_env(self.agent_env(more)).unwrap();
        let request = PlanRequest {
            prompt: orch_core::plan::prompt("build", "make it", None),
            work: self.path("run/work"),
            env: BTreeMap::new(),
            records: None,
        };
        plan(&setup, request, CancellationToken::new()).await
    }
}

/// Nobody who answers or says anything.
struct Quiet {
    answers: HashMap<String, String>,
    said: mpsc::Receiver<String>,
    spent: CancellationToken,
}

impl Quiet {
    fn new() -> Self {
        Self {
            answers: HashMap::new(),
            said: mpsc::channel(1).1,
            spent: CancellationToken::new(),
        }
    }

    fn talk(&mut self) -> Talk<'_> {
        Talk {
            answers: &self.answers,
            said: &mut self.said,
            spent: &self.spent,
        }
    }
}

async fn collect(mut events: mpsc::Receiver<Event>) -> Vec<Event> {
    let mut all = Vec::new();
    while let Some(event) = events.recv().await {
        all.push(event);
    }
    all
}

fn usage_of(requests: u64) -> Usage {
    Usage {
        input_tokens: INPUT_TOKENS * requests,
        cached_input_tokens: CACHED_TOKENS * requests,
        output_tokens: OUTPUT_TOKENS * requests,
        reasoning_output_tokens: REASONING_TOKENS * requests,
    }
}

fn log_of(events: &[Event]) -> String {
    let lines = events.iter().flat_map(Event::log_lines);
    lines.map(|(_, line)| line + "\n").collect()
}

/// The one command whose output or text holds `part`.
fn command(events: &[Event], part: &str) -> (Option<i32>, String) {
    let found = events.iter().find_map(|event| match event {
        Event::Command {
            command,
            exit_code,
            output,
        } if command.contains(part) => Some((*exit_code, output.clone())),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no command with {part} in {events:#?}"))
}

const PATCH: &str = "*** Begin Patch\n*** Add File: patched.txt\n+patched\n*** End Patch";

#[tokio::test]
async fn the_files_exist_the_commands_are_in_the_log_and_the_tokens_are_counted() {
    for mode in MODES {
        let bench = Bench::by(
            mode,
            [
                Reply::run("printf 'hello\\n' | tee hello.txt; exit 3"),
                Reply::Patch(PATCH.to_owned()),
                Reply::Think("look back".to_owned(), "All done.".to_owned()),
            ],
        )
        .await;
        let (report, events) = bench.execute().await;
        let expected = Report {
            outcome: Outcome::Succeeded,
            usage: usage_of(3),
            last_message: Some("All done.".to_owned()),
        };
        assert_eq!(report, expected, "{events:#?}");
        let read = |name| fs::read_to_string(bench.path(name)).unwrap();
        assert_eq!(read("run/work/hello.txt"), "hello\n");
        assert_eq!(read("run/work/patched.txt"), "patched\n");

        assert_eq!(
            command(&events, "tee hello.txt"),
            (Some(3), "hello\n".to_owned())
        );
        assert!(events.contains(&Event::Usage(usage_of(3))));
        let log = log_of(&events);
        for part in [
            "tee hello.txt",
            "\nhello\n",
            "[exit code 3]",
            "[add ",
            "(thinking) look back",
            "All done.",
        ] {
            assert!(log.contains(part), "`{part}` is not in the log:\n{log}");
        }
        let asked = bench.model.requests()[0].clone();
        assert_eq!(asked.authorization, Some(format!("Bearer {KEY}")));
        assert!(asked.body.to_string().contains("Write hello.txt"));
        assert!(
            !bench.path("run/codex").exists(),
            "Codex's folder goes with the run"
        );
    }
}

/// Shows the environment of the command and of every process that it can see.
const LOOK_AROUND: &str = "env; cat /proc/[0-9]*/environ | tr '\\0' '\\n'";

#[tokio::test]
async fn commands_see_the_runs_environment_and_no_provider_key() {
    for mode in MODES {
        let bench = Bench::by(mode, [Reply::run(LOOK_AROUND), Reply::say("done")]).await;
        let (report, events) = bench.execute().await;
        assert_eq!(report.outcome, Outcome::Succeeded);
        let (_, output) = command(&events, "env");
        for line in ["ORCH_RUN_ID=7", "AWS_SECRET_ACCESS_KEY=an-answer"] {
            assert!(
                output.lines().any(|found| found == line),
                "{line}: {output}"
            );
        }
        for secret in [KEY, KEY_VARIABLE, "orch-token"] {
            assert!(!output.contains(secret), "{secret}: {output}");
        }
        let log = log_of(&events);
        assert!(!log.contains(KEY), "{log}");
    }
}

#[tokio::test]
async fn the_exit_decides_and_the_reason_is_said() {
    for (mode, code, expected) in [
        (
            "exec",
            Some(1),
            "codex exec exited with 1: unexpected status 401",
        ),
        ("app-server", None, "codex failed: unexpected status 401"),
    ] {
        let bench = Bench::by(mode, [Reply::status(401)]).await;
        let (report, _) = bench.execute().await;
        let Outcome::Failed { exit_code, reason } = report.outcome else {
            panic!("{:?}", report.outcome);
        };
        assert_eq!(exit_code, code);
        assert!(reason.starts_with(expected), "{reason}");
    }
}

#[tokio::test]
async fn limits_and_outages_are_waited_out_and_the_work_goes_on_where_it_was() {
    for mode in MODES {
        let slow_down = "Rate limit reached. Please try again in 0.3s";
        let bench = Bench::by(
            mode,
            [
                Reply::status(429),
                Reply::run("echo once >> count.txt"),
                Reply::Fail("rate_limit_exceeded".to_owned(), slow_down.to_owned()),
                Reply::status(503),
                Reply::BreakOff,
                Reply::say("finished"),
            ],
        )
        .await;
        let (report, events) = bench.execute().await;
        assert_eq!(report.outcome, Outcome::Succeeded, "{events:#?}");
        assert_eq!(report.last_message.as_deref(), Some("finished"));
        let count = fs::read_to_string(bench.path("run/work/count.txt")).unwrap();
        assert_eq!(count, "once\n");
        let limits: Vec<(Limit, Duration)> = events
            .iter()
            .filter_map(|event| match event {
                Event::Limited { limit, pause, .. } => Some((*limit, *pause)),
                _ => None,
            })
            .collect();
        let ms = Duration::from_millis;
        let expected = [
            (Limit::Rate, ms(200)),
            (Limit::Rate, ms(300)),
            (Limit::Outage, ms(800)),
            (Limit::Outage, ms(1600)),
        ];
        assert_eq!(limits, expected);
        // Codex tells the sum of the thread; what was used is counted once.
        assert_eq!(report.usage, usage_of(2));
        let last = bench.model.requests().pop().unwrap().body.to_string();
        assert!(
            last.contains("count.txt"),
            "the conversation was taken up: {last}"
        );
    }
}

#[tokio::test]
async fn little_context_means_fewer_words() {
    for mode in MODES {
        let thought = Reply::Think("a long thought".to_owned(), "done".to_owned());
        let bench = Bench::by(mode, [Reply::run("echo hi"), thought]).await;
        let (report, events) = bench
            .execute_with(&[("CODEX_CONTEXT_REMAINING", "12")], bench.launch())
            .await;
        assert_eq!(report.outcome, Outcome::Succeeded);
        let log = log_of(&events);
        assert!(log.starts_with("CODEX_CONTEXT_REMAINING is 12 %"), "{log}");
        assert!(log.contains("\nhi\n") && log.contains("done"), "{log}");
        assert!(
            !log.contains("a long thought") && !log.contains("codex runs"),
            "{log}"
        );
    }
}

/// Processes whose command line has `part` in it.
fn processes(part: &str) -> Vec<String> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(part))
        .collect()
}

async fn wait_for(what: &str, is_there: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_there() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A command that leaves processes of every kind behind, which are told by `seconds`.
fn stubborn(seconds: &str) -> Reply {
    Reply::run(&format!(
        "setsid sleep {seconds}1 & nohup sleep {seconds}2 >/dev/null 2>&1 & (trap '' TERM; sleep {seconds}3) & sleep {seconds}4"
    ))
}

#[tokio::test]
async fn cancelling_ends_every_process() {
    for mode in MODES {
        let seconds = format!("7{}", std::process::id());
        let bench = Bench::by(mode, [stubborn(&seconds), Reply::say("done")]).await;
        let setup = CodexSetup::from_env(bench.agent_env(&[])).unwrap();
        let (sink, events) = mpsc::channel(4);
        let cancel = CancellationToken::new();
        let mut quiet = Quiet::new();
        let executing = execute(&setup, bench.launch(), quiet.talk(), sink, cancel.clone());
        let sleeps = format!("sleep {seconds}");
        let running = || {
            let all = processes(&sleeps);
            (1..=4).all(|n| all.iter().any(|line| line.trim() == format!("{sleeps}{n}")))
        };
        let cancelling = async {
            wait_for("the command's processes", running).await;
            cancel.cancel();
        };
        let (report, _, ()) = tokio::join!(executing, collect(events), cancelling);
        assert_eq!(report.unwrap().outcome, Outcome::Cancelled);
        assert_eq!(processes(&sleeps), Vec::<String>::new());
        let home = bench.text("run/work");
        assert_eq!(processes(&home), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_turn_that_takes_too_long_is_ended() {
    for mode in MODES {
        let seconds = format!("8{}", std::process::id());
        let bench = Bench::by(mode, [stubborn(&seconds), Reply::say("done")]).await;
        let after = Duration::from_secs(6);
        let launch = Launch {
            timeout: Some(after),
            ..bench.launch()
        };
        let (report, _) = bench.execute_with(&[], launch).await;
        assert_eq!(report.outcome, Outcome::TimedOut { after });
        assert_eq!(processes(&format!("sleep {seconds}")), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_pause_ends_when_the_run_is_cancelled() {
    for mode in MODES {
        let bench = Bench::by(
            mode,
            [Reply::Fail(
                "rate_limit_exceeded".to_owned(),
                "try again in 10 minutes".to_owned(),
            )],
        )
        .await;
        let setup = CodexSetup::from_env(bench.agent_env(&[])).unwrap();
        let (sink, mut events) = mpsc::channel(4);
        let cancel = CancellationToken::new();
        let mut quiet = Quiet::new();
        let executing = execute(&setup, bench.launch(), quiet.talk(), sink, cancel.clone());
        let watching = async {
            while let Some(event) = events.recv().await {
                if matches!(event, Event::Limited { .. }) {
                    cancel.cancel();
                }
            }
        };
        let (report, ()) = tokio::join!(executing, watching);
        assert_eq!(report.unwrap().outcome, Outcome::Cancelled);
    }
}

#[tokio::test]
async fn a_missing_codex_is_a_clear_error() {
    for mode in MODES {
        let bench = Bench::by(mode, [Reply::say("done")]).await;
        let setup =
            CodexSetup::from_env(bench.agent_env(&[("CODEX_BIN", "no-such-codex")])).unwrap();
        let (sink, _events) = mpsc::channel(1);
        let mut quiet = Quiet::new();
        let error = execute(
            &setup,
            bench.launch(),
            quiet.talk(),
            sink,
            CancellationToken::new(),
        )
        .await
        .unwrap_err()
        .to_string();
        assert!(error.contains("no-such-codex was not found"), "{error}");
        assert!(error.contains("CODEX_BIN"), "{error}");
    }
}

const ANSWER: &str =
    r#"["make", {"run": "echo build", "env": {"KEY": "VAL"}, "timeout": 30, "cwd": "./dir"}]"#;

fn steps() -> Vec<Step> {
    orch_core::plan::parse_llm_plan(ANSWER).unwrap()
}

#[tokio::test]
async fn both_documented_commands_and_the_default_plan_through_the_installed_codex() {
    let bench = Bench::new([Reply::say(ANSWER)]).await;
    let documented = "codex exec --ask-for-approval never --sandbox read-only";
    let with_model = "codex exec -m scripted-1 --ask-for-approval never --sandbox read-only";
    for command in [documented, with_model] {
        let planned = bench.plan(&[("CODEX_PLAN_CMD", command)]).await.unwrap();
        assert_eq!(planned.steps, steps());
        assert_eq!(planned.notes.len(), 1, "{planned:?}");
        let refused = "does not accept `--ask-for-approval never`; ran `";
        assert!(planned.notes[0].contains(refused), "{planned:?}");
    }
    for command in ["codex exec --sandbox read-only", " "] {
        let planned = bench.plan(&[("CODEX_PLAN_CMD", command)]).await.unwrap();
        assert_eq!(
            (planned.steps, planned.notes),
            (steps(), vec![]),
            "{command}"
        );
    }
    let asked = bench.model.requests()[0].body.to_string();
    assert!(asked.contains("one JSON array of steps"), "{asked}");
}

#[tokio::test]
async fn an_answer_that_is_no_plan_is_a_failure_that_says_why() {
    let bench = Bench::new([Reply::say("I would rather not.")]).await;
    let failure = bench.plan(&[]).await.unwrap_err();
    assert_eq!(
        failure.to_string(),
        "the planning command gave no plan: the planner's answer holds no JSON array of steps: I would rather not."
    );
}

#[tokio::test]
async fn a_command_that_fails_hangs_floods_or_is_missing_is_a_failure_that_says_why() {
    let bench = Bench::new([Reply::say(ANSWER)]).await;
    let sleep = format!("sleep 9{}", std::process::id());
    for (command, timeout, expected) in [
        ("echo oops >&2; exit 3", "120", "exited with 3 (oops)"),
        (
            &sleep,
            "1",
            "did not answer within 1 s (CODEX_PLAN_TIMEOUT)",
        ),
        (
            "head -c 3000000 /dev/zero | tr '\\0' x; sleep 100",
            "120",
            "at most 1048576 are read",
        ),
        ("/no/such/planner", "120", "exited with 127"),
        ("echo '[\"a\", {\"cwd\": \"b\"}]'", "120", "steps[1]"),
    ] {
        let settings = [("CODEX_PLAN_CMD", command), ("CODEX_PLAN_TIMEOUT", timeout)];
        let failure = bench.plan(&settings).await.unwrap_err().to_string();
        assert!(failure.contains(expected), "{command}: {failure}");
    }
    assert_eq!(processes(&sleep), Vec::<String>::new());
    assert_eq!(bench.model.requests().len(), 0);
}

#[tokio::test]
async fn cancelling_ends_planning() {
    let bench = Bench::new([Reply::Hang]).await;
    let setup = PlannerSetup::from_env(bench.agent_env(&[])).unwrap();
    let request = PlanRequest {
        prompt: "plan".to_owned(),
        work: bench.path("run/work"),
        env: BTreeMap::new(),
        records: None,
    };
    let cancel = CancellationToken::new();
    let planning = plan(&setup, request, cancel.clone());
    let cancelling = async {
        wait_for("the request", || !bench.model.requests().is_empty()).await;
        cancel.cancel();
    };
    let (planned, ()) = tokio::join!(planning, cancelling);
    assert!(matches!(planned.unwrap_err().error, PlanError::Cancelled));
}

/// Settings with which the command fails and the server is asked.
fn fallback(base_url: &str) -> [(&str, &str); 5] {
    [
        ("CODEX_PLAN_CMD", "exit 1"),
        ("AGENT_ALLOW_OPENAI_FALLBACK", "true"),
        ("OPENAI_API_KEY", KEY),
        ("ORCH_OPENAI_BASE_URL", base_url),
        ("ORCH_OPENAI_MODEL", "scripted-chat"),
    ]
}

#[tokio::test]
async fn the_fallback_waits_for_an_overloaded_server_and_plans() {
    let later = Reply::Status(429, Some(1), "slow down".to_owned());
    let bench = Bench::new([later, Reply::status(502), Reply::say(ANSWER)]).await;
    let url = bench.model.base_url();
    let begun = Instant::now();
    let planned = bench.plan(&fallback(&url)).await.unwrap();
    assert!(
        begun.elapsed() >= Duration::from_secs(1),
        "Retry-After is honoured"
    );
    assert_eq!(planned.steps, steps());
    assert_eq!(planned.by, format!("scripted-chat at {url}"));
    assert_eq!(
        planned.notes,
        ["the planning command gave no plan: `exit 1` exited with 1 (nothing on stderr)"]
    );
    let requests = bench.model.requests();
    assert_eq!(requests.len(), 3);
    assert_eq!(requests[0].path, "/v1/chat/completions");
    assert_eq!(requests[0].authorization, Some(format!("Bearer {KEY}")));
    assert_eq!(requests[0].body["model"], "scripted-chat");
}

#[tokio::test]
async fn a_fallback_that_gives_no_plan_says_why_and_never_shows_the_key() {
    let check = async |reply: Reply, more: &[(&str, &str)], expected: &str| {
        let bench = Bench::new([reply]).await;
        let url = bench.model.base_url();
        let settings = [&fallback(&url)[..], more].concat();
        let failure = bench.plan(&settings).await.unwrap_err().to_string();
        assert!(
            failure.contains(expected),
            "`{expected}` is not in: {failure}"
        );
        assert!(!failure.contains(KEY), "{failure}");
    };
    let bad_key = Reply::Status(401, None, "bad key".to_owned());
    check(bad_key, &[], "/chat/completions answered 401: bad key").await;
    check(Reply::status(503), &[], "answered 503: scripted error").await;
    check(Reply::say("no"), &[], "holds no JSON array of steps: no").await;
    check(
        Reply::Raw(b"<html>".to_vec()),
        &[],
        "something else than a chat completion",
    )
    .await;
    let flood = Reply::Raw(vec![b' '; 5 * 1024 * 1024]);
    check(flood, &[], "longer than 4194304 bytes").await;
    let short = [("CODEX_PLAN_TIMEOUT", "1")];
    check(Reply::Hang, &short, "did not answer within 1 s").await;
    let long_wait = Reply::Status(429, Some(3600), "slow down".to_owned());
    check(long_wait, &[], "answered 429: slow down").await;
    let closed = [("ORCH_OPENAI_BASE_URL", "http://127.0.0.1:1/v1")];
    check(Reply::Hang, &closed, "cannot be reached").await;
}

#[tokio::test]
async fn without_permission_no_server_is_asked() {
    let bench = Bench::new([Reply::say(ANSWER)]).await;
    let url = bench.model.base_url();
    let settings = [
        &fallback(&url)[..],
        &[("AGENT_ALLOW_OPENAI_FALLBACK", "false")],
    ]
    .concat();
    let failure = bench.plan(&settings).await.unwrap_err();
    assert!(matches!(failure.error, PlanError::Command(_)));
    assert_eq!(bench.model.requests().len(), 0);
}
