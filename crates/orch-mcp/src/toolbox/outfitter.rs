//! Gives the models of roles their tools.

use std::fmt;
use std::sync::Arc;

use orch_model::{
    Answer, Ask, Asking, Deltas, Leash, ModelError, Provider, Redact, Tooled, VeiledTools,
};

use super::open::Toolbox;
use super::{McpSettings, McpSettingsError, NamedTool};

/// Tools of one role: as many as providers take.
const MOST_TOOLS: usize = 128;

/// Knows the servers.
#[derive(Clone, Debug, Default)]
pub struct Outfitter {
    settings: Arc<McpSettings>,
}

impl Outfitter {
    #[must_use]
    pub fn new(settings: McpSettings) -> Self {
        Self {
            settings: Arc::new(settings),
        }
    }

    /// Reads the tools that a role names, each as `server/tool`.
    ///
    /// # Errors
    /// When a server or a tool is not among those that are set, or they are too many.
    pub fn admit(&self, role: &str, tools: &[String]) -> Result<Vec<NamedTool>, McpSettingsError> {
        if let Some(wanted) = tools.get(MOST_TOOLS) {
            return Err(McpSettingsError::Role {
                role: role.to_owned(),
                wanted: wanted.clone(),
                why: format!(
                    "it names {} tools; a model is given at most {MOST_TOOLS}",
                    tools.len()
                ),
            });
        }
        let admit = |wanted: &String| {
            let named = NamedTool::parse(role, wanted)?;
            match self.settings.admit(&named) {
                Ok(()) => Ok(named),
                Err(why) => Err(McpSettingsError::Role {
                    role: role.to_owned(),
                    wanted: wanted.clone(),
                    why,
                }),
            }
        };
        tools.iter().map(admit).collect()
    }

    /// What is wrong with servers, as far as that is seen without asking them: a sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        self.settings.faults(|name| std::env::var(name).ok())
    }

    /// What servers are given in secret, as it is now: values that nobody is to be shown.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        self.settings.secrets()
    }

    /// The model with these tools; servers are started when it is asked and ended when it has answered. What
    /// tools answer is redacted before anything is made of it.
    #[must_use]
    pub fn equip(
        &self,
        model: Arc<dyn Provider>,
        tools: Vec<NamedTool>,
        redact: &Redact,
    ) -> Arc<dyn Provider> {
        match tools.is_empty() {
            true => model,
            false => Arc::new(Equipped {
                model,
                settings: Arc::clone(&self.settings),
                tools,
                redact: Arc::clone(redact),
            }),
        }
    }
}

struct Equipped {
    model: Arc<dyn Provider>,
    settings: Arc<McpSettings>,
    tools: Vec<NamedTool>,
    redact: Redact,
}

impl Equipped {
    async fn asked(&self, ask: &Ask, deltas: Deltas<'_>) -> Result<Answer, ModelError> {
        let opened = Toolbox::open(&self.settings, &self.tools).await;
        let toolbox = opened.map_err(|error| ModelError::Unequipped {
            why: error.to_string(),
        })?;
        let toolbox = Arc::new(toolbox);
        let answer = {
            let tools = Arc::clone(&toolbox);
            let tools = Arc::new(VeiledTools::new(tools, Arc::clone(&self.redact)));
            let tooled = Tooled::new(Arc::clone(&self.model), tools, Leash::default());
            tooled.ask(ask, deltas).await
        };
        if let Some(toolbox) = Arc::into_inner(toolbox) {
            toolbox.close().await;
        }
        answer
    }
}

impl Provider for Equipped {
    fn model(&self) -> &str {
        self.model.model()
    }

    fn ask<'a>(&'a self, ask: &'a Ask, deltas: Deltas<'a>) -> Asking<'a> {
        Box::pin(self.asked(ask, deltas))
    }
}

impl fmt::Debug for Equipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Equipped")
            .field("model", &self.model)
            .field("tools", &self.tools)
            .finish_non_exhaustive()
    }
}
