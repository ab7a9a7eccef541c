//! What each sandbox gives on this machine, and whether the one that is set can be used.

use orch_sandbox::sandbox::{Backend, Report, Settings, Wanted, kubernetes, report};

use super::checks::Check;

/// Looks at each backend; tries them out, which takes some milliseconds.
pub fn checks(wanted: Wanted, settings: &Settings) -> Vec<Check> {
    let reports = report(settings);
    let mut checks: Vec<Check> = reports.iter().map(|report| one(report, wanted)).collect();
    let message = format!("cannot be used yet; expected {}", kubernetes::MISSING);
    checks.push(Check::warning("sandbox kubernetes", message));
    let isolating = reports
        .iter()
        .filter(|report| report.backend != Backend::Process);
    if wanted == Wanted::Auto && isolating.clone().all(|report| report.lacks.is_some()) {
        let message =
            "no sandbox can be used here, so that an agent with AGENT_SANDBOX=auto does not start";
        checks.push(Check::failed("sandbox", message));
    }
    checks
}

fn one(report: &Report, wanted: Wanted) -> Check {
    let name = match report.backend {
        Backend::Bubblewrap => "sandbox bubblewrap",
        Backend::Landlock => "sandbox landlock",
        Backend::Docker => "sandbox docker",
        Backend::Podman => "sandbox podman",
        Backend::Process => "sandbox process",
    };
    let is_wanted = wanted == Wanted::Only(report.backend);
    if let Some(lacks) = &report.lacks {
        let message = format!("cannot be used: {lacks}");
        return match is_wanted {
            true => Check::failed(name, message),
            false => Check::warning(name, message),
        };
    }
    let features = |given: bool| {
        let some = report
            .features
            .iter()
            .filter(|feature| feature.given == given);
        let texts: Vec<String> = some
            .map(|one| format!("{} ({})", one.name, one.how))
            .collect();
        texts.join(", ")
    };
    let (given, missing) = (features(true), features(false));
    let message = match (given.as_str(), missing.as_str()) {
        ("", missing) => format!("lacks {missing}"),
        (given, "") => format!("gives {given}"),
        (given, missing) => format!("gives {given}; lacks {missing}"),
    };
    match (is_wanted, report.backend) {
        (true, Backend::Process) => Check::warning(name, message),
        _ => Check::ok(name, message),
    }
}
