//! The program without a server: settings, refusals, exit codes, and what prints itself.

use std::fs;

use super::support::{Ran, World};
use serde_json::Value;

#[test]
fn without_a_server_the_error_names_its_address_and_the_next_step() {
    let ran = World::alone().run(&["queue"]);
    assert_eq!((ran.code, ran.out.as_str()), (3, ""));
    insta::assert_snapshot!(ran.err, @r"
    error: no server answers at http://127.0.0.1:9
      cause: Connection refused (os error 111)
      next: start a server with `codex-orchestrator up`, or give the address of a running one with --url or ORCH_URL
    ");
}

#[test]
fn listening_beyond_loopback_is_refused_with_both_ways_out() {
    let ran = World::alone().run(&["serve", "--host", "0.0.0.0", "--port", "0"]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(
        ran.err.contains("ORCH_API_TOKEN") && ran.err.contains("--allow-unauthenticated"),
        "{}",
        ran.err
    );
}

#[test]
fn a_postgresql_that_does_not_answer_is_named_without_its_password() {
    let ran = World::alone().run(&[
        "up",
        "--database-url",
        "postgresql+psycopg2://me:hunter2@127.0.0.1:1/orch",
    ]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.err.contains("postgresql://127.0.0.1:1/orch"),
        "{}",
        ran.err
    );
    assert!(!ran.err.contains("hunter2"), "{}", ran.err);
}

#[test]
fn doctor_tells_each_value_with_its_origin_and_masks_secrets() {
    let world = World::alone();
    fs::write(
        world.path().join(".env.local"),
        "ORCH_PORT=1234\nORCH_API_TOKEN=hunter2\n",
    )
    .unwrap();
    fs::write(
        world.path().join(".env"),
        "ORCH_PORT=9\nORCH_MAX_RETRIES=2\n",
    )
    .unwrap();
    let ran: Ran = world
        .command(&["doctor", "--json"])
        .env("ORCH_HOST", "::1")
        .output()
        .unwrap()
        .into();
    assert!(!ran.out.contains("hunter2"), "{}", ran.out);
    let report = ran.json();
    let of = |name: &str| {
        let settings = report["settings"].as_array().unwrap();
        let setting = settings
            .iter()
            .find(|setting| setting["variable"] == name)
            .unwrap();
        format!(
            "{} from {}",
            setting["value"],
            setting["source"].as_str().unwrap()
        )
    };
    assert_eq!(of("ORCH_HOST"), "\"::1\" from environment");
    assert_eq!(of("ORCH_PORT"), "\"1234\" from .env.local");
    assert_eq!(of("ORCH_API_TOKEN"), "\"***\" from .env.local");
    assert_eq!(of("ORCH_MAX_RETRIES"), "\"2\" from .env");
    assert_eq!(of("ORCH_RATE_LIMIT_PER_MIN"), "\"1000\" from default");
}

#[test]
fn wrong_settings_end_with_2_and_a_broken_env_file_does_not_stop_help() {
    let world = World::alone();
    let ran: Ran = world
        .command(&["serve"])
        .env("ORCH_PORT", "http")
        .output()
        .unwrap()
        .into();
    assert_eq!(ran.code, 2);
    assert!(
        ran.err
            .contains("ORCH_PORT is `http`: expected a whole number"),
        "{}",
        ran.err
    );
    fs::write(world.path().join(".env"), "ORCH_PORT='1\n").unwrap();
    assert_eq!(world.run(&["queue"]).code, 2);
    assert_eq!(world.run(&["--help"]).code, 0);
    assert_eq!(world.run(&["completions", "bash"]).code, 0);
    assert_eq!(world.run(&["frobnicate"]).code, 2);
}

#[test]
fn help_lists_the_exit_codes_and_the_program_describes_itself() {
    let world = World::alone();
    let help = world.run(&["--help"]).out;
    assert!(
        help.contains("10  `run watch --exit-status`: the run failed"),
        "{help}"
    );
    assert!(world.run(&["man"]).out.starts_with(".ie"), "a page in roff");
    assert_eq!(world.run(&["man", "--out-dir", "pages"]).code, 0);
    assert!(
        world
            .path()
            .join("pages/codex-orchestrator-run-watch.1")
            .is_file()
    );
}

#[test]
fn a_failure_is_json_on_standard_error_where_json_is_asked_for() {
    let ran = World::alone().run(&["tick", "--json"]);
    let error: Value = serde_json::from_str(&ran.err).unwrap();
    assert_eq!((ran.code, ran.out.as_str()), (3, ""));
    assert_eq!(error["exit_code"], 3);
}
