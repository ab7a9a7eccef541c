//! CycloneDX in JSON: how many components, under which licences.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::folded::{Folded, Take};
use super::{MAX_NAMED, Report, short};

/// Licences that are counted apart; the rest is counted as others.
const MOST_LICENCES: usize = 1000;
const OTHERS: &str = "others";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bom {
    bom_format: String,
    components: Option<Folded<Components>>,
    vulnerabilities: Option<Folded<Count>>,
}

#[derive(Default)]
struct Components {
    count: u64,
    unlicensed: u64,
    licences: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
struct Component {
    licenses: Option<Folded<Licences>>,
    components: Option<Folded<Components>>,
}

#[derive(Default)]
struct Licences(Vec<String>);

#[derive(Deserialize)]
struct Choice {
    license: Option<Licence>,
    expression: Option<String>,
}

#[derive(Deserialize)]
struct Licence {
    id: Option<String>,
    name: Option<String>,
}

#[derive(Default)]
struct Count(u64);

impl Take for Count {
    type Item = IgnoredAny;

    fn take(&mut self, _: IgnoredAny) {
        self.0 += 1;
    }
}

impl Take for Licences {
    type Item = Choice;

    fn take(&mut self, choice: Choice) {
        let licence = choice
            .license
            .and_then(|licence| licence.id.or(licence.name));
        if self.0.len() < 20 {
            self.0.extend(choice.expression.or(licence));
        }
    }
}

impl Take for Components {
    type Item = Component;

    fn take(&mut self, component: Component) {
        self.count += 1;
        let licences = component.licenses.map(|list| list.0.0).unwrap_or_default();
        self.unlicensed += u64::from(licences.is_empty());
        for licence in licences {
            self.add(short(&licence), 1);
        }
        if let Some(Folded(inner)) = component.components {
            self.count += inner.count;
            self.unlicensed += inner.unlicensed;
            for (licence, count) in inner.licences {
                self.add(licence, count);
            }
        }
    }
}

impl Components {
    fn add(&mut self, licence: String, count: u64) {
        let is_new = !self.licences.contains_key(&licence);
        let licence = match is_new && self.licences.len() >= MOST_LICENCES {
            true => OTHERS.to_owned(),
            false => licence,
        };
        *self.licences.entry(licence).or_default() += count;
    }
}

pub(super) fn read(bytes: &[u8]) -> Result<Option<Report>, String> {
    let bom: Bom = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if bom.bom_format != "CycloneDX" {
        return Ok(None);
    }
    let found = bom.components.unwrap_or_default().0;
    let mut licences: Vec<(String, u64)> = found.licences.into_iter().collect();
    licences.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let rest: u64 = licences
        .iter()
        .skip(MAX_NAMED)
        .map(|(_, count)| count)
        .sum();
    licences.truncate(MAX_NAMED);
    let mut licences: BTreeMap<String, u64> = licences.into_iter().collect();
    if rest > 0 {
        *licences.entry(OTHERS.to_owned()).or_default() += rest;
    }
    Ok(Some(Report::Cyclonedx {
        components: found.count,
        vulnerabilities: bom.vulnerabilities.unwrap_or_default().0.0,
        licences,
        unlicensed: found.unlicensed,
    }))
}
