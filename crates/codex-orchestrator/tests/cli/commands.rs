//! The commands against a server of this same program.

use super::support::World;
use serde_json::json;

/// The ids of a list, in order.
fn ids(list: &serde_json::Value) -> Vec<i64> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["id"].as_i64().unwrap())
        .collect()
}

#[test]
fn a_vision_becomes_requirements_that_are_approved_once() {
    let world = World::with("serve");
    assert_eq!(
        world.json(&["project", "create", "shop", "-d", "books"])["id"],
        1
    );
    let vision = world
        .run_with_input(
            &["vision", "submit", "1", "--json"],
            "Customers must pay by card.\n",
        )
        .json();
    assert_eq!(vision["content"], "Customers must pay by card.\n");
    let proposed = world.json(&["requirements", "propose", "1"]);
    assert_eq!(
        (
            &proposed["status"],
            &proposed["items"][0]["kind"],
            &proposed["items"][0]["text"],
        ),
        (
            &json!("proposed"),
            &json!("functional"),
            &json!("Customers must pay by card"),
        )
    );
    let markdown = world.run(&["requirements", "show", "1", "--markdown"]);
    assert!(
        markdown.out.starts_with("# Proposed Requirements"),
        "{}",
        markdown.out
    );
    assert_eq!(
        world.json(&["requirements", "approve", "1", "--version", "1"])["status"],
        "approved"
    );
    assert_eq!(world.run(&["project", "show", "7"]).code, 4);
}

#[test]
fn gated_work_says_why_it_waits_until_it_is_approved() {
    let world = World::with("serve");
    world.json(&["project", "create", "shop"]);
    world.json(&[
        "work",
        "create",
        "--project",
        "1",
        "deploy:production",
        "--enqueue",
    ]);
    world.json(&["work", "create", "--project", "1", "smoke test"]);
    world.json(&["enqueue", "2", "--after", "1", "--priority", "-3"]);

    let queue = world.run(&["queue"]).out;
    assert!(queue.contains("waits: an approval is needed"), "{queue}");
    assert!(
        queue.contains("waits: work item 1 (deploy:production) is queued"),
        "{queue}"
    );
    let refused = world.run(&["work", "start", "1"]);
    assert_eq!(refused.code, 4);
    assert!(
        refused
            .err
            .contains("next: codex-orchestrator approve --work-item 1"),
        "{}",
        refused.err
    );
    assert_eq!(world.json(&["tick"])["processed"], 0);

    assert_eq!(
        world.run(&["approve", "--work-item", "1"]).code,
        1,
        "nobody has asked yet"
    );
    world.json(&["work", "request-approval", "1", "--reason", "go live"]);
    assert_eq!(ids(&world.json(&["approve"])), [1]);
    assert_eq!(
        world.json(&["approve", "--work-item", "1"])["status"],
        "approved"
    );
    let twice = world.run(&["deny", "1", "--json"]);
    assert_eq!((twice.code, twice.out.as_str()), (5, ""));
    let error: serde_json::Value = serde_json::from_str(&twice.err).unwrap();
    assert_eq!(
        (&error["exit_code"], &error["problem"]["status"]),
        (&json!(5), &json!(409))
    );

    assert_eq!(
        world.json(&["tick"]),
        json!({"processed": 1, "run_ids": [1]})
    );
    assert_eq!(
        world.run(&["logs", "1"]).out,
        "Starting run 1 (work item 1, attempt 1)\n"
    );
    assert_eq!(
        world.run(&["logs", "1", "--grep", "STARTING"]).out,
        "Starting run 1 (work item 1, attempt 1)\n"
    );
    assert_eq!(world.json(&["run", "cancel", "1"])["status"], "cancelled");
    assert_eq!(world.run(&["run", "watch", "1"]).code, 0);
    assert_eq!(world.run(&["run", "watch", "1", "--exit-status"]).code, 11);
}

