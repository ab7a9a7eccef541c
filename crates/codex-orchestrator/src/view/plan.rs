//! Plans: a version, its parts, and what a change of the requirements touches.

use orch_api::types::plan::{
    Plan, PlanEpic, PlanFault, PlanImpact, PlanLater, PlanRun, PlanRunChange, PlanStatus,
    PlanStory, PlanTask, PlanTest, PlanTouched, PlanVersion,
};
use orch_api::types::requirements::ProposedBy;

use super::of_status;
use crate::output::{Cell, Details, Row, Tone};

/// How many tools and capabilities are shown that no agent tells of.
const MOST_NOT_OFFERED: usize = 5;

/// What notes are about.
pub fn notes_of(plan: &Plan) -> &'static str {
    match plan.by {
        ProposedBy::Model => "What became of the answer",
        ProposedBy::Rules => "Notes",
    }
}

/// A note on a version, with its number.
#[derive(Debug)]
pub struct Note {
    number: usize,
    text: String,
}

impl Note {
    /// Of the text in this place.
    pub fn of((at, text): (usize, &String)) -> Self {
        Self {
            number: at + 1,
            text: text.clone(),
        }
    }
}

impl Row for Note {
    const HEAD: &'static [&'static str] = &["", "note"];
    const NAME: &'static str = "notes";

    fn cells(&self) -> Vec<Cell> {
        vec![Cell::new(self.number), Cell::new(&self.text)]
    }
}

impl Details for Plan {
    fn fields(&self) -> Vec<(&'static str, Cell)> {
        let version = &self.version;
        let mut fields = vec![
            ("plan", Cell::new(version.id)),
            ("project", Cell::new(version.project_id)),
            ("for requirements", Cell::new(version.requirements_id)),
            ("status", status(version.status)),
            ("created", Cell::time(&version.created_at)),
            ("by", Cell::new(&version.author)),
            ("digest", Cell::new(&version.digest)),
        ];
        if let Some(parent) = version.parent_id {
            fields.push(("made from", Cell::new(parent)));
        }
        if let Some(reason) = &version.reason {
            fields.push(("because", Cell::new(reason)));
        }
        if let (Some(at), Some(by)) = (&version.approved_at, &version.approved_by) {
            let text = format!("{} by {by}", Cell::time(at).text);
            fields.push(("approved", Cell::new(text)));
        }
        if self.by == ProposedBy::Model {
            fields.push(("proposed by", Cell::new("a model")));
        }
        if !self.not_offered.is_empty() {
            let shown = self.not_offered.iter().take(MOST_NOT_OFFERED).cloned();
            fields.push((
                "not offered",
                Cell::new(shown.collect::<Vec<_>>().join("; ")),
            ));
        }
        fields.push(("progress", Cell::new(progress(self))));
        fields
    }
}

fn progress(plan: &Plan) -> String {
    let counts = &plan.progress;
    let mut said = vec![format!("{} of {} done", counts.done, counts.total)];
    for (count, name) in [
        (counts.running, "running"),
        (counts.ready, "ready"),
        (counts.waiting, "waiting"),
        (counts.failed, "failed"),
        (counts.stopped, "stopped"),
        (counts.cancelled, "cancelled"),
        (counts.planned, "planned"),
    ] {
        if count > 0 {
            said.push(format!("{count} {name}"));
        }
    }
    said.join(", ")
}

impl Row for PlanVersion {
    const HEAD: &'static [&'static str] = &[
        "id",
        "requirements",
        "status",
        "tasks",
        "by",
        "created",
        "because",
    ];
    const NAME: &'static str = "plans";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(self.id),
            Cell::new(self.requirements_id),
            status(self.status),
            Cell::new(self.task_count),
            Cell::new(&self.author),
            Cell::time(&self.created_at),
            Cell::optional(self.reason.as_deref()),
        ]
    }
}

impl Row for PlanEpic {
    const HEAD: &'static [&'static str] = &["id", "epic", "requirements"];
    const NAME: &'static str = "epics";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(&self.id),
            Cell::new(&self.title),
            Cell::new(few(&self.requirements)),
        ]
    }
}

impl Row for PlanStory {
    const HEAD: &'static [&'static str] = &["id", "epic", "story", "requirements"];
    const NAME: &'static str = "stories";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(&self.id),
            Cell::new(&self.epic),
            Cell::new(&self.title),
            Cell::new(few(&self.requirements)),
        ]
    }
}

impl Row for PlanTask {
    const HEAD: &'static [&'static str] = &[
        "id", "story", "state", "item", "role", "minutes", "after", "task",
    ];
    const NAME: &'static str = "tasks";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(&self.id),
            Cell::new(&self.story),
            of_status(&self.state),
            Cell::optional(self.work_item_id),
            Cell::new(&self.role),
            Cell::new(minutes(self)),
            Cell::new(few(&self.depends_on)),
            Cell::new(&self.title),
        ]
    }

    /// What will be run and asked for, since this is what is approved.
    fn notes(&self) -> Vec<Cell> {
        let whose = match (self.origin.as_str(), self.edited) {
            ("model", false) => " (a model's)",
            ("model", true) => " (a model's, edited)",
            (_, _) => "",
        };
        let commands = self.acceptance.iter();
        let commands = commands.filter_map(|criterion| criterion.command.as_ref());
        let lists = [("tools", &self.tools), ("capabilities", &self.capabilities)];
        let lists = lists.into_iter().filter(|(_, names)| !names.is_empty());
        let commands = commands.map(|command| format!("$ {command}{whose}"));
        commands
            .chain(lists.map(|(what, names)| format!("{what}: {}{whose}", names.join(", "))))
            .map(Cell::new)
            .collect()
    }
}

