//! In whose name `mcp` serves: a person's by default, and a run's own where it is started inside of one.

use orch_mcp::Who;

use super::{ClientSettings, Reader, Setting, parse};

const RUN_TOKEN: Setting = Setting::new("ORCH_RUN_TOKEN").secret();
const RUN: Setting = Setting::new("ORCH_RUN_ID");
const WORK_ITEM: Setting = Setting::new("ORCH_WORK_ITEM_ID");
/// The task that a runner of the protocol works on, by its older name.
const TASK: Setting = Setting::new("MCP_RUNNER_TASK_ID");
/// How tokens of runs begin.
const OF_A_RUN: &str = "orchrun_";

/// The token that calls carry, and what is known of its owner.
pub struct CallerSettings {
    pub url: String,
    pub token: Option<String>,
    pub who: Who,
}

impl CallerSettings {
    pub fn read(reader: &mut Reader<'_>, url: Option<&str>) -> Self {
        let client = ClientSettings::read(reader, url);
        let of_run = reader.optional(&RUN_TOKEN, None, parse::text);
        let run = reader.optional(&RUN, None, parse::text);
        let item = reader.optional(&WORK_ITEM, None, parse::text);
        let task = reader.optional(&TASK, None, parse::text);
        // The lesser right wins: a program inside of a run is that run, whatever else it was given.
        let token = of_run.or(client.token);
        let is_run = token
            .as_deref()
            .is_some_and(|token| token.starts_with(OF_A_RUN));
        // They may be names of another kind, which fill in nothing.
        let number = |text: Option<String>| text.and_then(|text| text.parse().ok());
        let who = match is_run {
            true => Who::Run {
                run: number(run),
                work_item: number(item).or(number(task)),
            },
            false => Who::User,
        };
        Self {
            url: client.url,
            token,
            who,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    fn read(environment: &[(&str, &str)]) -> (Option<String>, Who) {
        let environment = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let settings = Settings::new(environment, &[]).unwrap();
        let mut reader = Reader::new(&settings);
        let caller = CallerSettings::read(&mut reader, None);
        assert!(reader.finish().is_ok());
        (caller.token, caller.who)
    }

    #[test]
    fn a_runs_token_makes_the_caller_that_run_whatever_else_is_set() {
        let (token, who) = read(&[
            ("ORCH_API_TOKEN", "of-a-person"),
            ("ORCH_RUN_TOKEN", "orchrun_x"),
            ("ORCH_RUN_ID", "7"),
            ("MCP_RUNNER_TASK_ID", "3"),
        ]);
        assert_eq!(token.as_deref(), Some("orchrun_x"));
        let run = Who::Run {
            run: Some(7),
            work_item: Some(3),
        };
        assert_eq!(who, run);
        let (_, who) = read(&[
            ("ORCH_API_TOKEN", "orchrun_x"),
            ("MCP_RUNNER_TASK_ID", "t-1"),
        ]);
        let run = Who::Run {
            run: None,
            work_item: None,
        };
        assert_eq!(who, run);
        let (token, who) = read(&[("ORCH_API_TOKEN", "of-a-person"), ("ORCH_RUN_ID", "7")]);
        assert_eq!((token.as_deref(), who), (Some("of-a-person"), Who::User));
    }
}
