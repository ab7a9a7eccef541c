//! Settings and their faults; servers that answer, and those that do not.

use std::sync::{Arc, Mutex};

use orch_model::{Answer, Ask, Asking, Deltas, Message, ModelError, Provider, ToolCall, silent};

use super::{McpSettings, Outfitter};

const FILE: &str = r#"
version = 1

[server.files]
command = "mcp-files"
args = ["--root", "/srv"]
env = ["FILES_TOKEN"]
timeout_seconds = 5
tools = ["read"]

[server.docs]
url = "https://docs.example.com/mcp"
bearer_env = "DOCS_TOKEN"
tools = ["search", "open"]
"#;

#[test]
fn roles_get_the_tools_that_the_file_lists_and_no_others() {
    let outfitter = Outfitter::new(McpSettings::parse("mcp.toml", FILE).unwrap());
    let admit = |tools: &[&str]| {
        let tools: Vec<String> = tools.iter().map(|tool| (*tool).to_owned()).collect();
        outfitter
            .admit("poet", &tools)
            .map(|named| named.len())
            .map_err(|error| error.to_string())
    };
    assert_eq!(admit(&["files/read", "docs/open"]), Ok(2));
    assert!(
        admit(&["files/write"])
            .unwrap_err()
            .contains("lists read and not `write`")
    );
    assert!(
        admit(&["mail/send"])
            .unwrap_err()
            .contains("there are docs, files")
    );
    assert!(
        admit(&["read"])
            .unwrap_err()
            .contains("expected `server/tool`")
    );
    let many = |count: usize| vec!["files/read"; count];
    assert_eq!(admit(&many(128)), Ok(128));
    let refused = admit(&many(129)).unwrap_err();
    assert!(
        refused.contains("129 tools; a model is given at most 128"),
        "{refused}"
    );
    let nothing = Outfitter::default().admit("poet", &["files/read".to_owned()]);
    assert!(
        nothing
            .unwrap_err()
            .to_string()
            .contains("ORCH_MCP_SERVERS")
    );
}

#[test]
fn what_is_wrong_with_the_file_is_named() {
    let why = |text: &str| {
        McpSettings::parse("mcp.toml", text)
            .unwrap_err()
            .to_string()
    };
    let with = |entry: &str| why(&format!("version = 1\n[server.x]\n{entry}"));
    assert!(why("").contains("version"));
    assert!(why("version = 2").contains("expected 1"));
    assert!(with("tools = ['a']").contains("one of `command` and `url`"));
    assert!(
        with("command = 'a'\nurl = 'http://b'\ntools = ['a']")
            .contains("one of `command` and `url`")
    );
    assert!(with("command = 'a'\ntools = []").contains("`tools` is empty"));
    assert!(with("command = 'a'\ntools = ['b']\nshell = true").contains("shell"));
    assert!(with("command = 'a'\ntools = ['b']\ntimeout_seconds = 0").contains("1 to 600"));
    assert!(with("url = 'ftp://b'\ntools = ['b']").contains("no http or https"));
    assert!(with("url = 'http://u:p@b'\ntools = ['b']").contains("no http or https"));
    assert!(with("url = 'http://b'\nenv = ['A']\ntools = ['b']").contains("`bearer_env`"));
    assert!(
        why("version = 1\n[server.'X y']\ncommand = 'a'\ntools = ['b']").contains("small letters")
    );
}

#[test]
fn a_variable_is_named_by_a_name_and_has_a_value() {
    let settings = McpSettings::parse("mcp.toml", FILE).unwrap();
    let faults = settings.faults(|name| (name == "DOCS_TOKEN").then(|| " ".to_owned()));
    assert_eq!(
        faults,
        [
            "the server `docs` takes its bearer token from DOCS_TOKEN, which is not set",
            "the server `files` is given FILES_TOKEN, which is not set"
        ]
    );
    assert!(settings.faults(|_| Some("x".to_owned())).is_empty());
    for name in ["sk-0123", "A=b", "1A", ""] {
        let text = format!(
            "version = 1\n[server.x]\nurl = 'http://b'\nbearer_env = '{name}'\ntools = ['b']\n"
        );
        let why = McpSettings::parse("mcp.toml", &text)
            .unwrap_err()
            .to_string();
        assert!(why.contains("no name of an environment variable"), "{why}");
    }
}

/// Calls each of `calls` in turn, then says what it heard.
#[derive(Debug)]
pub(super) struct Scripted {
    calls: Mutex<Vec<(&'static str, &'static str)>>,
}

impl Scripted {
    pub(super) fn new(mut calls: Vec<(&'static str, &'static str)>) -> Self {
        calls.reverse();
        Self {
            calls: Mutex::new(calls),
        }
    }
}

impl Provider for Scripted {
    fn model(&self) -> &str {
        "scripted"
    }

    fn ask<'a>(&'a self, ask: &'a Ask, _: Deltas<'a>) -> Asking<'a> {
        let next = self.calls.lock().unwrap().pop();
        let calls = next.map(|(name, arguments)| ToolCall {
            id: "c".to_owned(),
            name: name.to_owned(),
            arguments: arguments.to_owned(),
        });
        let heard = ask.messages.iter().filter_map(|message| match message {
            Message::Tool { text, .. } => Some(text.clone()),
            Message::User { .. } | Message::Assistant { .. } => None,
        });
        let text = match calls {
            Some(_) => String::new(),
            None => heard.collect::<Vec<_>>().join("\n"),
        };
        let answer = Answer {
            text,
            calls: calls.into_iter().collect(),
            ..Answer::default()
        };
        Box::pin(async move { Ok(answer) })
    }
}

