//! What a run still needs from a person, put into one question.
//!
//! Asks for everything at once: nobody should answer three times before a run begins. Never asks
//! for what is answered already, a tool that is still missing excepted.

use std::collections::{BTreeSet, HashMap};

use orch_core::{
    info_request::{Field, FieldKind, Presence, Secrecy},
    plan::{Cloud, InputKind},
};
use orch_sandbox::exec::which;

use super::{answers, secrets::MissingSecrets};
use crate::worker::Question;

/// What is missing before a run can begin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Missing {
    /// Programs that are not on `PATH`.
    pub(super) tools: BTreeSet<String>,
    /// Secrets that have no value.
    pub(super) secrets: MissingSecrets,
    /// Clouds whose inputs are not all there, with those inputs.
    inputs: Vec<(Cloud, Vec<Field>)>,
    /// Why nothing could be inferred.
    pub(super) steps: Option<String>,
}

impl Missing {
    /// Notes what the clouds need and is not there.
    pub(super) fn look_for_clouds(
        &mut self,
        clouds: &[Cloud],
        answers: &HashMap<String, String>,
        path: &str,
    ) {
        for cloud in clouds {
            self.look_for_tools(cloud.cli().iter().copied(), path);
            let inputs = cloud.inputs().iter();
            let open = inputs.filter(|input| !answers::has(answers, input.key));
            let fields: Vec<Field> = open
                .map(|input| Field {
                    key: input.key.to_owned(),
                    label: None,
                    kind: match input.kind {
                        InputKind::Variable => FieldKind::Text,
                        InputKind::File { .. } => FieldKind::Multiline,
                    },
                    secret: match input.secret {
                        true => Secrecy::Secret,
                        false => Secrecy::Open,
                    },
                    required: Presence::Required,
                    options: Vec::new(),
                })
                .collect();
            if !fields.is_empty() {
                self.inputs.push((*cloud, fields));
            }
        }
    }

    /// Notes those programs that are not on `path`.
    pub(super) fn look_for_tools<'t>(
        &mut self,
        tools: impl IntoIterator<Item = &'t str>,
        path: &str,
    ) {
        let missing = tools.into_iter().filter(|tool| which(tool, path).is_none());
        self.tools.extend(missing.map(str::to_owned));
    }

    /// Whether nothing is missing.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The question, where anything is missing.
    pub(super) fn question(self, work_item_id: i64) -> Option<Question> {
        let mut prompts = Vec::new();
        let mut fields = Vec::new();
        if let Some(why) = self.steps {
            prompts.push(why.replace("{id}", &work_item_id.to_string()));
            fields.push(Field {
                key: answers::STEPS.to_owned(),
                label: Some("Steps to run: one shell command per line".to_owned()),
                kind: FieldKind::Multiline,
                secret: Secrecy::Open,
                required: Presence::Required,
                options: Vec::new(),
            });
        }
        for (cloud, inputs) in self.inputs {
            let keys: Vec<&str> = inputs.iter().map(|field| field.key.as_str()).collect();
            prompts.push(format!("{} needs {}", cloud.name(), keys.join(", ")));
            fields.extend(inputs);
        }
        if !self.tools.is_empty() {
            let tools: Vec<String> = self.tools.into_iter().collect();
            let (noun, verb, them) = match tools.len() {
                1 => ("tool", "is", "it"),
                _ => ("tools", "are", "them"),
            };
            let tools = tools.join(", ");
            prompts.push(format!(
                "{noun} {tools} {verb} missing: install {them} on the agent's machine (on its PATH) and answer \
                 `retry`, or attach a recipe that does without, or complete the run by hand"
            ));
            fields.push(retry("Look for the missing tools again"));
        }
        if !self.secrets.is_empty() {
            prompts.push(self.secrets.in_words());
            if fields.iter().all(|field| field.key != answers::RETRY) {
                fields.push(retry("Look for the missing secrets again"));
            }
        }
        let prompt = prompts.join("; ");
        (!fields.is_empty()).then_some(Question { prompt, fields })
    }
}

/// A field whose one answer makes the run look again.
fn retry(label: &str) -> Field {
    Field {
        key: answers::RETRY.to_owned(),
        label: Some(label.to_owned()),
        kind: FieldKind::Choice,
        secret: Secrecy::Open,
        required: Presence::Required,
        options: vec!["retry".to_owned()],
    }
}

/// The program that a recipe's tool is used by.
pub(super) fn executable(tool: &str) -> &str {
    match tool {
        "awscli" => "aws",
        "opentofu" => "tofu",
        "google-cloud-cli" => "gcloud",
        "azure-cli" => "az",
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(question: &Question) -> Vec<(&str, bool)> {
        let fields = question.fields.iter();
        fields
            .map(|field| (field.key.as_str(), field.secret.into()))
            .collect()
    }

    #[test]
    fn one_question_names_everything_that_is_missing() {
        let answers = [("AWS_DEFAULT_REGION".to_owned(), "eu-west-1".to_owned())].into();
        let mut missing = Missing {
            steps: Some("no recipe; see /work-items/{id}".to_owned()),
            ..Missing::default()
        };
        missing.look_for_clouds(&[Cloud::Aws], &answers, "/nowhere");
        missing.look_for_tools(["sh"], "/usr/bin:/bin");
        let question = missing.question(7).unwrap();
        assert_eq!(
            question.prompt,
            "no recipe; see /work-items/7; aws needs AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY; \
             tool aws is missing: install it on the agent's machine (on its PATH) and answer `retry`, or \
             attach a recipe that does without, or complete the run by hand"
        );
        assert_eq!(
            keys(&question),
            [
                ("steps", false),
                ("AWS_ACCESS_KEY_ID", true),
                ("AWS_SECRET_ACCESS_KEY", true),
                ("retry", false),
            ]
        );
        assert_eq!(
            orch_core::info_request::check_fields(&question.fields),
            Ok(())
        );
    }

    #[test]
    fn nothing_missing_is_no_question() {
        let mut missing = Missing::default();
        missing.look_for_tools(["sh"], "/usr/bin:/bin");
        assert_eq!(missing.question(1), None);
    }
}
