//! The bytes of a list of steps that an approval binds.
//!
//! Every field is length-prefixed and every absence is marked, so two different lists never share
//! their bytes. The form is versioned: once approvals exist it must not change in place.

use crate::recipe::Step;
use crate::secret::Delivery;

const VERSION: &[u8] = b"orch/steps/v1";
/// The form of lists in which a step names secrets.
const WITH_SECRETS: &[u8] = b"orch/steps/v2";

/// Serialises `steps` so that any change of any byte, boundary, order or presence shows.
///
/// The names of steps are part of it: they are what a person read when approving.
#[must_use]
pub fn canonical_steps(steps: &[Step]) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Steps without secrets keep the form that approvals bind already.
    let names_secrets = steps.iter().any(|step| !step.secrets.is_empty());
    field(
        &mut bytes,
        match names_secrets {
            true => WITH_SECRETS,
            false => VERSION,
        },
    );
    count(&mut bytes, steps.len());
    for step in steps {
        optional(&mut bytes, step.name.as_deref().map(str::as_bytes));
        field(&mut bytes, step.run.as_bytes());
        count(&mut bytes, step.env.len());
        for (name, value) in &step.env {
            field(&mut bytes, name.as_bytes());
            field(&mut bytes, value.as_bytes());
        }
        let timeout = step.timeout.map(|timeout| timeout.as_nanos().to_be_bytes());
        optional(&mut bytes, timeout.as_ref().map(<[u8; 16]>::as_slice));
        optional(&mut bytes, step.cwd.as_deref().map(str::as_bytes));
        if names_secrets {
            count(&mut bytes, step.secrets.len());
            for secret in &step.secrets {
                field(&mut bytes, secret.name.as_str().as_bytes());
                let (kind, variable) = match &secret.delivery {
                    Delivery::Variable(name) => (b"env".as_slice(), name),
                    Delivery::File(name) => (b"file".as_slice(), name),
                };
                field(&mut bytes, kind);
                field(&mut bytes, variable.as_bytes());
            }
        }
    }
    // Behind the list and only where it is said: steps without it keep the bytes of version one.
    for (place, step) in steps.iter().enumerate() {
        if let Some(idempotent) = step.idempotent {
            field(&mut bytes, b"idempotent");
            count(&mut bytes, place);
            bytes.push(u8::from(idempotent));
        }
    }
    bytes
}

fn count(bytes: &mut Vec<u8>, number: usize) {
    bytes.extend_from_slice(&(number as u64).to_be_bytes());
}

fn field(bytes: &mut Vec<u8>, content: &[u8]) {
    count(bytes, content.len());
    bytes.extend_from_slice(content);
}

fn optional(bytes: &mut Vec<u8>, content: Option<&[u8]>) {
    match content {
        Some(content) => {
            bytes.push(1);
            field(bytes, content);
        }
        None => bytes.push(0),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_difference_shows() {
        let env = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        let step = |run: &str| Step::command(run);
        let lists = vec![
            vec![],
            vec![step("ab")],
            vec![step("a"), step("b")],
            vec![step("b"), step("a")],
            vec![step("ab"), step("ab")],
            vec![Step {
                name: Some(String::new()),
                ..step("ab")
            }],
            vec![Step {
                name: Some("ab".to_owned()),
                ..step("ab")
            }],
            vec![Step {
                cwd: Some(".".to_owned()),
                ..step("ab")
            }],
            vec![Step {
                cwd: Some("./".to_owned()),
                ..step("ab")
            }],
            vec![Step {
                timeout: Some(Duration::from_millis(1)),
                ..step("ab")
            }],
            vec![Step {
                timeout: Some(Duration::from_secs(1)),
                ..step("ab")
            }],
            vec![Step {
                env: env(&[("A", "b")]),
                ..step("ab")
            }],
            vec![Step {
                env: env(&[("Ab", "")]),
                ..step("ab")
            }],
            vec![Step {
                env: env(&[("A", "b"), ("C", "")]),
                ..step("ab")
            }],
            vec![Step {
                idempotent: Some(false),
                ..step("ab")
            }],
            vec![Step {
                idempotent: Some(true),
                ..step("ab")
            }],
            vec![Step {
                env: env(&[("A", "bC")]),
                ..step("ab")
            }],
        ];
        let distinct: HashSet<Vec<u8>> = lists.iter().map(|list| canonical_steps(list)).collect();
        assert_eq!(distinct.len(), lists.len());
    }

    #[test]
    fn the_form_of_version_one_is_fixed() {
        let step = Step {
            cwd: Some("x".to_owned()),
            ..Step::command("ab")
        };
        let expected = "000000000000000d6f7263682f73746570732f7631\
            0000000000000001\
            00\
            00000000000000026162\
            0000000000000000\
            00\
            01000000000000000178";
        assert_eq!(hex::encode(canonical_steps(&[step])), expected);
    }
}
