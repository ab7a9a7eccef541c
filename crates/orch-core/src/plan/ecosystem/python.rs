//! Python projects: a private virtual environment where dependencies are declared, else the system's.
//!
//! Manifests are searched for words, not parsed: a word decides between two commands, and the
//! command itself reads the manifest properly.

use super::{Answer, Offer, offers_no};
use crate::plan::facts::View;
use crate::plan::verb::Verb;

/// How Python and its packages are reached.
enum Runner {
    /// `uv run …` after `uv sync`.
    Uv,
    /// `poetry run …` after `poetry install`.
    Poetry,
    /// A virtual environment that also sees the system's packages, filled with pip.
    Venv(String),
    /// Nothing is declared that would have to be installed.
    System,
}

impl Runner {
    fn of(view: View<'_>) -> Self {
        let project = view.content("pyproject.toml");
        if view.has("uv.lock") {
            Self::Uv
        } else if view.has("poetry.lock") || project.contains("[tool.poetry]") {
            Self::Poetry
        } else if view.has("requirements.txt") {
            Self::Venv("-r requirements.txt".to_owned())
        } else if project.contains("[project]") && project.contains("dependencies") {
            Self::Venv(editable(project))
        } else {
            Self::System
        }
    }

    fn prepare(&self) -> Vec<String> {
        match self {
            Self::Uv => vec!["uv sync --locked".to_owned()],
            Self::Poetry => vec!["poetry install --no-interaction".to_owned()],
            Self::Venv(what) => vec![
                "python3 -m venv --system-site-packages .venv".to_owned(),
                format!(".venv/bin/python -m pip install --no-input {what}"),
            ],
            Self::System => Vec::new(),
        }
    }

    fn command(&self, module: &str) -> String {
        match self {
            Self::Uv => format!("uv run python -m {module}"),
            Self::Poetry => format!("poetry run python -m {module}"),
            Self::Venv(_) => format!(".venv/bin/python -m {module}"),
            Self::System => format!("python3 -m {module}"),
        }
    }

    fn tool(&self) -> &'static str {
        match self {
            Self::Uv => "uv",
            Self::Poetry => "poetry",
            Self::Venv(_) | Self::System => "python3",
        }
    }
}

/// The project itself, with the extra that holds its test tools where one is declared.
fn editable(project: &str) -> String {
    let declared = |extra: &str| {
        project.lines().any(|line| {
            let rest = line.trim().strip_prefix(extra).map(str::trim_start);
            rest.is_some_and(|rest| rest.starts_with('=') && rest.contains('['))
        })
    };
    if !project.contains("[project.optional-dependencies]") {
        return "-e .".to_owned();
    }
    let extra = ["test", "tests", "testing", "dev"]
        .into_iter()
        .find(|extra| declared(extra));
    extra.map_or_else(|| "-e .".to_owned(), |extra| format!("-e '.[{extra}]'"))
}

pub(super) fn answer(verb: Verb, view: View<'_>, mark: &str) -> Answer {
    let project = view.content("pyproject.toml");
    let runner = Runner::of(view);
    let uses_ruff =
        view.first(&["ruff.toml", ".ruff.toml"]).is_some() || project.contains("[tool.ruff");
    let module = match verb {
        Verb::Test => "pytest",
        Verb::Build if view.first(&["pyproject.toml", "setup.py"]).is_some() => "build",
        Verb::Build => return Err(format!("{mark} alone builds nothing")),
        Verb::Lint if uses_ruff => "ruff check .",
        Verb::Lint if view.has(".flake8") => "flake8",
        Verb::Lint => return Err(format!("{mark} configures no linter (ruff or flake8)")),
        Verb::Format if project.contains("[tool.black") => "black --check .",
        Verb::Format if uses_ruff => "ruff format --check .",
        Verb::Format => return Err(format!("{mark} configures no formatter (black or ruff)")),
        Verb::Install => return install(&runner, mark),
        Verb::Run if view.has("main.py") => return Ok(run_main(&runner, mark)),
        Verb::Run => return Err(format!("{mark} has no main.py beside it to run")),
        Verb::Plan | Verb::Apply | Verb::Destroy | Verb::Deploy => {
            return Err(offers_no(mark, verb));
        }
    };
    // Building a package needs its build tool alone, not the package's own dependencies.
    let runner = if verb == Verb::Build {
        Runner::System
    } else {
        runner
    };
    let mut commands = runner.prepare();
    commands.push(runner.command(module));
    Ok(offer(&runner, mark, &commands))
}

fn install(runner: &Runner, mark: &str) -> Answer {
    let commands = runner.prepare();
    if commands.is_empty() {
        return Err(format!("{mark} declares no dependencies"));
    }
    Ok(offer(runner, mark, &commands))
}

fn run_main(runner: &Runner, mark: &str) -> Offer {
    let mut commands = runner.prepare();
    commands.push(runner.command("main"));
    offer(runner, mark, &commands)
}

fn offer(runner: &Runner, mark: &str, commands: &[String]) -> Offer {
    let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
    Offer::new(mark, &[runner.tool()], &commands)
}
