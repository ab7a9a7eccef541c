//! The configuration of one run's Codex, made from the user's.
//!
//! Pure: text in, text out. Model, provider and everything else the user chose stay; nobody is asked
//! for approval, and the commands that Codex runs see the run's environment and nothing else.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use super::provider::{Route, reroute};

/// Names that a command needs to find its way, and the mark by which the agent finds processes that
/// a command left behind. The run's own variables come on top.
const VISIBLE: [&str; 8] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "SHELL",
    "USER",
    "LOGNAME",
    "LC_*",
    "ORCH_RUN_MARKER",
];

/// Paths at the configuration's top level that count from the file's own folder.
const RELATIVE_PATHS: [&str; 2] = ["model_catalog_json", "model_instructions_file"];

/// A run's configuration.
#[derive(Debug, PartialEq)]
pub(super) struct Config {
    /// The file's content.
    pub(super) text: String,
    /// The variables from which Codex itself reads keys of providers and tools.
    pub(super) provider_variables: BTreeSet<String>,
    /// Files that it names and that are to be copied beside it, with their names there.
    pub(super) copies: Vec<(PathBuf, String)>,
}

/// Where the files are that a configuration names.
#[derive(Clone, Copy, Debug)]
pub(super) enum Files<'p> {
    /// Where the user has them.
    Stay,
    /// In this folder, copied.
    Copied(&'p Path),
}

/// Makes a run's configuration of the user's, which lies in `folder`; `run_variables` are the names
/// that the commands may see.
pub(super) fn configure<'n>(
    user: &str,
    folder: &Path,
    run_variables: impl Iterator<Item = &'n str>,
    files: Files<'_>,
    route: Option<&Route>,
) -> Result<Config, toml::de::Error> {
    let mut config: Table = toml::from_str(user)?;
    let mut copies = Vec::new();
    for name in RELATIVE_PATHS {
        if let Some(Value::String(path)) = config.get_mut(name) {
            let source = folder.join(&*path);
            let file = match files {
                Files::Stay => source,
                Files::Copied(to) => {
                    copies.push((source, name.to_owned()));
                    to.join(name)
                }
            };
            *path = file.to_string_lossy().into_owned();
        }
    }
    if let Files::Copied(_) = files {
        ask_nobody_else(&mut config);
    }
    let mut provider_variables = BTreeSet::new();
    if let Some(route) = route {
        reroute(&mut config, route);
    }
    collect_variables(&config, &mut provider_variables);
    config.insert("approval_policy".to_owned(), "never".into());
    let policy = config
        .remove("shell_environment_policy")
        .and_then(|policy| match policy {
            Value::Table(policy) => Some(policy),
            _ => None,
        });
    let policy = environment_policy(policy.unwrap_or_default(), run_variables);
    config.insert("shell_environment_policy".to_owned(), policy.into());
    Ok(Config {
        text: config.to_string(),
        provider_variables,
        copies,
    })
}

/// What Codex looks up at other hosts by itself, where it can reach none of them; unless the user wants
/// it.
fn ask_nobody_else(config: &mut Table) {
    config
        .entry("check_for_update_on_startup")
        .or_insert(false.into());
    for (name, switches) in [
        ("analytics", &["enabled"][..]),
        ("features", &["plugins", "remote_plugin"][..]),
    ] {
        let table = config.entry(name).or_insert_with(|| Table::new().into());
        if let Value::Table(table) = table {
            for switch in switches {
                table.entry(*switch).or_insert(false.into());
            }
        }
    }
}

/// Lets by name through what the commands may see. The variables that the user sets stay; those of
/// the run are there on purpose, also where their names look like secrets.
fn environment_policy<'n>(
    mut policy: Table,
    run_variables: impl Iterator<Item = &'n str>,
) -> Table {
    let set_by_user = match policy.get("set") {
        Some(Value::Table(set)) => set.keys().cloned().collect(),
        Some(_) | None => Vec::new(),
    };
    let names: BTreeSet<String> = VISIBLE
        .into_iter()
        .chain(run_variables)
        .map(str::to_owned)
        .chain(set_by_user)
        .collect();
    let names: Vec<Value> = names.into_iter().map(Value::String).collect();
    policy.insert("inherit".to_owned(), "all".into());
    policy.insert("ignore_default_excludes".to_owned(), true.into());
    policy.insert("include_only".to_owned(), names.into());
    policy
}

