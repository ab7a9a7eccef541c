//! SARIF 2.1.0: findings by level, and the gravest of them.
//!
//! A result that says no level has its rule's (`defaultConfiguration`), which may stand behind it in the
//! file: results are read when the rules are known. What is no failure, or set aside by a person, or gone
//! since the last analysis is no finding.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::folded::{Folded, Take};
use super::{Finding, MAX_NAMED, Report, short};

/// The gravest first.
const LEVELS: [&str; 4] = ["error", "warning", "note", "none"];
/// The standard's own default.
const DEFAULT: &str = "warning";

#[derive(Deserialize)]
struct Log {
    version: String,
    runs: Folded<Runs>,
}

#[derive(Default)]
struct Runs {
    tools: Vec<String>,
    results: Results,
    fault: Option<String>,
}

#[derive(Default)]
struct Results {
    count: u64,
    levels: BTreeMap<&'static str, u64>,
    top: Vec<Finding>,
}

#[derive(Deserialize)]
struct Run {
    tool: Option<Tool>,
    results: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Tool {
    driver: Option<Driver>,
    extensions: Option<Vec<Driver>>,
}

#[derive(Deserialize)]
struct Driver {
    name: Option<String>,
    rules: Option<Folded<Rules>>,
}

/// The levels of a component's rules.
#[derive(Default)]
struct Rules {
    by_place: Vec<&'static str>,
    by_id: HashMap<String, &'static str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: Option<String>,
    default_configuration: Option<Configuration>,
}

#[derive(Deserialize)]
struct Configuration {
    level: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    rule_id: Option<String>,
    rule_index: Option<i64>,
    rule: Option<Reference>,
    kind: Option<String>,
    level: Option<String>,
    baseline_state: Option<String>,
    message: Option<Message>,
    locations: Option<Folded<First>>,
    suppressions: Option<Folded<Suppressions>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    id: Option<String>,
    index: Option<i64>,
    tool_component: Option<Component>,
}

#[derive(Deserialize)]
struct Component {
    index: Option<i64>,
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
struct Suppressions {
    all: u64,
    accepted: u64,
}

#[derive(Deserialize)]
struct Suppression {
    status: Option<String>,
}

impl Take for Suppressions {
    type Item = Suppression;

    fn take(&mut self, one: Suppression) {
        self.all += 1;
        self.accepted += u64::from(matches!(one.status.as_deref(), None | Some("accepted")));
    }
}

impl Take for Rules {
    type Item = Rule;

    fn take(&mut self, rule: Rule) {
        let level = level(rule.default_configuration.and_then(|given| given.level));
        let level = level.unwrap_or(DEFAULT);
        self.by_place.push(level);
        if let Some(id) = rule.id.filter(|_| level != DEFAULT) {
            self.by_id.entry(id).or_insert(level);
        }
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

impl Found {
    /// Whether it is one that somebody should look at.
    fn is_open(&self) -> bool {
        let is_set_aside = self.suppressions.as_ref().is_some_and(|Folded(list)| {
            // One that was rejected, or is still looked at, sets nothing aside.
            list.all > 0 && list.accepted == list.all
        });
        let is_failure = matches!(self.kind.as_deref(), None | Some("fail"));
        let is_there = self.baseline_state.as_deref() != Some("absent");
        is_failure && is_there && !is_set_aside
    }

    /// The level that it says itself, or else its rule's.
    fn level(&self, components: &[Rules]) -> &'static str {
        if let Some(own) = level(self.level.clone()) {
            return own;
        }
        let rule = self.rule.as_ref();
        let component = rule.and_then(|rule| rule.tool_component.as_ref()?.index);
        // The first is the driver, its extensions follow.
        let component = component.and_then(|index| usize::try_from(index).ok()?.checked_add(1));
        let Some(rules) = components.get(component.unwrap_or_default()) else {
            return DEFAULT;
        };
        let index = self.rule_index.or_else(|| rule?.index);
        let placed = index.and_then(|index| rules.by_place.get(usize::try_from(index).ok()?));
        if let Some(level) = placed {
            return level;
        }
        let id = self.rule_id.as_deref().or_else(|| rule?.id.as_deref());
        let mut id = id.unwrap_or_default();
        loop {
            if let Some(level) = rules.by_id.get(id) {
                return level;
            }
            // `CA1000/1` is a part of the rule CA1000.
            match id.rsplit_once('/') {
                Some((whole, _)) => id = whole,
                None => return DEFAULT,
            }
        }
    }
}

/// A level that the standard has; what it has not counts as its default.
fn level(given: Option<String>) -> Option<&'static str> {
    let given = given?;
    let known = LEVELS.into_iter().find(|level| *level == given);
    Some(known.unwrap_or(DEFAULT))
}

fn gravity(level: &str) -> usize {
    let place = LEVELS.iter().position(|one| *one == level);
    place.unwrap_or(LEVELS.len())
}

impl Results {
    fn take(&mut self, found: Found, components: &[Rules]) {
        if !found.is_open() {
            return;
        }
        self.count += 1;
        let level = found.level(components);
        *self.levels.entry(level).or_default() += 1;
        let at = self
            .top
            .partition_point(|one| gravity(&one.level) <= gravity(level));
        if at < MAX_NAMED {
            let id = found.rule_id.or_else(|| found.rule?.id);
            let message = found.message.and_then(|message| message.text);
            let finding = Finding {
                level: level.to_owned(),
                rule: short(&id.unwrap_or_default()),
                message: short(&message.unwrap_or_default()),
                place: found.locations.and_then(|list| list.0.0),
            };
            self.top.insert(at, finding);
            self.top.truncate(MAX_NAMED);
        }
    }
}

/// Sums up the results of a run whose rules are known.
struct Summing<'s> {
    results: &'s mut Results,
    components: &'s [Rules],
}

impl<'de> Visitor<'de> for Summing<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(found) = list.next_element()? {
            self.results.take(found, self.components);
        }
        Ok(())
    }
}

impl Take for Runs {
    type Item = Run;

    fn take(&mut self, run: Run) {
        let mut components = Vec::new();
        if let Some(tool) = run.tool {
            let driver = tool.driver;
            let name = driver.as_ref().and_then(|driver| driver.name.as_deref());
            if self.tools.len() < MAX_NAMED {
                self.tools.extend(name.map(short));
            }
            let all =
                std::iter::once(driver).chain(tool.extensions.into_iter().flatten().map(Some));
            components.extend(all.map(|one| {
                let rules = one.and_then(|one| one.rules);
                rules.map(|Folded(rules)| rules).unwrap_or_default()
            }));
        }
        let Some(results) = run.results else {
            return;
        };
        let summing = Summing {
            results: &mut self.results,
            components: &components,
        };
        let mut json = serde_json::Deserializer::from_str(results.get());
        if let Err(error) = json.deserialize_any(summing) {
            self.fault.get_or_insert(format!("in `results`: {error}"));
        }
    }
}

pub(super) fn read(bytes: &[u8]) -> Result<Option<Report>, String> {
    let log: Log = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if !log.version.starts_with("2.") {
        return Ok(None);
    }
    let Runs {
        tools,
        results,
        fault,
    } = log.runs.0;
    if let Some(fault) = fault {
        return Err(fault);
    }
    let levels = results.levels.into_iter();
    Ok(Some(Report::Sarif {
        tools,
        results: results.count,
        levels: levels
            .map(|(level, count)| (level.to_owned(), count))
            .collect(),
        top: results.top,
    }))
}
