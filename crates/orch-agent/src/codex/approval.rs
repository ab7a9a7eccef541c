//! What Codex asks leave for, as a question to a person, and what the person's answer means.
//!
//! Pure. A leave is for one command in one folder, or for one set of changes, as its digest says,
//! and for one time.

use std::collections::HashMap;

use orch_core::{
    digest::Digest,
    info_request::{Field, FieldKind, Presence, Secrecy},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::items::{self, string};
use crate::worker::Question;

/// What the keys of these questions begin with.
pub(crate) const KEY: &str = "codex-";
pub(super) const APPROVE: &str = "approve once";
pub(super) const DECLINE: &str = "decline";

/// How much of a command or a change stands in a question.
const SHOWN_CHARACTERS: usize = 4000;

/// Something that Codex asked leave for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Asked {
    /// The key of its answer.
    pub(super) key: String,
    /// Of what exactly it is.
    pub(super) digest: String,
    /// For people and for Codex.
    pub(super) what: String,
    /// Why Codex wants it, or empty.
    pub(super) reason: String,
}

/// Which of a run's questions it is: no answer is taken for that to another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The hold's.
    pub(super) epoch: u64,
    /// From 1.
    pub(super) number: u32,
}

/// What a person decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Approved,
    Declined,
}

impl Asked {
    /// A request for leave to run a command.
    pub(super) fn command(params: &Value, place: Place) -> Self {
        let (command, cwd) = (string(params, "command"), string(params, "cwd"));
        let network = &params["networkApprovalContext"];
        let beyond = match network {
            Value::Null => String::new(),
            network => network.to_string(),
        };
        let kind = string(params, "kind");
        let parts = [&kind, &command, &cwd, &beyond].map(|part| Some(part.as_bytes()));
        let digest = Digest::of("orch/codex-command/v1", &parts).to_hex();
        let what = match (command.is_empty(), beyond.is_empty()) {
            (false, true) => format!("run `{command}` in {cwd}"),
            (false, false) => format!("run `{command}` in {cwd} with the network: {beyond}"),
            (true, _) => format!("use the network: {beyond}"),
        };
        Self::new(digest, what, string(params, "reason"), place)
    }

    /// A request for leave to change files, of which `item` tells.
    pub(super) fn change(params: &Value, item: &Value, place: Place) -> Self {
        let root = string(params, "grantRoot");
        let content = item["changes"].to_string();
        let parts = [&root, &content].map(|part| Some(part.as_bytes()));
        let digest = Digest::of("orch/codex-change/v1", &parts).to_hex();
        let changes = items::changes(item);
        let files: Vec<String> = changes
            .iter()
            .map(|change| format!("{} {}", change.kind, change.path))
            .collect();
        let mut what = format!("change files ({})", files.join(", "));
        if !root.is_empty() {
            what.push_str(&format!(", and others under {root} after them"));
        }
        Self::new(digest, what, string(params, "reason"), place)
    }

    fn new(digest: String, what: String, reason: String, place: Place) -> Self {
        let Place { epoch, number } = place;
        Self {
            key: format!("{KEY}{epoch}-{number}-{}", &digest[..12]),
            digest,
            what,
            reason,
        }
    }

    /// The question for a person.
    pub(super) fn question(&self) -> Question {
        let why = match self.reason.trim() {
            "" => String::new(),
            reason => format!(". It says why: {}", shorten(reason)),
        };
        let prompt = format!(
            "Codex asks for leave to {}{why}. Approved, exactly this may happen once; declined, Codex goes on without it",
            shorten(&self.what)
        );
        let field = Field {
            key: self.key.clone(),
            label: Some("What Codex asks for".to_owned()),
            kind: FieldKind::Choice,
            secret: Secrecy::Open,
            required: Presence::Required,
            options: [APPROVE, DECLINE].map(str::to_owned).to_vec(),
        };
        Question {
            prompt,
            fields: vec![field],
        }
    }

    /// What a person decided, if anybody did.
    pub(super) fn decided(&self, answers: &HashMap<String, String>) -> Option<Decision> {
        match answers.get(&self.key)?.as_str() {
            APPROVE => Some(Decision::Approved),
            _ => Some(Decision::Declined),
        }
    }

    /// What the turn after the decision begins with.
    pub(super) fn news(&self, decision: Decision) -> String {
        let what = &self.what;
        match decision {
            Decision::Approved => format!(
                "You asked for leave to {what}. A person has approved that, once and exactly as it was: do it \
                 again now if it is still needed, without any change to it. Then go on with the task.\n"
            ),
            Decision::Declined => format!(
                "You asked for leave to {what}. A person has declined that: do not do it, and do not look for \
                 another way to the same effect. Go on with the rest of the task.\n"
            ),
        }
    }
}

fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(SHOWN_CHARACTERS).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PLACE: Place = Place {
        epoch: 4,
        number: 3,
    };

    fn command(command: &str, cwd: &str) -> Asked {
        let params =
            json!({ "kind": "command", "command": command, "cwd": cwd, "reason": "tidy up" });
        Asked::command(&params, PLACE)
    }

    #[test]
    fn a_leave_is_for_one_command_in_one_folder() {
        let asked = command("rm -rf x", "/w");
        assert_eq!(asked, command("rm -rf x", "/w"));
        assert_eq!(asked.key, format!("codex-4-3-{}", &asked.digest[..12]));
        assert_ne!(asked.digest, command("rm -rf  x", "/w").digest);
        assert_ne!(asked.digest, command("rm -rf x", "/v").digest);
        let change = |diff: &str| {
            let item = json!({ "changes": [{ "path": "a", "kind": "add", "diff": diff }] });
            Asked::change(&json!({}), &item, PLACE)
        };
        assert_ne!(change("x").digest, change("y").digest);
        assert_eq!(change("x").what, "change files (add a)");
    }

    #[test]
    fn the_question_says_what_and_why_and_its_answer_decides() {
        let asked = command("rm -rf x", "/w");
        let question = asked.question();
        assert_eq!(
            question.prompt,
            "Codex asks for leave to run `rm -rf x` in /w. It says why: tidy up. Approved, exactly this may \
             happen once; declined, Codex goes on without it"
        );
        assert_eq!(
            orch_core::info_request::check_fields(&question.fields),
            Ok(())
        );
        let answered = |answer: &str| {
            let answers = [(asked.key.clone(), answer.to_owned())].into();
            asked.decided(&answers)
        };
        assert_eq!(answered(APPROVE), Some(Decision::Approved));
        assert_eq!(answered(DECLINE), Some(Decision::Declined));
        assert_eq!(answered("yes, sure"), Some(Decision::Declined));
        assert_eq!(asked.decided(&HashMap::new()), None);
    }
}
