//! `tool show`.

use orch_tools::{Locked, ResolveError, ToolError, Verdict, Want};
use serde::Serialize;

use super::command::Place;
use super::list::Listed;
use super::opened::{failure, open, platform, wants};
use crate::commands::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Cell, Details, Tone};

/// Arguments of `tool show`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The tool, and which versions of it
    #[arg(value_name = "NAME[@RANGE]")]
    tool: String,
    /// For another platform than this one
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,
}

#[derive(Debug, Serialize)]
struct Shown {
    entries: Vec<Listed>,
    /// What would be installed.
    resolved: Option<Locked>,
    /// Why nothing would be.
    refused: Option<String>,
    installed: Option<String>,
    programs: Vec<String>,
    sbom: Option<String>,
    vulnerabilities: Option<Verdict>,
}

impl Details for Shown {
    fn fields(&self) -> Vec<(&'static str, Cell)> {
        let mut fields = Vec::new();
        for entry in &self.entries {
            let cells = crate::output::Row::cells(entry);
            let texts: Vec<&str> = cells.iter().map(|cell| cell.text.as_str()).collect();
            fields.push(("entry", Cell::new(texts.join("  "))));
        }
        if let Some(tool) = &self.resolved {
            fields.push(("version", Cell::new(&tool.version)));
            for file in &tool.files {
                let what = format!(
                    "{} {} {} {}",
                    file.name, file.version, file.url, file.sha256
                );
                fields.push(("file", Cell::new(what.trim())));
            }
        }
        if let Some(why) = &self.refused {
            fields.push(("not to be had", Cell::new(why).tone(Tone::Bad)));
        }
        fields.push(("installed in", Cell::optional(self.installed.as_ref())));
        if !self.programs.is_empty() {
            fields.push(("programs", Cell::new(self.programs.join(", "))));
        }
        fields.push(("list of parts", Cell::optional(self.sbom.as_ref())));
        fields.push(("vulnerabilities", verdict(self.vulnerabilities.as_ref())));
        fields
    }
}

/// A verdict in a few words.
pub fn verdict(verdict: Option<&Verdict>) -> Cell {
    match verdict {
        None => Cell::new("unknown: AGENT_TOOL_OSV names no database").tone(Tone::Faint),
        Some(verdict) if verdict.packages == 0 => {
            Cell::new("unknown: it is no package that a database speaks of").tone(Tone::Faint)
        }
        Some(verdict) if verdict.findings.is_empty() => Cell::new("none known").tone(Tone::Good),
        Some(verdict) => {
            let findings = verdict.findings.iter().map(|finding| {
                let severity = finding
                    .severity
                    .map_or_else(|| "unrated".to_owned(), |one| one.to_string());
                format!(
                    "{} ({severity}) in {} {}",
                    finding.id, finding.package, finding.version
                )
            });
            Cell::new(findings.collect::<Vec<_>>().join(", ")).tone(Tone::Bad)
        }
    }
}

/// Runs `tool show`.
pub async fn run(place: &Place, args: &Args, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let opened = open(place, context)?;
    opened.needs_catalog()?;
    let wants: Vec<Want> = wants(std::slice::from_ref(&args.tool))?;
    let platform = platform(args.platform.as_deref())?;
    let catalog = opened.toolbox.catalog().map_err(|error| failure(&error))?;
    let name = wants.first().map_or("", |want| want.name.as_str());
    let entries: Vec<Listed> = catalog.named(name).map(Listed::of).collect();
    let mut shown = Shown {
        entries,
        resolved: None,
        refused: None,
        installed: None,
        programs: Vec::new(),
        sbom: None,
        vulnerabilities: None,
    };
    match opened.toolbox.resolve(&wants, platform).await {
        Ok(lock) => {
            if let Some(tool) = lock.tools.first() {
                let checked = opened.toolbox.check(tool).await;
                shown.vulnerabilities = checked.map_err(|error| failure(&error))?;
                if let Ok(Some(stored)) = opened.toolbox.cache().take(tool.digest(platform)) {
                    shown.programs = stored.manifest.programs.keys().cloned().collect();
                    shown.sbom = Some(
                        stored
                            .folder
                            .join(&stored.manifest.sbom)
                            .display()
                            .to_string(),
                    );
                    shown.installed = Some(stored.folder.display().to_string());
                }
                shown.resolved = Some(tool.clone());
            }
        }
        // An entry can be looked at without being trusted.
        Err(
            error @ ToolError::Resolve(ResolveError::Unsigned(_) | ResolveError::Incomplete { .. }),
        ) => {
            shown.refused = Some(error.to_string());
        }
        Err(error) => return Err(failure(&error)),
    }
    context.output.one(&shown)?;
    Ok(Exit::Done)
}
