//! The steps of a run that nobody has to plan: approved, set by the operator, or in its recipe.
//!
//! What was approved goes first: on a gated item nothing else may run.

use orch_api::proto::Assignment;
use orch_core::recipe::{self, Recipe, Step};

use super::{acceptance, answers};

/// Where steps come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A person approved them in this run.
    Approved,
    /// The agent's operator set them (`AGENT_STEPS`).
    Operator,
    /// They stand in the recipe.
    Recipe,
    /// A person answered with them.
    Answer,
    /// They were inferred or planned.
    Planned,
}

impl Origin {
    /// Whether steps of a gated item may run without another approval.
    pub(super) fn is_approved(self) -> bool {
        match self {
            Self::Approved | Self::Recipe => true,
            Self::Operator | Self::Answer | Self::Planned => false,
        }
    }
}

/// Steps and where they come from.
pub(super) type Known = (Vec<Step>, Origin);

/// Reads the recipe of a run; an empty text is none.
///
/// # Errors
/// What is wrong with it, for people.
pub(super) fn read_recipe(assignment: &Assignment) -> Result<Recipe, String> {
    if assignment.recipe_yaml.trim().is_empty() {
        return Ok(Recipe::default());
    }
    let recipe = recipe::parse(&assignment.recipe_yaml);
    recipe.map_err(|error| format!("the recipe cannot be read: {error}"))
}

/// The steps that are given; behind those that were not approved as they are comes the acceptance of
/// planned work.
///
/// # Errors
/// What is wrong with them, for people.
pub(super) fn steps(
    assignment: &Assignment,
    operator: Option<&[String]>,
    recipe: &Recipe,
) -> Result<Option<Known>, String> {
    if !assignment.approved_steps_json.is_empty() {
        let steps = serde_json::from_str(&assignment.approved_steps_json);
        let steps = steps.map_err(|error| format!("the approved steps cannot be read: {error}"))?;
        return Ok(Some((steps, Origin::Approved)));
    }
    let own = given(assignment, operator, recipe);
    Ok(own.map(|(steps, origin)| (acceptance::after(steps, assignment), origin)))
}

fn given(assignment: &Assignment, operator: Option<&[String]>, recipe: &Recipe) -> Option<Known> {
    if let Some(commands) = operator.filter(|commands| !commands.is_empty()) {
        let steps = commands.iter().map(Step::command).collect();
        return Some((steps, Origin::Operator));
    }
    if !recipe.steps.is_empty() {
        return Some((recipe.steps.clone(), Origin::Recipe));
    }
    let answered = answers::steps(&assignment.answers);
    (!answered.is_empty()).then_some((answered, Origin::Answer))
}

/// Whether a run that was interrupted with these steps may go on with them.
pub(super) fn may_go_on(assignment: &Assignment, known: Option<&Known>, kept: &[Step]) -> bool {
    match known {
        Some((steps, origin)) => {
            steps == kept && (origin.is_approved() || !assignment.plan_needs_approval)
        }
        None => !assignment.plan_needs_approval,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(assignment: &Assignment, operator: Option<&[String]>) -> Option<Known> {
        let recipe = read_recipe(assignment).unwrap();
        steps(assignment, operator, &recipe).unwrap()
    }

    #[test]
    fn what_was_approved_goes_before_all_else() {
        let mut assignment = Assignment {
            approved_steps_json: r#"["a", {"run": "b"}]"#.to_owned(),
            recipe_yaml: "steps: [c]".to_owned(),
            answers: [(answers::STEPS.to_owned(), "d".to_owned())].into(),
            ..Assignment::default()
        };
        let operator = ["o".to_owned()];
        let step = |run: &str| Step::command(run);
        let approved = vec![step("a"), step("b")];
        assert_eq!(
            origins(&assignment, Some(&operator)),
            Some((approved.clone(), Origin::Approved))
        );
        assignment.plan_needs_approval = true;
        let known = origins(&assignment, Some(&operator));
        assert!(may_go_on(&assignment, known.as_ref(), &approved));
        assert!(!may_go_on(&assignment, known.as_ref(), &[step("a")]));
        assert!(!may_go_on(&assignment, None, &approved));

        assignment.approved_steps_json.clear();
        let set = Some((vec![step("o")], Origin::Operator));
        assert_eq!(origins(&assignment, Some(&operator)), set);
        let recipe = Some((vec![step("c")], Origin::Recipe));
        assert_eq!(origins(&assignment, None), recipe);
        assignment.recipe_yaml.clear();
        let answered = Some((vec![step("d")], Origin::Answer));
        assert_eq!(origins(&assignment, None), answered);
        assignment.answers.clear();
        assert_eq!(origins(&assignment, None), None);
    }
}
