//! A request as it is accepted: every role known, every part within its bounds.

use orch_api::types::orchestrate::NewOrchestration;
use orch_core::recipe::nearest;
use orch_model::role::{Role, Roles};
use orch_store::budget::Levels;
use serde_json::Value;
use uuid::Uuid;

use super::super::budget::Work;
use super::super::{AppError, Result};

const MAX_PROMPT_BYTES: usize = 256 * 1024;
const MAX_AGENTS: usize = 16;

/// A request that can be worked on.
#[derive(Clone, Debug)]
pub struct Request {
    pub id: Uuid,
    pub session: Uuid,
    pub prompt: String,
    /// JSON as the roles are shown it, or empty.
    pub context: String,
    /// JSON as the roles are shown it, or empty.
    pub options: String,
    /// The roles, and where the words of each stand in the result.
    pub roles: Vec<(Role, String)>,
    /// Where its cost counts; none where it is charged to nobody.
    pub levels: Option<Levels>,
    /// As it is kept: without what it asked of the connection.
    pub kept: String,
}

impl Request {
    /// Checks what was sent against the roles that there are. `levels` are those of the work that it names.
    ///
    /// # Errors
    /// Which field is wrong, and what is expected.
    pub fn parse(new: NewOrchestration, roles: &Roles, levels: Option<Levels>) -> Result<Self> {
        if new.prompt.trim().is_empty() {
            return Err(AppError::invalid("prompt", "is empty; say what is wanted"));
        }
        if new.prompt.len() > MAX_PROMPT_BYTES {
            return Err(AppError::invalid(
                "prompt",
                format!(
                    "has {} bytes; at most {MAX_PROMPT_BYTES} are allowed, more belongs into `context`",
                    new.prompt.len()
                ),
            ));
        }
        let id = uuid_of("request_id", new.request_id.as_deref())?;
        let session = uuid_of("session_id", new.session_id.as_deref())?;
        let named = named(&new.agent_sequence, roles)?;
        let kept = NewOrchestration {
            request_id: None,
            session_id: None,
            stream: false,
            // Whatever named it: its session belongs to this project.
            project_id: levels.map(|levels| levels.project.get()),
            ..new.clone()
        };
        Ok(Self {
            id,
            session,
            prompt: new.prompt,
            context: shown(new.context.as_ref()),
            options: shown(new.options.as_ref()),
            roles: named,
            levels,
            kept: serde_json::to_string(&kept).expect("invariant: wire types serialise"),
        })
    }
}

/// The work that a request names.
///
/// # Errors
/// When it names two projects.
pub fn work_of(new: &NewOrchestration) -> Result<Work> {
    let option = match new
        .options
        .as_ref()
        .and_then(|options| options.get("project"))
    {
        None | Some(Value::Null) => None,
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(text)) => text.parse().ok(),
        Some(_) => None,
    };
    let project = match (new.project_id, option) {
        (Some(given), Some(option)) if given != option => {
            return Err(AppError::wrong(
                "project_id",
                given,
                format!("the same project as options.project, which is {option}"),
            ));
        }
        (given, option) => given.or(option),
    };
    Ok(Work {
        project,
        work_item: new.work_item_id,
        run: new.run_id,
    })
}

/// A UUID that was given, or a new one.
fn uuid_of(field: &'static str, given: Option<&str>) -> Result<Uuid> {
    match given {
        None => {
            let mut bytes = [0; 16];
            getrandom::fill(&mut bytes)
                .map_err(|error| AppError::Unavailable(format!("no random numbers: {error}")))?;
            Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
        }
        Some(text) => Uuid::try_parse(text).map_err(|_| {
            AppError::wrong(
                field,
                format!("`{text}`"),
                "a UUID such as 550e8400-e29b-41d4-a716-446655440000",
            )
        }),
    }
}

fn named(sequence: &[String], roles: &Roles) -> Result<Vec<(Role, String)>> {
    let all = || {
        roles
            .all()
            .map(|role| role.name.as_str())
            .collect::<Vec<_>>()
    };
    if sequence.is_empty() {
        let message = format!("names no role; name one or several of {}", all().join(", "));
        return Err(AppError::invalid("agent_sequence", message));
    }
    if sequence.len() > MAX_AGENTS {
        let message = format!(
            "names {} roles; at most {MAX_AGENTS} are allowed",
            sequence.len()
        );
        return Err(AppError::invalid("agent_sequence", message));
    }
    let mut named: Vec<(Role, String)> = Vec::new();
    for (index, name) in sequence.iter().enumerate() {
        let field = format!("agent_sequence[{index}]");
        let role = roles.find(name).ok_or_else(|| {
            let known = all();
            let near = nearest(name, &known)
                .map_or(String::new(), |near| format!("; did you mean {near}?"));
            AppError::wrong(
                field,
                format!("`{name}`"),
                format!("one of {}{near}", known.join(", ")),
            )
        })?;
        let before = named
            .iter()
            .filter(|(other, _)| other.name == role.name)
            .count();
        let key = match before {
            0 => role.name.clone(),
            times => format!("{}_{}", role.name, times + 1),
        };
        named.push((role.clone(), key));
    }
    Ok(named)
}

/// A value as roles are shown it; nothing for null and what is empty.
fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::Object(map)) if map.is_empty() => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => serde_json::to_string_pretty(other).expect("invariant: JSON serialises"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(prompt: &str, agents: &[&str]) -> NewOrchestration {
        NewOrchestration {
            prompt: prompt.to_owned(),
            agent_sequence: agents.iter().map(|&name| name.to_owned()).collect(),
            ..NewOrchestration::default()
        }
    }

    fn parse(new: NewOrchestration) -> std::result::Result<Request, String> {
        Request::parse(new, &Roles::built_in(), None).map_err(|error| error.to_string())
    }

    #[test]
    fn a_role_that_is_named_again_gets_a_place_of_its_own() {
        let request = parse(new("p", &["code", "Reviewer", "code"])).unwrap();
        let keys: Vec<_> = request.roles.iter().map(|(_, key)| key.as_str()).collect();
        assert_eq!(keys, ["code", "reviewer", "code_2"]);
    }

    #[test]
    fn what_is_wrong_is_named_with_what_is_expected() {
        assert!(
            parse(new(" \n", &["spec"]))
                .unwrap_err()
                .contains("`prompt` is empty")
        );
        assert!(parse(new("p", &[])).unwrap_err().contains("test_generator"));
        let unknown = parse(new("p", &["spec", "reviewr"])).unwrap_err();
        assert!(
            unknown.contains("agent_sequence[1]") && unknown.contains("did you mean reviewer?"),
            "{unknown}"
        );
        assert!(
            parse(new("p", &["spec"; 17]))
                .unwrap_err()
                .contains("at most 16")
        );
        assert!(
            parse(new(&"x".repeat(300_000), &["spec"]))
                .unwrap_err()
                .contains("300000 bytes")
        );
        let mut wrong = new("p", &["spec"]);
        wrong.session_id = Some("../x".to_owned());
        assert!(parse(wrong).unwrap_err().contains("session_id"));
    }
}
