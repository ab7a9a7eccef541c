//! The counts of everything as Prometheus reads them.
//!
//! Labels are names of our own: nothing that a person or an agent wrote becomes one.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::response::{IntoResponse as _, Response};
use http::header::CONTENT_TYPE;
use orch_api::types::observability::{CostMetrics, Metrics};

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
    let mut unpriced = Vec::new();
    let mut refused = Vec::new();
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
        let only = format!("{{model=\"{name}\"}}");
        // What nobody can price has no cost, which is not the same as costing nothing.
        if model.answered + model.failed > model.unpriced {
            costs.push((only.clone(), model.cost_microusd));
        }
        unpriced.push((only.clone(), model.unpriced));
        refused.push((only, model.refused));
    }
    let calls_help = "Calls of models, by outcome.";
    let tokens_help = "Tokens of models, by kind; those from the cache are input too.";
    counter(text, "orch_model_calls_total", calls_help, &calls);
    counter(text, "orch_model_tokens_total", tokens_help, &tokens);
    let unpriced_help = "Calls of models that had no price: what they cost is not known.";
    let refused_help = "Calls that a budget or a missing tool did not let through; no calls.";
    counter(
        text,
        "orch_model_unpriced_calls_total",
        unpriced_help,
        &unpriced,
    );
    counter(text, "orch_model_refused_total", refused_help, &refused);
    let costs_help = "What models have cost, in dollars; those with a price.";
    money(text, "orch_model_cost_usd_total", costs_help, &costs);
    spent(text, metrics);
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

fn money(text: &mut String, name: &str, help: &str, samples: &[(String, u64)]) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} counter");
    for (labels, micros) in samples {
        let _ = writeln!(text, "{name}{labels} {}", dollars(*micros));
    }
}

/// Costs with the labels of their series.
type Labelled<'a> = Vec<(String, &'a CostMetrics)>;

/// What projects and work items have cost since they have calls, on all servers together.
fn spent(text: &mut String, metrics: &Metrics) {
    let by_project = metrics.project_costs.iter().map(|(id, costs)| {
        let labels = format!("{{project=\"{id}\"}}");
        (labels, costs)
    });
    let by_item = metrics.work_item_costs.iter().map(|(id, costs)| {
        let project = costs.project_id;
        let labels = format!("{{project=\"{project}\",work_item=\"{id}\"}}");
        (labels, costs)
    });
    let all: [(&str, &str, Labelled<'_>); 2] = [
        (
            "project",
            "of the newest 500 projects that have calls",
            by_project.collect(),
        ),
        (
            "work_item",
            "of the newest 200 work items that have calls",
            by_item.collect(),
        ),
    ];
    for (of, bound, costs) in all {
        let count = |count: i64| u64::try_from(count).unwrap_or_default();
        let priced = costs.iter().filter(|(_, one)| one.calls > one.unpriced);
        let priced: Vec<(String, u64)> = priced
            .map(|(labels, one)| (labels.clone(), count(one.cost_microusd)))
            .collect();
        let help = format!("What models have cost, in dollars, {bound}; calls that had a price.");
        money(text, &format!("orch_{of}_cost_usd_total"), &help, &priced);
        let unpriced: Vec<(String, u64)> = costs
            .into_iter()
            .map(|(labels, one)| (labels, count(one.unpriced)))
            .collect();
        let help = format!("Calls of models that had no price, {bound}.");
        let name = format!("orch_{of}_unpriced_calls_total");
        counter(text, &name, &help, &unpriced);
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
