//! Whether the server answers, how it is, and whether its clock agrees with ours.

use orch_api::client::{Client, ClientError};
use orch_api::types::observability::{Fault, Health};
use orch_core::time::Timestamp;

use super::checks::Check;
use crate::clock;

/// Leases and approvals are judged by the server's clock alone; more than this confuses people.
const MOST_SKEW_SECONDS: f64 = 5.0;

/// Asks the server.
pub async fn checks(client: &Client) -> Vec<Check> {
    let answer = match client.health().await {
        Ok(answer) => answer,
        Err(ClientError::Unreachable { url, .. }) => {
            return vec![Check::warning(
                "server",
                format!("no server answers at {url}; `codex-orchestrator up` starts one here"),
            )];
        }
        Err(error) => {
            return vec![Check::failed(
                "server",
                format!("{}: {error}", client.url()),
            )];
        }
    };
    let health = &answer.health;
    let about = format!(
        "{}: {} {}, database {}",
        client.url(),
        health.status,
        health.version,
        health.database
    );
    let mut checks = vec![overall(about, health)];
    checks.extend(health.faults.iter().map(named));
    if health.version != env!("CARGO_PKG_VERSION") {
        let ours = env!("CARGO_PKG_VERSION");
        checks.push(Check::warning(
            "version",
            format!("the server is {}, this program {ours}", health.version),
        ));
    }
    checks.push(match client.agents().await {
        Ok(_) => Check::ok("access", "the server accepts this caller"),
        Err(error) => Check::failed("access", error.to_string()),
    });
    checks.extend(
        answer
            .date
            .as_deref()
            .and_then(|date| clocks(date, clock::now())),
    );
    checks
}

/// The server in one line; what is wrong is named in lines of its own.
fn overall(about: String, health: &Health) -> Check {
    let is_well = health.status == "ok" && health.faults.is_empty() && health.problems.is_empty();
    match health.problems.as_slice() {
        _ if is_well => Check::ok("server", about),
        problems if health.faults.is_empty() && !problems.is_empty() => {
            Check::warning("server", format!("{about}; {}", problems.join("; ")))
        }
        _ => Check::warning("server", about),
    }
}

/// A fault that the server names itself.
fn named(fault: &Fault) -> Check {
    let said = format!("{} (since {}): {}", fault.what, fault.since, fault.remedy);
    match fault.kind.as_str() {
        "database_unreachable" => Check::failed("server's database", said),
        "disk_full" => Check::failed("server's disk", said),
        "stuck_outbox" => Check::failed("server's outbox", said),
        "unreadable_row" => Check::failed("server's rows", said),
        "artifacts_unreachable" => Check::failed("server's artifacts", said),
        "damaged_log" => Check::warning("server's logs", said),
        "clock_off" => Check::warning("server's clock", said),
        _ => Check::warning("server", said),
    }
}

fn clocks(date: &str, now: Timestamp) -> Option<Check> {
    let theirs = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
    // The header has whole seconds: half of one is its middle.
    let theirs = Timestamp::from_micros(theirs.as_microsecond() + 500_000);
    let skew = now
        .since(theirs)
        .as_secs_f64()
        .max(theirs.since(now).as_secs_f64());
    Some(if skew > MOST_SKEW_SECONDS {
        Check::warning(
            "clock",
            format!("the server's clock and ours are {skew:.0} s apart"),
        )
    } else {
        Check::ok("clock", "agrees with the server's")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_named_with_its_beginning_and_what_to_do() {
        let fault = Fault {
            kind: "disk_full".to_owned(),
            what: "the disk of /data has 5 MiB free".to_owned(),
            since: "2026-01-02T10:00:00Z".to_owned(),
            remedy: "free some space".to_owned(),
        };
        let said = "the disk of /data has 5 MiB free (since 2026-01-02T10:00:00Z): free some space";
        assert_eq!(named(&fault), Check::failed("server's disk", said));
    }

    #[test]
    fn a_server_that_is_degraded_is_not_called_ok() {
        let mut health = Health {
            status: "ok".to_owned(),
            version: "1".to_owned(),
            database: "sqlite".to_owned(),
            scheduling: "on tick".to_owned(),
            connected_agents: 0,
            uptime_seconds: 1.0,
            problems: Vec::new(),
            faults: Vec::new(),
        };
        let about = || "http://x: …".to_owned();
        assert_eq!(overall(about(), &health), Check::ok("server", about()));
        health.status = "degraded".to_owned();
        assert_eq!(overall(about(), &health), Check::warning("server", about()));
        health.problems = vec!["the disk is full".to_owned()];
        let said = "http://x: …; the disk is full";
        assert_eq!(overall(about(), &health), Check::warning("server", said));
    }

    #[test]
    fn clocks_that_are_apart_are_noticed() {
        let date = "Fri, 02 Jan 2026 10:00:00 GMT";
        let at = |text| clocks(date, Timestamp::parse(text).unwrap()).unwrap();
        assert_eq!(
            at("2026-01-02T10:00:03Z"),
            Check::ok("clock", "agrees with the server's")
        );
        assert_eq!(
            at("2026-01-02T09:59:30Z").message,
            "the server's clock and ours are 30 s apart"
        );
        assert_eq!(clocks("whenever", Timestamp::from_micros(0)), None);
    }
}
