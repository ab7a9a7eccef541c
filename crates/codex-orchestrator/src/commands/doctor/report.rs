//! How the findings are written.

use serde::Serialize;

use super::checks::{Check, Verdict};
use crate::config::{Source, Taken};
use crate::failure::Failure;
use crate::output::{Cell, Format, Output, Row, Tone};

/// A setting, its value and its origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SettingLine {
    pub variable: &'static str,
    /// Secrets are masked; `None` is not set.
    pub value: Option<String>,
    pub source: String,
    pub fault: Option<String>,
    #[serde(skip)]
    is_default: IsDefault,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IsDefault {
    Yes,
    No,
}

impl From<&Taken> for SettingLine {
    fn from(taken: &Taken) -> Self {
        Self {
            variable: taken.variable,
            value: taken.shown.clone(),
            source: taken.source.to_string(),
            fault: taken.fault.clone(),
            is_default: if taken.source == Source::Default {
                IsDefault::Yes
            } else {
                IsDefault::No
            },
        }
    }
}

impl Row for SettingLine {
    const HEAD: &'static [&'static str] = &["setting", "from", "value"];
    const NAME: &'static str = "settings";

    fn cells(&self) -> Vec<Cell> {
        let tone = match self.is_default {
            IsDefault::Yes => Tone::Faint,
            IsDefault::No => Tone::Plain,
        };
        vec![
            Cell::new(self.variable),
            Cell::new(&self.source).tone(tone),
            Cell::optional(self.value.as_ref().filter(|value| !value.is_empty())).tone(tone),
        ]
    }

    fn notes(&self) -> Vec<Cell> {
        self.fault
            .iter()
            .map(|fault| Cell::new(fault).tone(Tone::Bad))
            .collect()
    }
}

impl Row for Check {
    const HEAD: &'static [&'static str] = &["check", "result", "found"];
    const NAME: &'static str = "checks";

    fn cells(&self) -> Vec<Cell> {
        let verdict = match self.verdict {
            Verdict::Ok => Cell::new("ok").tone(Tone::Good),
            Verdict::Warning => Cell::new("warning").tone(Tone::Waiting),
            Verdict::Failed => Cell::new("FAILED").tone(Tone::Bad),
        };
        vec![Cell::new(self.name), verdict, Cell::new(&self.message)]
    }
}

/// Everything that was found.
#[derive(Debug, Serialize)]
pub struct Report {
    pub settings: Vec<SettingLine>,
    pub checks: Vec<Check>,
}

impl Report {
    /// Whether nothing is wrong; warnings are no faults.
    pub fn is_well(&self) -> bool {
        self.settings.iter().all(|setting| setting.fault.is_none())
            && self
                .checks
                .iter()
                .all(|check| check.verdict != Verdict::Failed)
    }

    pub fn write(&self, output: &mut Output) -> Result<(), Failure> {
        if output.format() == Format::Json {
            return Ok(output.document(self)?);
        }
        output.list(&self.settings)?;
        Ok(output.section("Checks", &self.checks)?)
    }
}
