//! The installation's rules that decisions depend on, parsed once at the edge.

use crate::retry::Backoff;
use crate::risk::RiskPolicy;
use crate::tool_policy::ToolPolicy;

/// Whether gated work needs an approval (`ORCH_REQUIRE_APPROVAL`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApprovalRule {
    Required,
    Off,
}

/// Who starts eligible work besides an explicit tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheduling {
    /// Only a tick or a manual start.
    OnTick,
    /// Wake-ups and a timer too.
    Background,
}

/// Everything configurable that the engine decides by.
#[derive(Clone, Debug)]
pub struct Rules {
    pub approval: ApprovalRule,
    pub risk: RiskPolicy,
    /// `ORCH_MAX_RETRIES`, `ORCH_BACKOFF_BASE_SECONDS`.
    pub backoff: Backoff,
    pub max_retries: u32,
    /// `ORCH_TOOL_REQUESTS`.
    pub tools: ToolPolicy,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            approval: ApprovalRule::Required,
            risk: RiskPolicy::default(),
            backoff: Backoff::default(),
            max_retries: 0,
            tools: ToolPolicy::default(),
        }
    }
}