fn collect_variables(table: &Table, names: &mut BTreeSet<String>) {
    for (key, value) in table {
        match (key.as_str(), value) {
            ("env_key" | "bearer_token_env_var", Value::String(name)) => {
                names.insert(name.clone());
            }
            ("env_http_headers", Value::Table(headers)) => {
                let values = headers.values().filter_map(Value::as_str);
                names.extend(values.map(str::to_owned));
            }
            ("env_vars", Value::Array(list)) => {
                names.extend(list.iter().filter_map(Value::as_str).map(str::to_owned));
            }
            (_, Value::Table(inner)) => collect_variables(inner, names),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configured(user: &str) -> (Table, Vec<String>) {
        let names = ["AWS_SECRET_ACCESS_KEY", "PATH"];
        let config = configure(
            user,
            Path::new("/u/.codex"),
            names.into_iter(),
            Files::Stay,
            None,
        )
        .unwrap();
        let table = toml::from_str(&config.text).unwrap();
        (table, config.provider_variables.into_iter().collect())
    }

    #[test]
    fn without_a_users_configuration_the_policy_stands_alone() {
        let expected: Table = toml::from_str(
            r#"
            approval_policy = "never"
            [shell_environment_policy]
            inherit = "all"
            ignore_default_excludes = true
            include_only = ["AWS_SECRET_ACCESS_KEY", "HOME", "LC_*", "LOGNAME", "ORCH_RUN_MARKER", "PATH", "SHELL", "TMPDIR", "USER"]
            "#,
        )
        .unwrap();
        assert_eq!(configured(""), (expected, vec![]));
    }

    #[test]
    fn what_the_user_chose_stays() {
        let (config, variables) = configured(
            r#"
            model = "m"
            model_provider = "p"
            model_catalog_json = "models.json"
            model_instructions_file = "/abs/instructions.md"
            approval_policy = "on-request"
            [model_providers.p]
            base_url = "http://127.0.0.1:1/v1"
            env_key = "P_KEY"
            env_http_headers = { "X-Team" = "P_TEAM" }
            [mcp_servers.s]
            bearer_token_env_var = "S_TOKEN"
            env_vars = ["S_HOST"]
            [sandbox_workspace_write]
            network_access = true
            [shell_environment_policy]
            inherit = "core"
            include_only = ["*"]
            exclude = ["B"]
            set = { MINE = "1" }
            "#,
        );
        assert_eq!(variables, ["P_KEY", "P_TEAM", "S_HOST", "S_TOKEN"]);
        assert_eq!(config["model"].as_str(), Some("m"));
        assert_eq!(
            config["model_providers"]["p"]["env_key"].as_str(),
            Some("P_KEY")
        );
        assert_eq!(
            config["model_catalog_json"].as_str(),
            Some("/u/.codex/models.json")
        );
        assert_eq!(
            config["model_instructions_file"].as_str(),
            Some("/abs/instructions.md")
        );
        assert_eq!(config["approval_policy"].as_str(), Some("never"));
        let network = &config["sandbox_workspace_write"]["network_access"];
        assert_eq!(network.as_bool(), Some(true));
        let policy = &config["shell_environment_policy"];
        assert_eq!(policy["inherit"].as_str(), Some("all"));
        assert_eq!(policy["set"]["MINE"].as_str(), Some("1"));
        assert_eq!(policy["exclude"][0].as_str(), Some("B"));
        let visible = policy["include_only"].as_array().unwrap();
        assert!(visible.contains(&Value::from("MINE")) && !visible.contains(&Value::from("*")));
    }

    #[test]
    fn a_broken_configuration_is_refused_with_its_place() {
        let error = configure(
            "model = \n",
            Path::new("/"),
            std::iter::empty(),
            Files::Stay,
            None,
        )
        .unwrap_err();
        assert!(error.to_string().contains("line 1"), "{error}");
    }
}