/// The most ids that a cell of a table names.
const MOST_IDS: usize = 6;

/// Ids for a cell of a table: all of them stand where one thing is shown whole.
fn few(ids: &[String]) -> String {
    match ids.len().saturating_sub(MOST_IDS) {
        0 | 1 => ids.join(" "),
        more => format!("{} and {more} more", ids[..MOST_IDS].join(" ")),
    }
}

fn minutes(task: &PlanTask) -> String {
    let estimate = &task.estimate;
    format!(
        "{}/{}/{}",
        estimate.low_minutes, estimate.likely_minutes, estimate.high_minutes
    )
}

impl Details for PlanTask {
    fn fields(&self) -> Vec<(&'static str, Cell)> {
        let mut fields = vec![
            ("task", Cell::new(&self.id)),
            ("title", Cell::new(&self.title)),
            ("story", Cell::new(&self.story)),
            ("state", of_status(&self.state)),
            ("work item", Cell::optional(self.work_item_id)),
            ("run", Cell::optional(self.run_id)),
            ("kind", Cell::new(&self.kind)),
            ("role", Cell::new(&self.role)),
            ("capabilities", Cell::new(self.capabilities.join(", "))),
            ("tools", Cell::new(self.tools.join(", "))),
            ("requirements", Cell::new(self.requirements.join(", "))),
            ("after", Cell::new(self.depends_on.join(", "))),
            ("minutes", Cell::new(minutes(self))),
            ("from", Cell::new(&self.origin)),
            ("description", Cell::new(&self.description)),
        ];
        for criterion in &self.acceptance {
            let text = match &criterion.command {
                Some(command) => format!("{} ($ {command})", criterion.text),
                None => criterion.text.clone(),
            };
            fields.push(("done when", Cell::new(text)));
        }
        if self.needs_approval {
            fields.push((
                "needs",
                Cell::new("an approval of its own, besides the plan's"),
            ));
        }
        fields.extend(self.why.iter().map(|why| ("waits", Cell::new(why))));
        fields
    }
}

impl Row for PlanFault {
    const HEAD: &'static [&'static str] = &["kind", "what"];
    const NAME: &'static str = "faults";

    fn cells(&self) -> Vec<Cell> {
        let tone = match self.blocking {
            true => Tone::Bad,
            false => Tone::Waiting,
        };
        vec![
            Cell::new(self.kind.replace('_', " ")).tone(tone),
            Cell::new(&self.message),
        ]
    }
}

impl Row for PlanLater {
    const HEAD: &'static [&'static str] = &["id", "because", "requirement"];
    const NAME: &'static str = "requirements";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(&self.id),
            Cell::new(&self.reason),
            Cell::new(&self.text),
        ]
    }
}

impl Details for PlanImpact {
    fn fields(&self) -> Vec<(&'static str, Cell)> {
        vec![
            ("plan", Cell::new(self.plan_id)),
            (
                "requirements",
                Cell::new(format!("{} → {}", self.from, self.to)),
            ),
            ("added", Cell::new(self.added.join(", "))),
            ("changed", Cell::new(self.changed.join(", "))),
            ("removed", Cell::new(self.removed.join(", "))),
            ("not served yet", Cell::new(self.unserved.join(", "))),
            ("work items", Cell::ids(&self.work_items)),
        ]
    }
}

impl Row for PlanTouched {
    const HEAD: &'static [&'static str] = &["id", "through", "state", "item", "task"];
    const NAME: &'static str = "tasks";

    fn cells(&self) -> Vec<Cell> {
        let through = match self.downstream {
            true => "comes after".to_owned(),
            false => few(&self.requirements),
        };
        vec![
            Cell::new(&self.id),
            Cell::new(through),
            of_status(&self.state),
            Cell::optional(self.work_item_id),
            Cell::new(&self.title),
        ]
    }
}

impl Row for PlanRun {
    const HEAD: &'static [&'static str] = &["id", "item", "status"];
    const NAME: &'static str = "runs";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(self.id),
            Cell::new(self.work_item_id),
            of_status(&self.status),
        ]
    }
}

impl Row for PlanRunChange {
    const HEAD: &'static [&'static str] = &["run", "item", "what", "artifact", "name", "commit"];
    const NAME: &'static str = "changes";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(self.run_id),
            Cell::new(self.work_item_id),
            Cell::new(&self.kind),
            Cell::optional(self.artifact_id),
            Cell::optional(self.name.as_deref()),
            Cell::optional(self.commit.as_deref()),
        ]
    }
}

impl Row for PlanTest {
    const HEAD: &'static [&'static str] = &["task", "run", "what", "says"];
    const NAME: &'static str = "tests";

    fn cells(&self) -> Vec<Cell> {
        let says = match (&self.command, self.tests) {
            (Some(command), _) => format!("$ {command}"),
            (None, Some(tests)) => {
                let failed = self.failures.unwrap_or(0) + self.errors.unwrap_or(0);
                let named = match self.failed.as_slice() {
                    [] => String::new(),
                    names => format!(": {}", few(names)),
                };
                format!("{tests} tests, {failed} failed{named}")
            }
            (None, None) => String::new(),
        };
        vec![
            Cell::optional(self.task.as_deref()),
            Cell::optional(self.run_id),
            Cell::new(&self.text),
            Cell::new(says),
        ]
    }
}

fn status(status: PlanStatus) -> Cell {
    of_status(match status {
        PlanStatus::Proposed => "proposed",
        PlanStatus::Approved => "approved",
        PlanStatus::Superseded => "superseded",
    })
}
