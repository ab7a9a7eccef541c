//! All tools, in the order in which they are listed. A new one is a file and a line here.

use super::tool::{Entry, Pace, Reach};
use super::{Who, approvals, context, plans, projects, queue, requirements, runs, work_items};

const ALL: [Entry; 22] = [
    Entry::of::<context::ReadContext>(),
    Entry::of::<projects::ListProjects>(),
    Entry::of::<projects::CreateProject>(),
    Entry::of::<requirements::SubmitVision>(),
    Entry::of::<requirements::ProposeRequirements>(),
    Entry::of::<requirements::ReadRequirements>(),
    Entry::of::<plans::ProposePlan>(),
    Entry::of::<work_items::CreateWorkItem>(),
    Entry::of::<work_items::SetRecipe>(),
    Entry::of::<work_items::ListWorkItems>(),
    Entry::of::<work_items::ReadWorkItem>(),
    Entry::of::<queue::EnqueueWorkItem>(),
    Entry::of::<queue::ReadQueue>(),
    Entry::of::<runs::ListRuns>(),
    Entry::of::<runs::ReadRun>(),
    Entry::of::<runs::ReadLog>(),
    Entry::of::<runs::RequestInfo>(),
    Entry::of::<runs::AwaitAnswer>(),
    Entry::of::<runs::StepComplete>(),
    Entry::of::<approvals::RequestApproval>(),
    Entry::of::<approvals::AwaitApproval>(),
    Entry::of::<approvals::ListPending>(),
];

/// Those that work with the caller's token.
pub(crate) fn all(who: Who) -> impl Iterator<Item = &'static Entry> {
    ALL.iter().filter(move |entry| match who {
        Who::User => true,
        Who::Run { .. } => entry.reach == Reach::RunsToo,
    })
}

/// One of those.
pub(crate) fn find(name: &str, who: Who) -> Option<&'static Entry> {
    all(who).find(|entry| entry.name == name)
}

/// How long a call of the tool of this name may take.
pub(crate) fn pace(name: &str) -> Pace {
    let entry = ALL.iter().find(|entry| entry.name == name);
    entry.map_or(Pace::Short, |entry| entry.pace)
}