/// A server in the shell: one tool that tells its arguments back, one that fails, one that never answers.
const SERVER: &str = r#"
echo "warming up" >&2
while read -r line; do
  id=$(printf %s "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
  case $line in
    *'"initialize"'*) printf '{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"sh","version":"1"}}}\n' "$id";;
    *'"tools/list"'*) printf '{"jsonrpc":"2.0","id":%s,"result":{"tools":[{"name":"env","description":"e","inputSchema":{"type":"object"}},{"name":"fail","inputSchema":{"type":"object"}},{"name":"hang","inputSchema":{"type":"object"}}]}}\n' "$id";;
    *'"name":"env"'*) printf '{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":"secret=%s pid=%s"}]}}\n' "$id" "$HIDDEN" "$$";;
    *'"name":"fail"'*) printf '{"jsonrpc":"2.0","id":%s,"result":{"isError":true,"content":[{"type":"text","text":"no such page"}]}}\n' "$id";;
    *'"id"'*'"method"'*|*'"method"'*'"id"'*) case $line in *'"hang"'*) ;; *) printf '{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"no"}}\n' "$id";; esac;;
  esac
done
"#;

fn outfitter(script: &str) -> Outfitter {
    let text = format!(
        "version = 1\n[server.sh]\ncommand = 'sh'\nargs = ['-c', '''{script}''']\ntimeout_seconds = 3\ntools = ['env', 'fail', 'hang', 'none']\n"
    );
    Outfitter::new(McpSettings::parse("mcp.toml", &text).unwrap())
}

async fn asked(
    script: &str,
    tools: &[&str],
    calls: Vec<(&'static str, &'static str)>,
) -> Result<String, ModelError> {
    let model = Arc::new(Scripted::new(calls));
    let outfitter = outfitter(script);
    let tools: Vec<String> = tools.iter().map(|tool| (*tool).to_owned()).collect();
    let model = outfitter.equip(
        model,
        outfitter.admit("r", &tools).unwrap(),
        &orch_model::unredacted(),
    );
    let answer = model.ask(&Ask::new("", "hello"), &silent).await?;
    Ok(answer.text)
}

#[tokio::test]
async fn a_models_calls_reach_the_server_and_its_failures_are_told_to_the_model() {
    let calls = vec![
        ("sh__env", "{}"),
        ("sh__fail", "{}"),
        ("sh__other", "{}"),
        ("sh__env", "no json"),
    ];
    let heard = asked(SERVER, &["sh/env", "sh/fail"], calls).await.unwrap();
    let lines: Vec<&str> = heard.lines().collect();
    // Nothing of our environment that was not named.
    assert!(lines[0].starts_with("secret= pid="), "{heard}");
    assert_eq!(lines[1], "the tool failed: no such page");
    assert!(
        lines[2].contains("there is no tool of that name; there are: sh__env, sh__fail"),
        "{heard}"
    );
    assert!(lines[3].contains("not JSON"), "{heard}");
    let pid = lines[0].rsplit('=').next().unwrap();
    assert!(
        !std::path::Path::new(&format!("/proc/{pid}")).exists(),
        "the server is still there"
    );
}

#[tokio::test]
async fn a_tool_that_never_answers_is_given_up() {
    let heard = asked(SERVER, &["sh/hang"], vec![("sh__hang", "{}")])
        .await
        .unwrap();
    assert_eq!(heard, "the tool failed: it did not answer within 3 s");
}

#[tokio::test]
async fn a_server_that_does_not_start_or_lacks_a_tool_fails_the_role_and_says_why() {
    let why = |asked: Result<String, ModelError>| asked.unwrap_err().to_string();
    let silent = why(asked("echo no such folder >&2; sleep 100", &["sh/env"], vec![]).await);
    assert!(
        silent.contains("`sh`") && silent.contains("within 3 s; it said: no such folder"),
        "{silent}"
    );
    let gone = why(asked("exit 3", &["sh/env"], vec![]).await);
    assert!(
        gone.contains("the tools of the server `sh` cannot be used"),
        "{gone}"
    );
    let lacking = why(asked(SERVER, &["sh/none"], vec![]).await);
    assert!(
        lacking.contains("it has no tool `none`; it has env, fail, hang"),
        "{lacking}"
    );
}

#[tokio::test]
async fn what_a_server_started_ends_with_it_even_where_it_left_its_group() {
    let script = SERVER.replace("\"$$\"", "\"$stray\"");
    let script = format!("setsid sleep 3600 > /dev/null 2>&1 &\nstray=$!\n{script}");
    let heard = asked(&script, &["sh/env"], vec![("sh__env", "{}")]).await;
    let heard = heard.unwrap();
    let pid = heard.rsplit('=').next().unwrap().to_owned();
    // One that has ended may wait to be seen: it has no command line any more.
    let there = || {
        let line = std::fs::read(format!("/proc/{pid}/cmdline"));
        line.is_ok_and(|line| !line.is_empty())
    };
    let gone = async {
        while there() {
            tokio::task::yield_now().await;
        }
    };
    let ended = tokio::time::timeout(std::time::Duration::from_secs(10), gone).await;
    assert!(ended.is_ok(), "{pid} is still there");
}
