//! What the tasks of a plan need and no agent says that it has: told, and never refused, for an agent that
//! has it may come.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Breakdown, Finished};
use super::propose::tools_of;

/// The label in which an agent names its tools, parted by commas: those of its catalog, and the programs of
/// [`PROGRAMS`] on its `PATH`.
pub const TOOLS_LABEL: &str = "tools=";
/// The programs that agents look for on their `PATH` to tell of them.
pub const PROGRAMS: [&str; 48] = [
    "ansible",
    "aws",
    "az",
    "bash",
    "bundle",
    "bun",
    "cargo",
    "clang",
    "cmake",
    "composer",
    "curl",
    "dbt",
    "deno",
    "docker",
    "dotnet",
    "gcc",
    "gcloud",
    "git",
    "go",
    "gradle",
    "helm",
    "java",
    "jq",
    "kubectl",
    "make",
    "mvn",
    "mysql",
    "node",
    "npm",
    "perl",
    "php",
    "pip",
    "pnpm",
    "podman",
    "psql",
    "pytest",
    "python",
    "python3",
    "ruby",
    "rustc",
    "sqlite3",
    "swift",
    "terraform",
    "tofu",
    "uv",
    "wget",
    "yarn",
    "zig",
];
/// How many names, and how many tasks of each, are told.
const MOST_NAMES: usize = 50;
const MOST_TASKS: usize = 10;

/// What a connected agent says that it has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offer {
    words: BTreeSet<String>,
}

impl Offer {
    /// Reads an agent's labels; none where it does not name its tools.
    #[must_use]
    pub fn of(labels: &[String]) -> Option<Self> {
        if !labels.iter().any(|label| label.starts_with(TOOLS_LABEL)) {
            return None;
        }
        let values = labels
            .iter()
            .filter_map(|label| label.split_once('='))
            .flat_map(|(_, values)| values.split(','));
        let words = values.map(|word| word.trim().to_lowercase());
        Some(Self {
            words: words.filter(|word| !word.is_empty()).collect(),
        })
    }

    fn has_tool(&self, tool: &str) -> bool {
        self.words.contains(&tool.to_lowercase())
    }

    /// A capability is also what the tools of that name need.
    fn can(&self, capability: &str) -> bool {
        let mut tools = tools_of(capability);
        self.has_tool(capability) || tools.any(|tool| self.has_tool(tool))
    }
}

/// A line for each tool and capability that open tasks name and none of `offers` has; nothing where no agent
/// is connected, for nothing is known then.
#[must_use]
pub fn unknown(plan: &Breakdown, offers: &[Offer], done: &Finished) -> Vec<String> {
    if offers.is_empty() {
        return Vec::new();
    }
    let mut tools: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut capabilities: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for task in plan.tasks.iter().filter(|task| !done.contains(&task.id)) {
        for tool in &task.tools {
            tools.entry(tool).or_default().push(&task.id);
        }
        for capability in &task.capabilities {
            capabilities.entry(capability).or_default().push(&task.id);
        }
    }
    tools.retain(|tool, _| !offers.iter().any(|offer| offer.has_tool(tool)));
    capabilities.retain(|name, _| !offers.iter().any(|offer| offer.can(name)));
    let tools = tools.into_iter().map(|(tool, of)| {
        let of = named(&of);
        format!(
            "no connected agent has the tool {tool:?} in its catalog, or tells of such a program ({of}); work that \
             needs it fails, or asks a person, unless it is there all the same"
        )
    });
    let capabilities = capabilities.into_iter().map(|(capability, of)| {
        let of = named(&of);
        format!("no connected agent tells that it offers {capability:?} ({of})")
    });
    let mut lines: Vec<String> = tools.chain(capabilities).collect();
    let more = lines.len().saturating_sub(MOST_NAMES);
    if more > 0 {
        lines.truncate(MOST_NAMES);
        lines.push(format!(
            "{more} more tools and capabilities are not known to any connected agent"
        ));
    }
    lines
}

fn named(tasks: &[&str]) -> String {
    let (shown, more) = tasks.split_at(tasks.len().min(MOST_TASKS));
    let shown = shown.join(", ");
    match more.len() {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::Task;
    use super::*;

    fn offer(tools: &str) -> Offer {
        let labels = ["sandbox=docker".to_owned(), format!("{TOOLS_LABEL}{tools}")];
        Offer::of(&labels).expect("it names its tools")
    }

    fn plan() -> Breakdown {
        let task = |id: &str, tool: &str, capability: &str| Task {
            id: id.to_owned(),
            tools: vec![tool.to_owned()],
            capabilities: vec![capability.to_owned()],
            ..Task::default()
        };
        Breakdown {
            tasks: vec![
                task("T-1", "cargo", "rust"),
                task("T-2", "frobnicate", "docker"),
                task("T-3", "frobnicate", "gpu"),
            ],
            ..Breakdown::default()
        }
    }

    #[test]
    fn what_no_agent_tells_of_is_named_with_its_tasks() {
        let offers = [offer("git,make"), offer("Cargo")];
        let said = unknown(&plan(), &offers, &Finished::default());
        assert_eq!(said.len(), 2, "{said:#?}");
        assert!(said[0].contains("\"frobnicate\"") && said[0].contains("(T-2, T-3)"));
        assert_eq!(
            said[1],
            "no connected agent tells that it offers \"gpu\" (T-3)"
        );
    }

    #[test]
    fn nothing_is_said_of_work_that_is_done_nor_where_nothing_is_known() {
        let done: Finished = ["T-2", "T-3"].into_iter().collect();
        assert_eq!(unknown(&plan(), &[offer("cargo")], &done), [""; 0]);
        assert_eq!(unknown(&plan(), &[], &Finished::default()), [""; 0]);
        assert_eq!(Offer::of(&["sandbox=docker".to_owned()]), None);
    }

    #[test]
    fn names_are_bounded() {
        let mut plan = plan();
        plan.tasks[0].tools = (0..80).map(|n| format!("tool-{n}")).collect();
        let said = unknown(&plan, &[offer("git")], &Finished::default());
        assert_eq!(said.len(), MOST_NAMES + 1);
    }
}
