//! The counts of everything as Prometheus reads them.
//!
//! Labels are names of our own: nothing that a person or an agent wrote becomes one.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::response::{IntoResponse as _, Response};
use http::header::CONTENT_TYPE;
use orch_api::types::observability::Metrics;

/// The text format of Prometheus 0.0.4.
pub fn exposition(metrics: &Metrics) -> Response {
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, samples: &[(String, i64)]| {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (labels, value) in samples {
            let _ = writeln!(text, "{name}{labels} {value}");
        }
    };
    let plain = |value: i64| vec![(String::new(), value)];
    gauge("orch_projects", "Projects.", &plain(metrics.projects));
    gauge("orch_work_items", "Work items.", &plain(metrics.work_items));
    gauge(
        "orch_pending_approvals",
        "Approvals that wait for a decision.",
        &plain(metrics.pending_approvals),
    );
    gauge(
        "orch_pending_info_requests",
        "Questions that wait for an answer.",
        &plain(metrics.pending_info_requests),
    );
    gauge(
        "orch_audit_entries",
        "Entries of the audit chain.",
        &plain(metrics.audit_entries),
    );
    let agents = i64::try_from(metrics.connected_agents).unwrap_or(i64::MAX);
    gauge(
        "orch_connected_agents",
        "Agents with an open stream.",
        &plain(agents),
    );
    let labelled = |label: &str, counts: &BTreeMap<String, i64>| -> Vec<(String, i64)> {
        counts
            .iter()
            .map(|(name, count)| (format!("{{{label}=\"{name}\"}}"), *count))
            .collect()
    };
    gauge(
        "orch_runs",
        "Runs by status.",
        &labelled("status", &metrics.runs_by_status),
    );
    gauge(
        "orch_queue_entries",
        "Queue entries by state.",
        &labelled("state", &metrics.queue_by_state),
    );
    let one = |count: u64| vec![(String::new(), count)];
    let said = &metrics.reports;
    let labelled = |label: &str, sums: &BTreeMap<String, u64>| -> Vec<(String, u64)> {
        sums.iter()
            .map(|(value, sum)| (format!("{{{label}=\"{value}\"}}"), *sum))
            .collect()
    };
    for (name, help, samples) in [
        (
            "orch_tool_cache_hits_total",
            "Tools of runs that agents had in their caches.",
            one(metrics.tool_cache_hits),
        ),
        (
            "orch_tool_cache_misses_total",
            "Tools of runs that agents had to fetch.",
            one(metrics.tool_cache_misses),
        ),
        (
            "orch_reports_total",
            "Reports among artifacts, by format.",
            labelled("format", &said.by_format),
        ),
        (
            "orch_report_tests_total",
            "Tests of reports, by result.",
            labelled("result", &said.tests),
        ),
        (
            "orch_report_lines_total",
            "Lines of coverage reports, covered or missed.",
            labelled("state", &said.lines),
        ),
        (
            "orch_report_findings_total",
            "Findings of reports, by severity.",
            labelled("severity", &said.findings),
        ),
        (
            "orch_report_components_total",
            "Components of bills of materials.",
            one(said.components),
        ),
        (
            "orch_report_vulnerabilities_total",
            "Vulnerabilities that bills of materials name.",
            one(said.vulnerabilities),
        ),
    ] {
        counter(&mut text, name, help, &samples);
    }
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        text,
    )
        .into_response()
}

fn counter(text: &mut String, name: &str, help: &str, samples: &[(String, u64)]) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} counter");
    for (labels, value) in samples {
        let _ = writeln!(text, "{name}{labels} {value}");
    }
}
