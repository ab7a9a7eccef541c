//! Node packages: a verb runs only where package.json has a script for it.
//!
//! The lock file chooses the package manager. Dependencies are installed first, from the lock file
//! where there is one, and not at all where the package declares none.

use serde_json::Value;

use super::{Answer, Asked, Offer};
use crate::plan::facts::View;
use crate::plan::verb::Verb;

#[derive(Clone, Copy, PartialEq)]
enum Manager {
    Npm,
    Pnpm,
    Yarn,
    Bun,
}

impl Manager {
    fn of(package: &Value, view: View<'_>) -> Self {
        let declared = package["packageManager"].as_str().unwrap_or_default();
        match declared.split('@').next() {
            Some("npm") => return Self::Npm,
            Some("pnpm") => return Self::Pnpm,
            Some("yarn") => return Self::Yarn,
            Some("bun") => return Self::Bun,
            _ => {}
        }
        if view.has("pnpm-lock.yaml") {
            Self::Pnpm
        } else if view.has("yarn.lock") {
            Self::Yarn
        } else if view.has("bun.lock") || view.has("bun.lockb") {
            Self::Bun
        } else {
            Self::Npm
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Pnpm => "pnpm",
            Self::Yarn => "yarn",
            Self::Bun => "bun",
        }
    }

    fn install(self, view: View<'_>) -> &'static str {
        let locked = |files: &[&'static str]| view.first(files).is_some();
        match self {
            Self::Npm if locked(&["package-lock.json", "npm-shrinkwrap.json"]) => "npm ci",
            Self::Npm => "npm install",
            Self::Pnpm if locked(&["pnpm-lock.yaml"]) => "pnpm install --frozen-lockfile",
            Self::Pnpm => "pnpm install",
            Self::Yarn if view.has(".yarnrc.yml") => "yarn install --immutable",
            Self::Yarn if locked(&["yarn.lock"]) => "yarn install --frozen-lockfile",
            Self::Yarn => "yarn install",
            Self::Bun if locked(&["bun.lock", "bun.lockb"]) => "bun install --frozen-lockfile",
            Self::Bun => "bun install",
        }
    }
}

pub(super) fn answer(asked: &Asked<'_>, view: View<'_>) -> Answer {
    let text = view.content("package.json");
    if text.is_empty() {
        return Err("package.json could not be read".to_owned());
    }
    let package: Value = serde_json::from_str(text)
        .map_err(|error| format!("package.json is not valid JSON ({error})"))?;
    let manager = Manager::of(&package, view);
    let declares = |key: &str| package[key].as_object().is_some_and(|all| !all.is_empty());
    let has_dependencies = ["dependencies", "devDependencies", "optionalDependencies"]
        .iter()
        .any(|key| declares(key))
        || package.get("workspaces").is_some();
    let script = match asked.verb {
        Verb::Install => None,
        Verb::Plan | Verb::Apply | Verb::Destroy => {
            return Err(super::offers_no("package.json", asked.verb));
        }
        Verb::Build | Verb::Test | Verb::Lint | Verb::Format | Verb::Run | Verb::Deploy => {
            Some(script(asked, &package)?)
        }
    };
    let mut commands = Vec::new();
    if has_dependencies || script.is_none() {
        commands.push(manager.install(view).to_owned());
    }
    let because = match &script {
        None => "package.json".to_owned(),
        Some(script) => {
            commands.push(match (manager, script.as_str()) {
                (Manager::Npm, "test") => "npm test".to_owned(),
                (manager, script) => format!("{} run {script}", manager.name()),
            });
            format!("script `{script}` in package.json")
        }
    };
    let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
    let tools: &[&'static str] = match manager {
        Manager::Bun => &["bun"],
        Manager::Npm => &["node", "npm"],
        Manager::Pnpm => &["node", "pnpm"],
        Manager::Yarn => &["node", "yarn"],
    };
    // Test runners watch files for ever when they believe that a person is there.
    Ok(Offer::new(because, tools, &commands).with_env("CI", "true"))
}

fn script(asked: &Asked<'_>, package: &Value) -> Result<String, String> {
    let scripts = package["scripts"].as_object();
    let runs = |name: &str| {
        let command = scripts
            .and_then(|scripts| scripts.get(name))
            .and_then(Value::as_str);
        // What `npm init` writes fails on purpose and tests nothing.
        command.is_some_and(|command| {
            !command.trim().is_empty() && !command.contains("no test specified")
        })
    };
    let checks = match asked.verb {
        Verb::Format => [
            "format:check",
            "fmt:check",
            "check:format",
            "prettier:check",
        ]
        .as_slice(),
        Verb::Run => ["start", "serve"].as_slice(),
        _ => [].as_slice(),
    };
    if let Some(check) = checks
        .iter()
        .find(|name| runs(name) && asked.targets.general_allowed())
    {
        return Ok((*check).to_owned());
    }
    asked
        .targets
        .find(runs)
        .ok_or_else(|| format!("package.json has no {}", asked.targets.describe("script")))
}
