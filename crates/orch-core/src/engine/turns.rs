//! Whose turn it is: projects by stride, priorities within a project.
//!
//! A line of candidates for each project, and a heap of the projects by their next turn. Nothing
//! is decided here about whether a candidate may start.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use crate::ids::{ProjectId, QueueEntryId, RunId};
use crate::project::{Project, Share};
use crate::queue::QueueEntry;
use crate::run::Run;

/// What can be handed to an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Candidate {
    /// A run that was started and that nobody holds.
    Started(RunId),
    /// An entry that is ready and due.
    Ready(QueueEntryId),
}

/// Its place in its project's line: started runs first, because they hold quota and keys already;
/// then by priority, then in the order in which they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    ready: bool,
    before: Reverse<i32>,
    entry: QueueEntryId,
    candidate: Candidate,
}

/// One project's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    pub project: ProjectId,
    /// The virtual time that it comes at.
    pub at: u64,
    pub candidate: Candidate,
}

struct Line {
    share: Share,
    /// The first is last, so that it can be popped.
    places: Vec<Place>,
}

/// The order of service; `O(log n)` for each turn.
pub(super) struct Turns {
    lines: HashMap<ProjectId, Line>,
    /// Among equal turns, the project whose candidate came first.
    next: BinaryHeap<Reverse<(u64, QueueEntryId, ProjectId)>>,
}

impl Turns {
    /// Candidates of projects that are not given have no turn.
    pub(super) fn new<'a>(
        projects: &HashMap<ProjectId, Project>,
        virtual_time: u64,
        started: impl Iterator<Item = &'a Run>,
        ready: impl Iterator<Item = &'a QueueEntry>,
    ) -> Self {
        let started = started.map(|run| {
            let place = Place {
                ready: false,
                before: Reverse(run.priority),
                entry: run.entry_id,
                candidate: Candidate::Started(run.id),
            };
            (run.project_id, place)
        });
        let ready = ready.map(|entry| {
            let place = Place {
                ready: true,
                before: Reverse(entry.priority),
                entry: entry.id,
                candidate: Candidate::Ready(entry.id),
            };
            (entry.project_id, place)
        });
        let mut lines: HashMap<ProjectId, Line> = HashMap::new();
        for (id, place) in started.chain(ready) {
            if let Some(project) = projects.get(&id) {
                let line = lines.entry(id).or_insert_with(|| Line {
                    share: project.share,
                    places: Vec::new(),
                });
                line.places.push(place);
            }
        }
        let mut turns = Self {
            next: BinaryHeap::with_capacity(lines.len()),
            lines: HashMap::new(),
        };
        for (id, mut line) in lines {
            line.places.sort_unstable_by(|a, b| b.cmp(a));
            let at = line.share.next_turn(virtual_time);
            turns.lines.insert(id, line);
            turns.push(id, at);
        }
        turns
    }

    fn push(&mut self, project: ProjectId, at: u64) {
        if let Some(first) = self.lines[&project].places.last() {
            self.next.push(Reverse((at, first.entry, project)));
        }
    }

    /// The next turn; say afterwards what became of it. A turn of which nothing is said ends its
    /// project's line.
    pub(super) fn next(&mut self) -> Option<Turn> {
        let Reverse((at, _, project)) = self.next.pop()?;
        let place = self.lines.get_mut(&project)?.places.pop()?;
        Some(Turn {
            project,
            at,
            candidate: place.candidate,
        })
    }

    /// The candidate was taken: the project's next turn is a stride further on.
    pub(super) fn taken(&mut self, turn: Turn) {
        if let Some(line) = self.lines.get_mut(&turn.project) {
            line.share.pass = Some(turn.at);
            let at = line.share.next_turn(turn.at);
            self.push(turn.project, at);
        }
    }

    /// The candidate cannot be taken now: the turn goes to the next of its project.
    pub(super) fn passed_on(&mut self, turn: Turn) {
        self.push(turn.project, turn.at);
    }
}