#[test]
fn up_works_what_is_queued_and_watching_tells_how_it_ended() {
    let mut world = World::with("up");
    world.json(&["project", "create", "shop"]);
    let recipe = "steps:\n  - echo one; echo two >&2\n  - exit 3\n";
    let create = [
        "work",
        "create",
        "--project",
        "1",
        "try it",
        "--recipe",
        "-",
        "--enqueue",
        "--json",
    ];
    world.run_with_input(&create, recipe).json();

    // An agent that is connected takes it without a tick; which run it is, the item says.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while world.json(&["run", "list"]).as_array().unwrap().is_empty() {
        assert!(std::time::Instant::now() < deadline, "no run within 20 s");
    }
    let watched = world.run(&["run", "watch", "1", "--exit-status", "--json"]);
    assert_eq!(watched.code, 10, "{}", watched.err);
    let run: serde_json::Value = serde_json::from_str(&watched.out).unwrap();
    assert_eq!(
        (&run["status"], &run["exit_code"]),
        (&json!("failed"), &json!(3)),
        "{run}"
    );

    let errors = world.run(&["logs", "1", "-f", "--stream", "stderr", "--json"]);
    let lines: Vec<serde_json::Value> = errors
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        lines
            .iter()
            .map(|line| &line["message"])
            .collect::<Vec<_>>(),
        ["two"]
    );

    assert_eq!(world.stop(), Some(0), "SIGTERM is a good end");
    let report = world.json(&["audit", "verify", "--data-dir", "data"]);
    assert_eq!(report["first_bad"], json!(null));
    assert!(report["entries"].as_i64().unwrap() > 5, "{report}");
}

#[test]
fn a_question_is_answered_from_standard_input() {
    let world = World::with("up");
    world.json(&["project", "create", "shop"]);
    world.json(&[
        "work",
        "create",
        "--project",
        "1",
        "something unheard of",
        "--enqueue",
    ]);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while ids(&world.json(&["answer"])) != [1] {
        assert!(
            std::time::Instant::now() < deadline,
            "no question within 20 s"
        );
    }
    let missing = world.run(&["answer", "1"]);
    assert_eq!(missing.code, 2);
    assert!(
        missing.err.contains("question 1 also asks for steps"),
        "{}",
        missing.err
    );
    let answered = world
        .run_with_input(
            &["answer", "1", "--stdin", "--json"],
            "steps=echo answered\n",
        )
        .json();
    assert_eq!(answered["status"], "resolved");
    assert_eq!(
        world.run(&["answer", "1", "steps=x"]).code,
        5,
        "once is enough"
    );
    assert_eq!(world.run(&["run", "watch", "1", "--exit-status"]).code, 0);
    assert!(world.run(&["logs", "1"]).out.contains("\nanswered\n"));
}

#[test]
fn an_item_with_a_bad_recipe_is_not_created_at_all() {
    let world = World::with("serve");
    world.json(&["project", "create", "p"]);
    let create = ["work", "create", "--project", "1", "--recipe", "-", "x"];
    let refused = world.run_with_input(&create, "steps:\n  - run: x\n    timeut: 3\n");
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("line 3, column 5"), "{}", refused.err);
    assert_eq!(world.json(&["work", "list"]), json!([]));
}

#[test]
fn a_folder_without_a_database_is_named_by_audit_verify() {
    let world = World::alone();
    let checked = world.run(&["audit", "verify", "--data-dir", "./nothing"]);
    assert_eq!(checked.code, 2);
    assert!(
        checked.err.contains("/nothing/orchestrator.db\n"),
        "{}",
        checked.err
    );
}

#[test]
fn kept_workspaces_are_looked_for_where_the_agent_keeps_its_state() {
    let world = World::alone();
    let looked = |args: &[&str], variable: Option<&str>| {
        let mut command =
            world.command(&[&["agent", "workspaces", "--data-dir", "data"], args].concat());
        command.envs(variable.map(|value| ("AGENT_STATE_DIR", value)));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let said = looked(&[], Some("mine"));
    assert!(said.contains("/mine;"), "{said}");
    let said = looked(&["--state-dir", "flagged"], Some("mine"));
    assert!(said.contains("/flagged;"), "{said}");
    let said = looked(&[], None);
    assert!(said.contains("/data/agent"), "{said}");
}
