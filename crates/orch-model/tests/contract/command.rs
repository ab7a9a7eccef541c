//! Programs that answer, and programs that do not.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use orch_model::{
    Ask, Class, CommandModel, Message, ModelError, Provider, Speech, ToolSpec, silent,
};
use serde_json::json;

use crate::fake::{ask, ask_seen, in_time};

fn shell(script: &str) -> CommandModel {
    let arguments: Vec<OsString> = vec!["-c".into(), script.into()];
    CommandModel::new("local", "sh", arguments, Speech::Text)
}

#[tokio::test]
async fn a_program_reads_the_prompt_and_its_output_is_the_answer() {
    let (outcome, seen) = ask_seen(
        &shell("cat; printf 'ü\\n\\n'"),
        &Ask::new("be brief", "hello"),
    )
    .await;
    let answer = outcome.unwrap();
    assert_eq!(
        (answer.text.as_str(), answer.model.as_str()),
        ("be brief\n\nhello\nü", "local")
    );
    assert_eq!(seen, "be brief\n\nhello\nü\n\n");
}

#[tokio::test]
async fn a_conversation_is_written_down_with_who_said_what() {
    let mut request = Ask::new("", "hello");
    request.messages.push(Message::Assistant {
        text: "hi".to_owned(),
        calls: Vec::new(),
    });
    request.messages.push(Message::User {
        text: "more".to_owned(),
    });
    let answer = in_time(shell("cat").ask(&request, &silent)).await.unwrap();
    assert_eq!(answer.text, "User: hello\n\nAssistant: hi\n\nUser: more");
}

#[tokio::test]
async fn a_program_that_speaks_json_gets_the_whole_request() {
    let script = r#"read -r line; printf '%s' "{\"text\": \"$(printf '%s' "$line" | wc -c)\"}""#;
    let arguments: Vec<OsString> = vec!["-c".into(), script.into()];
    let model = CommandModel::new("local", "sh", arguments, Speech::Json);
    let request = Ask::new("be brief", "hello");
    let answer = in_time(model.ask(&request, &silent)).await.unwrap();
    let sent = json!({"v": 1, "model": "local", "ask": request}).to_string();
    assert_eq!(answer.text.trim(), sent.len().to_string());
}

#[tokio::test]
async fn what_goes_wrong_says_what_the_program_complained_about() {
    for (script, wanted) in [
        (
            "echo 'no \u{1b}[31mkey' >&2; exit 3",
            "exit status: 3: no [31mkey",
        ),
        ("exit 1", "it said nothing"),
        ("kill -9 $$", "signal: 9"),
    ] {
        let error = ask(&shell(script)).await.unwrap_err();
        assert_eq!(error.class(), Class::Final, "{error}");
        assert!(error.to_string().contains(wanted), "{wanted} in {error}");
    }
    let missing = CommandModel::new("local", "/nonexistent/program", Vec::new(), Speech::Text);
    let error = ask(&missing).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("failed to run /nonexistent/program: "),
        "{error}"
    );
}

#[tokio::test]
async fn a_program_may_say_that_trying_again_helps() {
    let error = ask(&shell("echo 'rate limit' >&2; exit 75"))
        .await
        .unwrap_err();
    assert_eq!(error.class(), Class::Transient { after: None }, "{error}");
    assert!(error.to_string().contains("rate limit"));
}

#[tokio::test]
async fn output_that_is_no_answer_is_junk() {
    for (speech, script) in [
        (Speech::Text, "true"),
        (Speech::Text, "printf '\\377'"),
        (Speech::Json, "echo hello"),
        (Speech::Json, "echo '[1]'"),
        (Speech::Json, "echo '{}'"),
        (Speech::Json, "echo '{\"text\": 5}'"),
    ] {
        let model = CommandModel::new("local", "sh", vec!["-c".into(), script.into()], speech);
        let error = ask(&model).await.unwrap_err();
        assert!(
            matches!(error, ModelError::Junk { .. }),
            "{script}: {error}"
        );
    }
}

#[tokio::test]
async fn output_without_end_is_stopped() {
    for script in ["yes", "head -c 10000000 /dev/zero; sleep 1000"] {
        let error = ask(&shell(script)).await.unwrap_err();
        assert!(
            matches!(error, ModelError::TooLarge { .. }),
            "{script}: {error}"
        );
    }
}

#[tokio::test]
async fn complaints_without_end_stop_nothing() {
    let answer = ask(&shell("head -c 5000000 /dev/zero >&2; echo yes"))
        .await
        .unwrap();
    assert_eq!(answer.text, "yes");
}

