//! What a project's role may have. Its tools are among those of the operator's role of the same name; a new
//! role has none. Its model is that role's own, or one that the operator has set by name.

use orch_core::info_request::Fault;
use orch_model::role::{Role, Roles};

/// What the role has that it may not have.
pub(super) fn faults(role: &Role, operators: &Roles, models: &[String]) -> Vec<Fault> {
    let theirs = operators
        .find(&role.name)
        .filter(|other| other.name == role.name);
    let mut faults = Vec::new();
    let tools = theirs
        .map(|other| other.tools.as_slice())
        .unwrap_or_default();
    for tool in role.tools.iter().filter(|tool| !tools.contains(tool)) {
        let allowed = match tools {
            [] => "it may have none".to_owned(),
            tools => format!("it may have {}", tools.join(", ")),
        };
        faults.push(Fault {
            field: "tools".to_owned(),
            message: format!(
                "names `{tool}`, which the operator gave to no role of this name; {allowed}"
            ),
        });
    }
    if let Some(model) = &role.model {
        let own = theirs.and_then(|other| other.model.as_ref());
        if own != Some(model) && !models.contains(model) {
            let allowed = match models {
                [] => "leave it out".to_owned(),
                models => format!("expected one of {}, or none", models.join(", ")),
            };
            faults.push(Fault {
                field: "model".to_owned(),
                message: format!("is `{model}`, which the operator has not set; {allowed}"),
            });
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(name: &str, head: &str) -> Role {
        let text = format!(
            "+++\nname = \"{name}\"\ntitle = \"T\"\nabout = \"-\"\n{head}\n+++\n+++\nSay hello."
        );
        Role::parse("test", &text).unwrap()
    }

    fn fields(role: &Role, operators: &Roles) -> Vec<String> {
        let models = ["small".to_owned()];
        let found = faults(role, operators, &models);
        found.into_iter().map(|fault| fault.field).collect()
    }

    #[test]
    fn a_projects_role_gets_neither_tools_nor_models_that_the_operator_did_not_give() {
        let mut operators = Roles::built_in();
        operators.put(role("poet", "tools = [\"rhyme\"]\nmodel = \"large\""));
        for (name, head, wrong) in [
            ("poet", "tools = [\"rhyme\"]\nmodel = \"large\"", vec![]),
            ("poet", "model = \"small\"", vec![]),
            ("poet", "", vec![]),
            ("poet", "tools = [\"rhyme\", \"shell\"]", vec!["tools"]),
            ("other", "tools = [\"rhyme\"]", vec!["tools"]),
            ("other", "model = \"large\"", vec!["model"]),
            (
                "code",
                "tools = [\"a\"]\nmodel = \"x\"",
                vec!["tools", "model"],
            ),
        ] {
            assert_eq!(
                fields(&role(name, head), &operators),
                wrong,
                "{name} {head}"
            );
        }
    }
}
