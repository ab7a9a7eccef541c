//! A plan as text, as Mermaid and as DOT. Titles are data: they can end no string, start no line and be
//! no markup of the drawing.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use super::graph::Graph;
use super::model::{Breakdown, Finished, Task};
use super::schedule::Schedule;

/// Longer titles are cut.
const MAX_SHOWN_CHARS: usize = 100;

/// A tree of epics, stories and tasks (`x` done, `!` on the critical path), and then, where there is a
/// schedule, its waves and bands.
pub fn text(plan: &Breakdown, schedule: Option<&Schedule>, done: &Finished) -> String {
    let critical = critical(schedule);
    let mut out = String::new();
    if plan.tasks.is_empty() {
        out.push_str("The plan has no tasks.\n");
    }
    let mut stories: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, story) in plan.stories.iter().enumerate() {
        stories.entry(&story.epic).or_default().push(at);
    }
    let mut tasks: HashMap<&str, Vec<&Task>> = HashMap::new();
    for task in &plan.tasks {
        tasks.entry(&task.story).or_default().push(task);
    }
    for epic in &plan.epics {
        line(
            &mut out,
            format_args!("{} {}", plain(&epic.id), plain(&epic.title)),
        );
        for at in stories.get(epic.id.as_str()).into_iter().flatten() {
            let story = &plan.stories[*at];
            line(
                &mut out,
                format_args!("  {} {}", plain(&story.id), plain(&story.title)),
            );
            for task in tasks.get(story.id.as_str()).into_iter().flatten() {
                let mark = match (done.contains(&task.id), critical.contains(task.id.as_str())) {
                    (true, _) => 'x',
                    (false, true) => '!',
                    (false, false) => ' ',
                };
                let waits = match task.depends_on.as_slice() {
                    [] => String::new(),
                    waits => format!(" after {}", plain(&waits.join(", "))),
                };
                line(
                    &mut out,
                    format_args!(
                        "    [{mark}] {} {} ({}, {}){waits}",
                        plain(&task.id),
                        plain(&task.title),
                        plain(&task.role),
                        duration(u64::from(task.estimate.likely_minutes)),
                    ),
                );
            }
        }
    }
    if !plan.tasks.is_empty() {
        out.push_str("\n[x] is done, [!] is on the critical path\n");
    }
    if let Some(schedule) = schedule {
        write_schedule(&mut out, schedule);
    }
    out
}

fn write_schedule(out: &mut String, schedule: &Schedule) {
    if !schedule.waves.is_empty() {
        out.push_str("\nWaves\n");
    }
    for (number, wave) in schedule.waves.iter().enumerate() {
        let number = number + 1;
        line(out, format_args!("  {number}. {}", plain_list(wave)));
    }
    if !schedule.critical_path.is_empty() {
        line(
            out,
            format_args!(
                "\nCritical path ({}): {}",
                duration(schedule.critical_minutes),
                plain_list(&schedule.critical_path)
            ),
        );
    }
    let bands = |bands: super::schedule::Bands| {
        let [p50, p80, p95] = [bands.p50, bands.p80, bands.p95].map(duration);
        format!("{p50} (50 %), {p80} (80 %), {p95} (95 %)")
    };
    line(out, format_args!("Time: {}", bands(schedule.eta)));
    for with in &schedule.with_workers {
        let workers = match with.workers {
            1 => "1 worker".to_owned(),
            several => format!("{several} workers"),
        };
        line(out, format_args!("  {workers}: {}", bands(with.eta)));
    }
}

fn plain_list(ids: &[String]) -> String {
    let ids: Vec<String> = ids.iter().map(|id| plain(id)).collect();
    ids.join(", ")
}

/// A Mermaid flowchart; dependencies point at what waits.
pub fn mermaid(plan: &Breakdown, schedule: Option<&Schedule>, done: &Finished) -> String {
    let critical = critical(schedule);
    let mut out = String::from("flowchart LR\n");
    for (at, task) in plan.tasks.iter().enumerate() {
        let class = match (done.contains(&task.id), critical.contains(task.id.as_str())) {
            (true, _) => ":::done",
            (false, true) => ":::critical",
            (false, false) => "",
        };
        line(
            &mut out,
            format_args!("  t{at}[\"{}\"]{class}", entities(&label(task))),
        );
    }
    for (at, waits) in Graph::of(&plan.tasks).before.iter().enumerate() {
        for earlier in waits {
            line(&mut out, format_args!("  t{earlier} --> t{at}"));
        }
    }
    out.push_str("  classDef done fill:#d5e8d4,stroke:#82b366\n");
    out.push_str("  classDef critical stroke:#b85450,stroke-width:3px\n");
    out
}

/// A graph for Graphviz; dependencies point at what waits.
pub fn dot(plan: &Breakdown, schedule: Option<&Schedule>, done: &Finished) -> String {
    let critical = critical(schedule);
    let mut out = String::from("digraph plan {\n  rankdir=LR;\n  node [shape=box];\n");
    for (at, task) in plan.tasks.iter().enumerate() {
        let style = match (done.contains(&task.id), critical.contains(task.id.as_str())) {
            (true, _) => ", style=filled, fillcolor=\"#d5e8d4\"",
            (false, true) => ", color=\"#b85450\", penwidth=3",
            (false, false) => "",
        };
        line(
            &mut out,
            format_args!("  t{at} [label=\"{}\"{style}];", quoted(&label(task))),
        );
    }
    for (at, waits) in Graph::of(&plan.tasks).before.iter().enumerate() {
        for earlier in waits {
            line(&mut out, format_args!("  t{earlier} -> t{at};"));
        }
    }
    out.push_str("}\n");
    out
}

fn critical(schedule: Option<&Schedule>) -> HashSet<&str> {
    let path = schedule.map(|schedule| schedule.critical_path.iter());
    path.into_iter().flatten().map(String::as_str).collect()
}

fn label(task: &Task) -> String {
    format!("{} {}", plain(&task.id), plain(&task.title))
}

/// One line without what cannot be seen, cut where it is long.
fn plain(text: &str) -> String {
    super::propose::one_line(text, MAX_SHOWN_CHARS)
}

/// Letters, digits and what means nothing anywhere; all else by its number. Mermaid writes a character as
/// `#` and its number, and reads HTML in labels.
fn entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ' ' | '.' | ',' | ':' | '-' | '’' | '“' | '”' | '…' => out.push(c),
            c if c.is_alphanumeric() => out.push(c),
            c => write!(out, "#{};", u32::from(c))
                .expect("invariant: writing to a String cannot fail"),
        }
    }
    out
}

/// The inside of a string of DOT. A backslash starts an escape there, so it is doubled.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Hours and minutes of work.
fn duration(minutes: u64) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

fn line(out: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(out, "{line}").expect("invariant: writing to a String cannot fail");
}
