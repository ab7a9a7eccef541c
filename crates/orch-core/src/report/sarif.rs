//! SARIF 2.1.0: findings by level, and the gravest of them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::folded::{Folded, Take};
use super::{Finding, MAX_NAMED, Report, short};

#[derive(Deserialize)]
struct Log {
    version: String,
    runs: Folded<Runs>,
}

#[derive(Default)]
struct Runs {
    tools: Vec<String>,
    results: Results,
}

#[derive(Default)]
struct Results {
    count: u64,
    levels: BTreeMap<String, u64>,
    top: Vec<Finding>,
}

#[derive(Deserialize)]
struct Run {
    tool: Option<Tool>,
    results: Option<Folded<Results>>,
}

#[derive(Deserialize)]
struct Tool {
    driver: Option<Driver>,
}

#[derive(Deserialize)]
struct Driver {
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    rule_id: Option<String>,
    level: Option<String>,
    message: Option<Message>,
    locations: Option<Folded<First>>,
    suppressions: Option<Folded<Count>>,
}

#[derive(Deserialize)]
struct Message {
    text: Option<String>,
}

/// Only the first place is of interest.
#[derive(Default)]
struct First(Option<String>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: Option<Physical>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Option<Uri>,
    region: Option<Region>,
}

#[derive(Deserialize)]
struct Uri {
    uri: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: Option<u64>,
}

#[derive(Default)]
struct Count(u64);

impl Take for Count {
    type Item = serde::de::IgnoredAny;

    fn take(&mut self, _: serde::de::IgnoredAny) {
        self.0 += 1;
    }
}

impl Take for First {
    type Item = Location;

    fn take(&mut self, location: Location) {
        if self.0.is_some() {
            return;
        }
        let Some(physical) = location.physical_location else {
            return;
        };
        let uri = physical.artifact_location.and_then(|place| place.uri);
        let line = physical.region.and_then(|region| region.start_line);
        self.0 = uri.map(|uri| match line {
            Some(line) => format!("{}:{line}", short(&uri)),
            None => short(&uri),
        });
    }
}

impl Take for Results {
    type Item = Found;

    fn take(&mut self, found: Found) {
        // A person has looked at it and set it aside.
        if found.suppressions.is_some_and(|list| list.0.0 > 0) {
            return;
        }
        self.count += 1;
        let level = match found.level.as_deref() {
            Some(level @ ("error" | "note" | "none")) => level,
            // The standard's own default.
            Some(_) | None => "warning",
        };
        *self.levels.entry(level.to_owned()).or_default() += 1;
        let grave = |level: &str| {
            ["error", "warning", "note"]
                .iter()
                .position(|one| *one == level)
        };
        let grave = |level: &str| grave(level).unwrap_or(3);
        let at = self
            .top
            .partition_point(|one| grave(&one.level) <= grave(level));
        if at < MAX_NAMED {
            let finding = Finding {
                level: level.to_owned(),
                rule: short(&found.rule_id.unwrap_or_default()),
                message: short(
                    &found
                        .message
                        .and_then(|message| message.text)
                        .unwrap_or_default(),
                ),
                place: found.locations.and_then(|list| list.0.0),
            };
            self.top.insert(at, finding);
            self.top.truncate(MAX_NAMED);
        }
    }
}

impl Take for Runs {
    type Item = Run;

    fn take(&mut self, run: Run) {
        let name = run
            .tool
            .and_then(|tool| tool.driver)
            .and_then(|driver| driver.name);
        if self.tools.len() < MAX_NAMED {
            self.tools.extend(name.as_deref().map(short));
        }
        let Some(Folded(results)) = run.results else {
            return;
        };
        self.results.count += results.count;
        for (level, count) in results.levels {
            *self.results.levels.entry(level).or_default() += count;
        }
        self.results.top.extend(results.top);
        let order = ["error", "warning", "note", "none"];
        let grave = |finding: &Finding| order.iter().position(|one| *one == finding.level);
        self.results.top.sort_by_key(grave);
        self.results.top.truncate(MAX_NAMED);
    }
}

pub(super) fn read(bytes: &[u8]) -> Result<Option<Report>, String> {
    let log: Log = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if !log.version.starts_with("2.") {
        return Ok(None);
    }
    let Runs { tools, results } = log.runs.0;
    Ok(Some(Report::Sarif {
        tools,
        results: results.count,
        levels: results.levels,
        top: results.top,
    }))
}
