//! What a run would do, for people.

use std::fmt::Write as _;

use orch_api::types::dry_run::{DryRun, DryRunAgent, DryRunArtifact, DryRunSecret, DryRunStep};

use crate::output::one_line;

/// As text; nothing of it can do anything to a terminal.
pub fn text(shown: &DryRun) -> String {
    let mut text = String::new();
    if let (Some(id), Some(title)) = (shown.work_item_id, &shown.title) {
        line(&mut text, &format!("work item   {id}  {title}"));
    }
    if let Some(source) = &shown.source {
        let commit = source
            .commit
            .as_deref()
            .unwrap_or("resolved when the run begins");
        let reference = source.reference.as_deref().unwrap_or("its default branch");
        line(&mut text, &format!("repository  {}", source.repository));
        line(&mut text, &format!("ref         {reference}"));
        line(&mut text, &format!("commit      {commit}"));
    }
    if let Some(approval) = &shown.approval {
        line(&mut text, &format!("approval    {}", approval.state));
        if approval.of_planned_steps {
            line(
                &mut text,
                "            the planned steps need an approval of their own",
            );
        }
    }
    let network = match shown.rights.hosts.is_empty() {
        true => shown.rights.network.clone(),
        false => format!(
            "{}: {}",
            shown.rights.network,
            shown.rights.hosts.join(", ")
        ),
    };
    line(&mut text, &format!("network     {network}"));
    line(
        &mut text,
        &format!("writable    {}", shown.rights.writable.join(", ")),
    );
    if !shown.rights.capabilities.is_empty() {
        line(
            &mut text,
            &format!("asks for    {}", shown.rights.capabilities.join(", ")),
        );
    }
    for refused in &shown.rights.refused {
        line(&mut text, &format!("refused     {refused}"));
    }
    for tool in &shown.tools {
        let version = tool.version.as_deref().unwrap_or("any version");
        line(&mut text, &format!("tool        {} {version}", tool.name));
    }
    for shown in &shown.steps {
        step(&mut text, shown);
    }
    for kept in &shown.artifacts {
        line(&mut text, &format!("keeps       {}", artifact(kept)));
    }
    for shown in &shown.agents {
        agent(&mut text, shown);
    }
    for what in &shown.unknown {
        line(&mut text, &format!("unknown     {what}"));
    }
    text
}

fn step(text: &mut String, step: &DryRunStep) {
    let name = step.name.as_deref().unwrap_or_default();
    line(text, &format!("step {:<6} {name}", step.number));
    for (place, command) in step.run.lines().enumerate() {
        let mark = if place == 0 { '$' } else { ' ' };
        line(text, &format!("            {mark} {command}"));
    }
    let mut facts = vec![format!("in {}", step.cwd)];
    if let Some(seconds) = step.timeout_seconds {
        facts.push(format!("at most {seconds} s"));
    }
    if !step.env.is_empty() {
        facts.push(format!("sets {}", step.env.join(", ")));
    }
    if !step.idempotent {
        facts.push("not repeated without a person's word".to_owned());
    }
    line(text, &format!("            {}", facts.join("; ")));
    for secret in &step.secrets {
        let DryRunSecret {
            name,
            form,
            variable,
        } = secret;
        line(
            text,
            &format!("            gets the secret {name} as the {form} {variable}"),
        );
    }
    for kept in &step.artifacts {
        line(text, &format!("            keeps {}", artifact(kept)));
    }
}

fn artifact(kept: &DryRunArtifact) -> String {
    let name = kept.name.as_ref().map(|name| format!(" as {name}"));
    let kind = kept.kind.as_ref().map(|kind| format!(" ({kind})"));
    [Some(kept.path.clone()), name, kind]
        .into_iter()
        .flatten()
        .collect()
}

fn agent(text: &mut String, agent: &DryRunAgent) {
    let sandbox = match agent.sandbox.as_deref() {
        Some("process") => "plain processes, no sandbox".to_owned(),
        Some(sandbox) => format!("sandbox {sandbox}"),
        None => "sandbox unknown".to_owned(),
    };
    let limits = agent
        .limits
        .iter()
        .map(|(name, value)| format!("{name} {value}"));
    let facts: Vec<String> = std::iter::once(sandbox).chain(limits).collect();
    line(
        text,
        &format!("agent       {}: {}", agent.name, facts.join(", ")),
    );
    for denied in &agent.denied {
        line(text, &format!("            would refuse: {denied}"));
    }
}

fn line(text: &mut String, content: &str) {
    // Writing into a text cannot fail.
    let _ = writeln!(text, "{}", one_line(content).trim_end());
}
