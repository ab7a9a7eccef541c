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
    models(&mut text, metrics);
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

/// Calls of models: names are settings of the operator, and few.
fn models(text: &mut String, metrics: &Metrics) {
    let mut tokens = Vec::new();
    let mut calls = Vec::new();
    let mut costs = Vec::new();
    for (name, model) in &metrics.models {
        let name = escaped(name);
        let labels = |label: &str, value: &str| format!("{{model=\"{name}\",{label}=\"{value}\"}}");
        tokens.extend([
            (labels("kind", "input"), model.input_tokens),
            (labels("kind", "cached"), model.cached_tokens),
            (labels("kind", "output"), model.output_tokens),
        ]);
        calls.extend([
            (labels("outcome", "answered"), model.answered),
            (labels("outcome", "failed"), model.failed),
        ]);
        costs.push((format!("{{model=\"{name}\"}}"), model.cost_microusd));
    }
    let calls_help = "Calls of models, by outcome.";
    let tokens_help = "Tokens of models, by kind; those from the cache are input too.";
    counter(text, "orch_model_calls_total", calls_help, &calls);
    counter(text, "orch_model_tokens_total", tokens_help, &tokens);
    let name = "orch_model_cost_usd_total";
    let _ = writeln!(
        text,
        "# HELP {name} What models have cost, in dollars.\n# TYPE {name} counter"
    );
    for (labels, micros) in costs {
        let _ = writeln!(text, "{name}{labels} {}", dollars(micros));
    }
    let name = "orch_budget_remaining";
    let _ = writeln!(
        text,
        "# HELP {name} What is left of a project's hard cap, in dollars.\n# TYPE {name} gauge"
    );
    for (project, micros) in &metrics.budget_remaining_microusd {
        let left = dollars(u64::try_from(*micros).unwrap_or_default());
        let _ = writeln!(text, "{name}{{project=\"{project}\"}} {left}");
    }
}

fn dollars(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// As the format wants the value of a label.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
