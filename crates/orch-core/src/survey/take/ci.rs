//! Pipelines: which system runs them, and the commands in them that are known.

use super::found::Found;
use super::names::is_workflow;
use super::purpose::of_line;
use crate::survey::bounds::MOST_FOLDERS;
use crate::survey::model::{Basis, CiSystem, Place};
use crate::survey::read::yaml_entries;

const SYSTEMS: [(&str, &str); 14] = [
    (".gitlab-ci.yaml", "GitLab CI"),
    (".woodpecker.yml", "Woodpecker"),
    (".buildkite/pipeline.yml", "Buildkite"),
    (".cirrus.yml", "Cirrus CI"),
    ("cloudbuild.yaml", "Cloud Build"),
    ("buildspec.yml", "CodeBuild"),
    (".gitlab-ci.yml", "GitLab CI"),
    (".circleci/config.yml", "CircleCI"),
    (".travis.yml", "Travis CI"),
    ("azure-pipelines.yml", "Azure Pipelines"),
    ("bitbucket-pipelines.yml", "Bitbucket Pipelines"),
    ("appveyor.yml", "AppVeyor"),
    ("Jenkinsfile", "Jenkins"),
    (".drone.yml", "Drone"),
];

/// Whether a file holds a pipeline.
pub fn is_pipeline(path: &str) -> bool {
    is_workflow(path) || SYSTEMS.iter().any(|(known, _)| *known == path)
}

pub fn read(found: &mut Found<'_>, path: &str, text: &str) {
    let system = match is_workflow(path) {
        true if path.starts_with(".gitea/") => "Gitea Actions",
        true if path.starts_with(".forgejo/") => "Forgejo Actions",
        true => "GitHub Actions",
        false => match SYSTEMS.iter().find(|(known, _)| *known == path) {
            Some((_, system)) => system,
            None => return,
        },
    };
    if found.survey.ci.len() < MOST_FOLDERS {
        found.survey.ci.push(CiSystem {
            system: system.to_owned(),
            place: Place::whole(path),
        });
    }
    if path == "Jenkinsfile" {
        for (at, line) in text.lines().enumerate().take(5_000) {
            if let Some((_, rest)) = line.trim().split_once("sh ") {
                say(
                    found,
                    path,
                    rest.trim_matches(['\'', '"', ' ']),
                    at as u32 + 1,
                );
            }
        }
        return;
    }
    for entry in yaml_entries(text) {
        let mut keys = entry.path.iter().rev().filter(|key| *key != "[]");
        let is_command = keys.next().is_some_and(|key| {
            let key = key.as_str();
            matches!(
                key,
                "run" | "script" | "before_script" | "command" | "bash" | "test_script"
            )
        });
        if is_command {
            for (at, line) in entry.value.lines().enumerate() {
                say(found, path, line, entry.line + at as u32);
            }
        }
    }
}

/// Where a pipeline runs a command is not told by its line: commands with variables are left out.
fn say(found: &mut Found<'_>, path: &str, line: &str, number: u32) {
    let line = line.trim();
    let is_plain = !line.contains(['$', '`', '\\', '{', '|', '<', '>', ';']);
    if let (true, Some(purpose)) = (is_plain, of_line(line)) {
        let place = Place::line(path, number);
        found.command_in("", purpose, line, Basis::Declared, place);
    }
}
