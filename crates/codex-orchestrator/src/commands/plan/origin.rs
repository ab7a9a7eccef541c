//! Faults of edits, named as the person wrote the edit: the server counts them in the order in which they
//! were sent, which nobody sees.

use crate::failure::Failure;

/// How the server names the fields of edits.
const EDITS: &str = "edits[";
/// How much of a flag's value is repeated.
const LONGEST: usize = 80;

/// What made an edit: flags, or a place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `--set T-3.likely=150`; several set fields of one task.
    Flags(Vec<String>),
    File(String),
}

impl Origin {
    /// One flag as it was given.
    pub fn flag(flag: &str, given: &str) -> Self {
        let given: String = given.chars().take(LONGEST).collect();
        Self::Flags(vec![format!("{flag} {given}")])
    }

    /// One more flag for the same edit.
    pub fn and(&mut self, more: Self) {
        if let (Self::Flags(flags), Self::Flags(more)) = (self, more) {
            let more: Vec<String> = more
                .into_iter()
                .filter(|flag| !flags.contains(flag))
                .collect();
            flags.extend(more);
        }
    }

    /// The field of the edit at `place`, as the person wrote it.
    fn named(&self, place: usize, field: &str) -> String {
        match self {
            Self::File(file) => format!("{file}: {EDITS}{place}].{field}"),
            Self::Flags(flags) => {
                let set = format!(".{}=", field.trim_end_matches("_minutes"));
                let of_field = flags.iter().find(|flag| flag.contains(&set));
                of_field.cloned().unwrap_or_else(|| flags.join(" "))
            }
        }
    }
}

/// The failure with its edits named by `origins`, which stand in the order in which they were sent.
pub fn named(mut failure: Failure, origins: &[Origin]) -> Failure {
    failure.message = renamed(&failure.message, origins);
    for cause in &mut failure.causes {
        *cause = renamed(cause, origins);
    }
    failure
}

fn renamed(text: &str, origins: &[Origin]) -> String {
    let mut parts = text.split('`');
    let mut said = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        said.push('`');
        match place(part).and_then(|(at, field)| Some((at, field, origins.get(at)?))) {
            Some((at, field, origin)) => said.push_str(&origin.named(at, field)),
            None => said.push_str(part),
        }
    }
    said
}

/// `edits[3].title`: the place, and the field.
fn place(name: &str) -> Option<(usize, &str)> {
    let (at, field) = name.strip_prefix(EDITS)?.split_once("].")?;
    let is_field = !field.is_empty() && field.bytes().all(|c| c.is_ascii_lowercase() || c == b'_');
    is_field.then_some((at.parse().ok()?, field))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    #[test]
    fn a_fault_is_named_by_the_flag_or_the_place_in_the_file() {
        let mut set = Origin::flag("--set", "T-3.title=Pay");
        set.and(Origin::flag("--set", "T-3.low=9"));
        let origins = [
            Origin::File("edits.json".to_owned()),
            set,
            Origin::flag("--depends", "T-8=T-9"),
        ];
        let refused = Failure::new(
            Exit::Refused,
            "the edits cannot be made: `edits[0].id` is missing; `edits[1].low_minutes` must be less; `edits[2].on` \
             there is no task \"T-9\"; `edits[9].on` is nowhere",
        );
        assert_eq!(
            named(refused, &origins).message,
            "the edits cannot be made: `edits.json: edits[0].id` is missing; `--set T-3.low=9` must be less; \
             `--depends T-8=T-9` there is no task \"T-9\"; `edits[9].on` is nowhere"
        );
    }
}
