//! The server's settings, from environments as they occur.

use std::time::Duration;

use super::*;
use crate::config::{Settings, Source};
use crate::failure::Failure;

fn read(environment: &[(&str, &str)], flags: &ServerFlags) -> Result<ServerConfig, Failure> {
    let home = [("HOME", "/home/me")];
    let variables = home
        .iter()
        .chain(environment)
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    let settings = Settings::new(variables, &[]).unwrap();
    let mut reader = Reader::new(&settings);
    let server = server_config(&mut reader, flags, Start::OnTick);
    reader.finish().map(|()| server)
}

#[test]
fn without_settings_it_is_one_users_server_on_loopback() {
    let server = read(&[], &ServerFlags::default()).unwrap();
    assert_eq!((server.host.as_str(), server.port), ("127.0.0.1", 18080));
    assert_eq!(
        server.database.to_string(),
        "/home/me/.local/share/codex-orchestrator/orchestrator.db"
    );
    assert_eq!(server.rules.approval, ApprovalRule::Required);
    assert_eq!(server.rules.risk, RiskPolicy::default());
    assert_eq!(
        (server.rules.max_retries, server.rules.backoff),
        (0, Backoff::default())
    );
    assert_eq!(
        (server.rate_limit_per_min, server.scheduling),
        (1000, SchedulingMode::OnTick)
    );
}

#[test]
fn the_platforms_port_counts_where_ours_is_not_set() {
    let port =
        |environment: &[(&str, &str)]| read(environment, &ServerFlags::default()).unwrap().port;
    assert_eq!(port(&[("PORT", "8080")]), 8080);
    assert_eq!(port(&[("PORT", "8080"), ("ORCH_PORT", "9000")]), 9000);
    let flags = ServerFlags {
        port: Some("0".into()),
        ..ServerFlags::default()
    };
    assert_eq!(
        read(&[("PORT", "8080"), ("ORCH_PORT", "9000")], &flags)
            .unwrap()
            .port,
        0
    );
}

#[test]
fn the_explicit_word_for_no_authentication_is_a_flag_or_a_variable() {
    let exposure = |environment: &[(&str, &str)], flags: &ServerFlags| {
        read(environment, flags).unwrap().exposure
    };
    let flags = ServerFlags {
        allow_unauthenticated: true,
        ..ServerFlags::default()
    };
    assert_eq!(
        exposure(&[], &ServerFlags::default()),
        Exposure::LoopbackOnly
    );
    assert_eq!(
        exposure(
            &[("ORCH_ALLOW_UNAUTHENTICATED", "True")],
            &ServerFlags::default()
        ),
        Exposure::Unauthenticated
    );
    assert_eq!(
        exposure(&[("ORCH_ALLOW_UNAUTHENTICATED", "false")], &flags),
        Exposure::Unauthenticated
    );
    let token = |value| {
        read(&[("ORCH_API_TOKEN", value)], &ServerFlags::default())
            .unwrap()
            .api_token
    };
    assert_eq!((token(""), token("t")), (None, Some("t".to_owned())));
}

#[test]
fn an_interval_schedules_in_the_background_and_up_does_on_wake_up() {
    let mode = |interval, start| {
        let settings = Settings::new(
            [("ORCH_SCHEDULER_BACKGROUND_INTERVAL".to_owned(), interval)],
            &[],
        )
        .unwrap();
        server_config(&mut Reader::new(&settings), &ServerFlags::default(), start).scheduling
    };
    assert_eq!(mode("0".to_owned(), Start::OnTick), SchedulingMode::OnTick);
    assert_eq!(
        mode("0".to_owned(), Start::OnWakeUp),
        SchedulingMode::OnWakeUp
    );
    assert_eq!(
        mode("0.5".to_owned(), Start::OnTick),
        SchedulingMode::Every(Duration::from_millis(500))
    );
}

#[test]
fn all_wrong_settings_are_named_together() {
    let environment = [
        ("ORCH_BACKOFF_BASE_SECONDS", "-1"),
        ("ORCH_RISKY_KINDS", "infrastructure"),
        ("ORCH_DATABASE_URL", "postgresql://me:hunter2@db"),
        ("ORCH_HOST", "http://127.0.0.1"),
    ];
    let failure = read(&environment, &ServerFlags::default()).unwrap_err();
    insta::assert_snapshot!(failure.causes.join("\n"), @r"
    ORCH_HOST is `http://127.0.0.1`: expected a host name or an address without scheme and port, such as 127.0.0.1
    ORCH_DATABASE_URL cannot be used: it names no database on the server; expected postgres://user:password@host:5432/name
    ORCH_RISKY_KINDS is `infrastructure`: `infrastructure` is no kind of work item (expected one of story, task, spike, test, infra)
    ORCH_BACKOFF_BASE_SECONDS is `-1`: expected seconds, 0 or more, such as 1.5
    ");
}

#[test]
fn an_empty_rule_keeps_the_gate_and_none_removes_it() {
    let risk = |titles: &str| {
        read(&[("ORCH_RISKY_TITLES", titles)], &ServerFlags::default())
            .unwrap()
            .rules
            .risk
    };
    assert_eq!(risk(""), RiskPolicy::default());
    assert_eq!(risk("none"), RiskPolicy::parse("", "").unwrap());
}

#[test]
fn the_origin_of_each_value_is_known() {
    let settings = Settings::new(
        [("ORCH_PORT".to_owned(), "1".to_owned())],
        &[(
            ".env",
            "ORCH_DATA_DIR=/d\nORCH_API_TOKEN=hunter2".to_owned(),
        )],
    )
    .unwrap();
    let mut reader = Reader::new(&settings);
    let flags = ServerFlags {
        host: Some("::1".into()),
        ..ServerFlags::default()
    };
    server_config(&mut reader, &flags, Start::OnTick);
    let of = |name| {
        let taken = reader
            .taken()
            .iter()
            .find(|taken| taken.variable == name)
            .unwrap();
        (taken.shown.as_deref(), taken.source)
    };
    assert_eq!(of("ORCH_HOST"), (Some("::1"), Source::Flag("host")));
    assert_eq!(of("ORCH_PORT"), (Some("1"), Source::Environment));
    assert_eq!(of("ORCH_DATA_DIR"), (Some("/d"), Source::File(".env")));
    assert_eq!(of("ORCH_API_TOKEN"), (Some("***"), Source::File(".env")));
    assert_eq!(
        of("ORCH_DATABASE_URL"),
        (Some("/d/orchestrator.db"), Source::Default)
    );
    assert_eq!(of("ORCH_SECRET_KEY"), (None, Source::Default));
}
