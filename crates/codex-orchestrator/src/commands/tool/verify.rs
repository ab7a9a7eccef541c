//! `tool verify`.

use serde::Serialize;

use super::command::Place;
use super::opened::open;
use crate::commands::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Cell, Row, Tone};

#[derive(Debug, Serialize)]
struct Looked {
    digest: String,
    tool: Option<String>,
    fault: Option<String>,
}

impl Row for Looked {
    const HEAD: &'static [&'static str] = &["tool", "state", "digest"];
    const NAME: &'static str = "installed tools";

    fn cells(&self) -> Vec<Cell> {
        let state = match &self.fault {
            None => Cell::new("as installed").tone(Tone::Good),
            Some(fault) => Cell::new(fault).tone(Tone::Bad),
        };
        vec![
            Cell::optional(self.tool.as_ref()),
            state,
            Cell::new(&self.digest),
        ]
    }
}

/// Runs `tool verify`.
pub async fn run(place: &Place, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let opened = open(place, context)?;
    let cache = opened.toolbox.cache().clone();
    let looked = tokio::task::spawn_blocking(move || {
        let digests = cache.digests()?;
        let looked = digests.into_iter().filter_map(|digest| {
            let (tool, fault) = match cache.verify(digest) {
                Ok(Some(stored)) => {
                    let tool = &stored.manifest.tool;
                    (Some(format!("{} {}", tool.name, tool.version)), None)
                }
                Ok(None) => return None,
                Err(error) => (None, Some(error.to_string())),
            };
            Some(Looked {
                digest: digest.hex(),
                tool,
                fault,
            })
        });
        Ok::<Vec<Looked>, orch_tools::CacheError>(looked.collect())
    });
    let failed = |error: &dyn std::error::Error| {
        Failure::new(Exit::Failed, "failed to look at the installed tools").caused_by(error)
    };
    let looked = looked.await.map_err(|error| failed(&error))?;
    let looked = looked.map_err(|error| failed(&error))?;
    context.output.list(&looked)?;
    match looked.iter().any(|one| one.fault.is_some()) {
        true => {
            context
                .output
                .warn("a damaged tool is installed anew when it is next wanted");
            Ok(Exit::Failed)
        }
        false => Ok(Exit::Done),
    }
}
