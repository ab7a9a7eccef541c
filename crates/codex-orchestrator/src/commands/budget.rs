//! `budget`: what a project, or a plan, work item or run of it, may spend on models.

use clap::Subcommand;
use orch_api::types::budget::{Budget, SetBudget};

use super::money::{dollars, shown};
use super::{Connect, Context, ids};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Format;

/// Arguments of `budget`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    connect: Connect,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show the budgets of a project and of what is in it
    Show {
        /// The project's id
        #[arg(value_parser = ids::id())]
        project: i64,
    },
    /// Set a budget: nothing is asked that could exceed the hard cap, passing the soft one is told once
    Set {
        /// The project's id
        #[arg(value_parser = ids::id())]
        project: i64,
        #[command(flatten)]
        scope: Scope,
        /// Dollars that are not exceeded, such as 5 or 0.25
        #[arg(long, value_name = "DOLLARS", value_parser = dollars, required_unless_present = "soft")]
        hard: Option<u64>,
        /// Dollars whose passing is told
        #[arg(long, value_name = "DOLLARS", value_parser = dollars)]
        soft: Option<u64>,
        /// Begin anew with each calendar month (UTC)
        #[arg(long)]
        monthly: bool,
    },
    /// Remove a budget
    Clear {
        /// The project's id
        #[arg(value_parser = ids::id())]
        project: i64,
        #[command(flatten)]
        scope: Scope,
    },
}

/// Which part of a project; without one, all of it.
#[derive(clap::Args, Debug)]
#[group(multiple = false)]
struct Scope {
    /// A plan of the project alone
    #[arg(long, value_name = "ID", value_parser = ids::id())]
    plan: Option<i64>,
    /// A work item of the project alone
    #[arg(long, value_name = "ID", value_parser = ids::id())]
    work_item: Option<i64>,
    /// A run of the project alone
    #[arg(long, value_name = "ID", value_parser = ids::id())]
    run: Option<i64>,
}

impl Scope {
    fn named(&self) -> (&'static str, Option<i64>) {
        let scopes = [
            ("plan", self.plan),
            ("work_item", self.work_item),
            ("run", self.run),
        ];
        let found = scopes.into_iter().find(|(_, id)| id.is_some());
        found.unwrap_or(("project", None))
    }
}

/// What the budget had and has no more, since it was not named again.
fn taken_away(stood: &Budget, set: &Budget) -> Vec<String> {
    let mut gone = Vec::new();
    for (name, flag, before, after) in [
        (
            "hard",
            "--hard",
            stood.hard_cap_microusd,
            set.hard_cap_microusd,
        ),
        (
            "soft",
            "--soft",
            stood.soft_cap_microusd,
            set.soft_cap_microusd,
        ),
    ] {
        if let (Some(before), None) = (before, after) {
            let before = shown(before);
            gone.push(format!(
                "the {name} cap of {before} is gone, since {flag} was not given"
            ));
        }
    }
    if stood.period == "month" && set.period != "month" {
        gone.push(
            "it begins anew with each month no more, since --monthly was not given".to_owned(),
        );
    }
    gone
}

/// Runs `budget`.
pub async fn run(args: Args, context: &mut Context<'_>) -> Result<Exit, Failure> {
    let client = context.client(&args.connect)?;
    match args.action {
        Action::Show { project } => {
            let budgets = client.budgets(project).await?;
            match context.output.format() {
                Format::Json => context.output.document(&budgets)?,
                Format::Text => context.output.list(&budgets.budgets)?,
            }
        }
        Action::Set {
            project,
            scope,
            hard,
            soft,
            monthly,
        } => {
            let (scope, scope_id) = scope.named();
            let stood = client.budgets(project).await?.budgets;
            let id = scope_id.unwrap_or(project);
            let stood = stood
                .into_iter()
                .find(|one| one.scope == scope && one.scope_id == id);
            let new = SetBudget {
                scope: Some(scope.to_owned()),
                scope_id,
                hard_cap_microusd: hard,
                soft_cap_microusd: soft,
                period: Some(if monthly { "month" } else { "total" }.to_owned()),
            };
            let set = client.set_budget(project, &new).await?;
            context.output.one(&set)?;
            for gone in stood.iter().flat_map(|stood| taken_away(stood, &set)) {
                context.output.note(&gone);
            }
        }
        Action::Clear { project, scope } => {
            let (scope, scope_id) = scope.named();
            client.clear_budget(project, scope, scope_id).await?;
            context.output.done("the budget is removed");
        }
    }
    Ok(Exit::Done)
}
