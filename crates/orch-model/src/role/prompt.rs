//! What a role is asked, written from its template and the material at hand.
//!
//! Material is untrusted text: it is put in as it is, and never read as a template.

use minijinja::Value as Seen;
use minijinja::value::Serde;
use serde::Serialize;

use super::writing::Writing;
use super::{Output, Role, RoleError, Roles};
use crate::Ask;

/// What one role wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// The role's name.
    pub agent: String,
    pub text: String,
}

/// An earlier request and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Turn {
    pub prompt: String,
    pub results: Vec<Part>,
}

/// What a role works on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Material {
    pub prompt: String,
    /// JSON, or empty.
    pub context: String,
    /// JSON, or empty.
    pub options: String,
    /// What others wrote before, in order.
    pub results: Vec<Part>,
    /// Earlier requests of the session, the oldest first.
    pub history: Vec<Turn>,
    /// What the role noted before, the oldest first.
    pub memory: Vec<String>,
}

impl Roles {
    /// Writes what `role` is asked.
    ///
    /// # Errors
    /// When its template names what there is not, never ends, or writes more than a prompt may have.
    pub fn ask(&self, role: &Role, material: &Material) -> Result<Ask, RoleError> {
        let failed = |why: String| RoleError::Render {
            role: role.name.clone(),
            why,
        };
        let mut writing = Writing::new();
        for (name, text) in self.parts() {
            writing.add_part(name, text).map_err(failed)?;
        }
        let seen = seen(role, material);
        let system = writing.write("the standing instructions", &role.system, &seen);
        let system = system.map_err(failed)?;
        let asked = writing.write("what is asked", &role.ask, &seen);
        let asked = asked.map_err(failed)?;
        let mut ask = Ask::new(system.trim(), asked.trim());
        if let Output::Json(schema) = &role.output {
            ask.schema = Some(schema.value().clone());
        }
        Ok(ask)
    }
}

/// The inputs that the role names; the others are there and empty, so that shared parts can look.
fn seen(role: &Role, material: &Material) -> Seen {
    let named = |input: &str| role.inputs.iter().any(|one| one == input);
    let mut given = Material::default();
    if named("prompt") {
        given.prompt.clone_from(&material.prompt);
    }
    if named("context") {
        given.context.clone_from(&material.context);
    }
    if named("options") {
        given.options.clone_from(&material.options);
    }
    if named("results") {
        given.results.clone_from(&material.results);
    }
    if named("history") {
        given.history.clone_from(&material.history);
    }
    if named("memory") {
        given.memory.clone_from(&material.memory);
    }
    Seen::from(Serde(&given))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;

    fn user(ask: &Ask) -> &str {
        match &ask.messages[..] {
            [Message::User { text }] => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn material_is_put_in_as_it_is() {
        let roles = Roles::built_in();
        let material = Material {
            prompt: "{{ 1 + 1 }} <b>&\n{% include \"nothing\" %}".to_owned(),
            context: "{\"language\": \"rust\"}".to_owned(),
            results: vec![Part {
                agent: "spec".to_owned(),
                text: "R-1 it adds".to_owned(),
            }],
            ..Material::default()
        };
        let role = roles.find("code").unwrap();
        let ask = roles.ask(role, &material).unwrap();
        let text = user(&ask);
        for part in [
            &material.prompt,
            &material.context,
            "<spec>\nR-1 it adds\n</spec>",
        ] {
            assert!(text.contains(part), "{text}");
        }
        assert!(!ask.system.contains("{%"), "{}", ask.system);
    }

    #[test]
    fn a_role_sees_what_it_names_and_nothing_else() {
        let file = "+++\nname = \"shy\"\ntitle = \"Shy\"\nabout = \"-\"\ninputs = [\"prompt\"]\n+++\n+++\n{{ prompt }}{{ context }}";
        let role = Role::parse("shy.md", file).unwrap();
        let material = Material {
            prompt: "p".to_owned(),
            context: "hidden".to_owned(),
            ..Material::default()
        };
        let ask = Roles::built_in().ask(&role, &material).unwrap();
        assert_eq!(user(&ask), "p");
    }

    #[test]
    fn what_a_role_remembers_is_told_as_data() {
        let roles = Roles::built_in();
        let material = Material {
            prompt: "p".to_owned(),
            memory: vec!["We use {{ tabs }}".to_owned()],
            ..Material::default()
        };
        for role in roles.all() {
            let with = roles.ask(role, &material).unwrap();
            let text = user(&with);
            assert!(
                text.contains("<memory>\n- We use {{ tabs }}\n</memory>\n"),
                "{text}"
            );
            let without = roles.ask(
                role,
                &Material {
                    memory: Vec::new(),
                    ..material.clone()
                },
            );
            assert!(!user(&without.unwrap()).contains("noted"));
        }
    }

    #[test]
    fn a_template_that_never_ends_is_stopped_and_an_unknown_name_is_told() {
        let with = |ask: &str| {
            let file = format!("+++\nname = \"x\"\ntitle = \"X\"\nabout = \"-\"\n+++\n+++\n{ask}");
            let role = Role::parse("x.md", &file).unwrap();
            Roles::built_in()
                .ask(&role, &Material::default())
                .unwrap_err()
                .to_string()
        };
        let loops = |depth: usize| {
            let begin: String = (0..depth)
                .map(|at| format!("{{% for c{at} in [1,2,3,4,5,6,7,8,9,0] %}}"))
                .collect();
            begin + "x" + &"{% endfor %}".repeat(depth)
        };
        let endless = with(&loops(9));
        assert!(
            endless.contains("role x") && endless.contains("takes more steps"),
            "{endless}"
        );
        assert!(with("{{ results[7].text }}").contains("undefined"));
    }
}
