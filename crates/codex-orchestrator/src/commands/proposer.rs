//! `--by`: who proposes requirements or a plan.

use orch_api::types::requirements::ProposedBy;

/// Who proposes.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Proposer {
    /// Rules over the words
    Rules,
    /// A model, by the role `requirements` or `breakdown`
    Model,
}

impl From<Proposer> for ProposedBy {
    fn from(proposer: Proposer) -> Self {
        match proposer {
            Proposer::Rules => Self::Rules,
            Proposer::Model => Self::Model,
        }
    }
}