#[tokio::test]
async fn a_prompt_that_is_not_read_stops_nothing() {
    let request = Ask::new("", "x".repeat(1 << 20));
    let answer = in_time(shell("echo yes").ask(&request, &silent))
        .await
        .unwrap();
    assert_eq!(answer.text, "yes");
}

/// A script that leaves two processes behind and writes their numbers to `path`.
fn with_children(path: &Path, then: &str) -> CommandModel {
    shell(&format!(
        "sleep 1000 & echo $! > '{0}.new'; sh -c 'echo $$ >> \"{0}.new\"; mv \"{0}.new\" \"{0}\"; sleep 1000' & \
         while [ ! -e '{0}' ]; do sleep 0.01; done; {then}",
        path.display()
    ))
}

/// Waits until nobody of those is there any more.
async fn are_gone(path: &Path) {
    let numbers = std::fs::read_to_string(path).unwrap();
    let is_there = |number: &str| {
        let state = std::fs::read_to_string(format!("/proc/{number}/stat"));
        // Dead ones whose parent has not looked yet do no harm.
        state.is_ok_and(|state| !state.contains(") Z "))
    };
    in_time(async {
        while numbers.split_whitespace().any(is_there) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert_eq!(numbers.split_whitespace().count(), 2);
}

#[tokio::test]
async fn all_that_a_program_started_ends_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("answered");
    let answer = ask(&with_children(&path, "echo yes")).await.unwrap();
    assert_eq!(answer.text, "yes");
    are_gone(&path).await;

    let request = Ask::new("", "hello");
    let path = folder.path().join("timed-out");
    let model = with_children(&path, "wait").within(Duration::from_secs(3_600));
    let mut asking = model.ask(&request, &silent);
    until_there(&path, &mut asking).await;
    // The hour passes at once.
    tokio::time::pause();
    let error = asking.await.unwrap_err();
    tokio::time::resume();
    assert!(
        matches!(error, ModelError::TimedOut { after_ms, .. } if after_ms == 3_600_000),
        "{error}"
    );
    are_gone(&path).await;

    let path = folder.path().join("given-up");
    let model = with_children(&path, "wait");
    let mut asking = model.ask(&request, &silent);
    until_there(&path, &mut asking).await;
    drop(asking);
    are_gone(&path).await;
}

#[tokio::test]
async fn a_process_that_left_its_group_ends_with_the_program_that_started_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stray");
    let script = format!(
        "setsid sh -c 'echo $$ $$ > {0}.new; mv {0}.new {0}; exec sleep 3600' > /dev/null 2>&1 &\nwhile [ ! -e {0} ]; do sleep 0.01; done; echo yes",
        path.display()
    );
    assert_eq!(ask(&shell(&script)).await.unwrap().text, "yes");
    are_gone(&path).await;
}

/// Goes on asking until the script has written its file.
async fn until_there(path: &Path, asking: &mut orch_model::Asking<'_>) {
    in_time(async {
        while !path.exists() {
            assert!(futures::poll!(&mut *asking).is_pending());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_program_finds_no_secrets_of_ours_but_what_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let model = shell("env | sort; pwd")
        .with_variable("GIVEN", "this")
        .in_folder(folder.path().to_owned());
    let text = ask(&model).await.unwrap().text;
    assert!(
        text.contains("GIVEN=this") && text.contains("PATH="),
        "{text}"
    );
    assert!(!text.contains("CARGO"), "{text}");
    assert!(text.ends_with(&*folder.path().to_string_lossy()), "{text}");
    assert!(!format!("{model:?}").contains("GIVEN"));
}

#[tokio::test]
async fn tools_cannot_be_offered_in_plain_text() {
    let mut request = Ask::new("", "hello");
    request.tools.push(ToolSpec {
        name: "look".to_owned(),
        description: String::new(),
        parameters: json!({}),
    });
    let error = in_time(shell("cat").ask(&request, &silent))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("no way to call tools"),
        "{error}"
    );
}

#[tokio::test]
async fn counts_of_a_program_that_make_no_sense_spoil_no_answer() {
    for usage in [
        r#"{"input_tokens": -5, "output_tokens": 3}"#,
        r#"{"output_tokens": 1e30}"#,
        "7",
    ] {
        let script = format!("echo '{{\"text\": \"yes\", \"usage\": {usage}}}'");
        let arguments = vec!["-c".into(), script.into()];
        let model = CommandModel::new("local", "sh", arguments, Speech::Json);
        let answer = ask(&model).await.unwrap();
        assert_eq!(
            (answer.text.as_str(), answer.usage, answer.miscounted),
            ("yes", orch_model::Usage::default(), true),
            "{usage}"
        );
    }
}
