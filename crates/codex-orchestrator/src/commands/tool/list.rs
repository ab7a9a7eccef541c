//! `tool list`.

use orch_tools::{Entry, Trust};
use serde::Serialize;

use super::command::Place;
use super::opened::{failure, open};
use crate::commands::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Cell, Row, Tone};

/// An entry of the catalog.
#[derive(Debug, Serialize)]
pub struct Listed {
    name: String,
    version: Option<String>,
    origin: String,
    signed_by: Option<String>,
    entry: String,
    file: String,
}

impl Listed {
    /// As it is shown.
    pub fn of(entry: &Entry) -> Self {
        Self {
            name: entry.name.clone(),
            version: entry.version.clone(),
            origin: entry.origin(),
            signed_by: match &entry.trust {
                Trust::Signed { key, .. } => Some(key.clone()),
                Trust::Unsigned { .. } | Trust::Forged { .. } => None,
            },
            entry: entry.digest.to_string(),
            file: entry.file.display().to_string(),
        }
    }
}

impl Row for Listed {
    const HEAD: &'static [&'static str] = &["name", "version", "from", "signed by", "file"];
    const NAME: &'static str = "tools";

    fn cells(&self) -> Vec<Cell> {
        let signed = match &self.signed_by {
            Some(key) => Cell::new(key).tone(Tone::Good),
            None => Cell::new("UNSIGNED").tone(Tone::Waiting),
        };
        vec![
            Cell::new(&self.name),
            Cell::optional(self.version.as_ref()),
            Cell::new(&self.origin),
            signed,
            Cell::new(&self.file),
        ]
    }
}

/// Runs `tool list`.
pub fn run(place: &Place, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let opened = open(place, context)?;
    opened.needs_catalog()?;
    let catalog = opened.toolbox.catalog().map_err(|error| failure(&error))?;
    let listed: Vec<Listed> = catalog.entries().iter().map(Listed::of).collect();
    context.output.list(&listed)?;
    if let (Some(folder), true) = (&opened.config.tools.catalog, listed.is_empty()) {
        context.output.note(&format!(
            "{} has no entry: an entry is a file that ends in .yaml with a name and a source or a package; \
             examples/catalog in the sources has some",
            folder.display()
        ));
    }
    for fault in catalog.faults() {
        let message = format!("{} is passed over: {}", fault.file.display(), fault.why);
        context.output.warn(&message);
    }
    Ok(Exit::Done)
}
