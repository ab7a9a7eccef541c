//! Docker, Compose, OpenTofu or Terraform, and Helm.
//!
//! Where a title names an environment, nothing runs that does not name the same one: a general
//! command that would reach an unnamed place is refused.

use super::{Answer, Asked, Offer, offers_no};
use crate::plan::facts::View;
use crate::plan::verb::Verb;

pub(super) fn docker(asked: &Asked<'_>, mark: &str) -> Answer {
    if asked.verb != Verb::Build {
        return Err(offers_no(mark, asked.verb));
    }
    let file = if mark == "Dockerfile" {
        String::new()
    } else {
        format!(" -f {mark}")
    };
    let tag = asked
        .component
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        .map(|name| format!(" -t {name}"))
        .unwrap_or_default();
    let command = format!("docker build{file}{tag} .");
    Ok(Offer::new(mark, &["docker"], &[&command]))
}

pub(super) fn compose(asked: &Asked<'_>, mark: &str) -> Answer {
    let command = match asked.verb {
        Verb::Build => "docker compose build",
        Verb::Lint => "docker compose config --quiet",
        Verb::Deploy => {
            refuse_unnamed_place(asked, mark)?;
            "docker compose up --detach --build"
        }
        Verb::Test
        | Verb::Format
        | Verb::Install
        | Verb::Run
        | Verb::Plan
        | Verb::Apply
        | Verb::Destroy => return Err(offers_no(mark, asked.verb)),
    };
    Ok(Offer::new(mark, &["docker"], &[command]))
}

fn refuse_unnamed_place(asked: &Asked<'_>, mark: &str) -> Result<(), String> {
    match asked.environment.first() {
        None => Ok(()),
        Some(name) => Err(format!("{mark} does not say where `{name}` is")),
    }
}

pub(super) fn helm(verb: Verb) -> Answer {
    let mark = "Chart.yaml";
    let commands: &[&str] = match verb {
        Verb::Lint => &["helm lint ."],
        Verb::Build | Verb::Test => &["helm lint .", "helm template ."],
        Verb::Plan => &["helm template ."],
        Verb::Apply | Verb::Destroy | Verb::Deploy => {
            return Err(format!(
                "{mark} does not say which release, namespace and cluster are meant"
            ));
        }
        Verb::Format | Verb::Install | Verb::Run => return Err(offers_no(mark, verb)),
    };
    Ok(Offer::new(mark, &["helm"], commands))
}

pub(super) fn tofu(asked: &Asked<'_>, view: View<'_>, mark: &str) -> Answer {
    let tool = flavour(asked, view);
    let run = |rest: &str| format!("{tool} {rest}");
    let init = run("init -input=false -no-color");
    let commands = match asked.verb {
        Verb::Plan => vec![init, plan(tool, "", &variables(asked, view, mark)?)],
        // A plan that an earlier run left here is what was looked at; nothing else is applied.
        Verb::Apply if view.has(SAVED_PLAN) => vec![init, apply(tool)],
        Verb::Apply => vec![
            init,
            plan(tool, "", &variables(asked, view, mark)?),
            apply(tool),
        ],
        Verb::Destroy => {
            let plan = plan(tool, " -destroy", &variables(asked, view, mark)?);
            vec![init, plan, apply(tool)]
        }
        Verb::Lint => vec![
            run("init -backend=false -input=false -no-color"),
            run("validate -no-color"),
        ],
        Verb::Test if view.any_ending(&[".tftest.hcl", ".tofutest.hcl"]).is_some() => {
            vec![init, run("test -no-color")]
        }
        Verb::Test => return Err(format!("{mark} has no *.tftest.hcl beside it")),
        Verb::Format => vec![run("fmt -check -recursive -no-color")],
        Verb::Install => vec![init],
        Verb::Build | Verb::Run | Verb::Deploy => return Err(offers_no(mark, asked.verb)),
    };
    let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
    Ok(Offer::new(mark, &[tool], &commands).with_env("TF_IN_AUTOMATION", "1"))
}

const SAVED_PLAN: &str = "tfplan";

fn plan(tool: &str, mode: &str, variables: &str) -> String {
    format!("{tool} plan{mode} -input=false -no-color{variables} -out={SAVED_PLAN}")
}

fn apply(tool: &str) -> String {
    format!("{tool} apply -input=false -no-color {SAVED_PLAN}")
}

fn flavour(asked: &Asked<'_>, view: View<'_>) -> &'static str {
    let says = |word: &str| asked.spelled.iter().any(|spelled| spelled == word);
    if says("tofu") || says("opentofu") || view.any_ending(&[".tofu"]).is_some() {
        return "tofu";
    }
    let locked_for = view.content(".terraform.lock.hcl");
    let terraform = says("terraform")
        || view.has(".terraform-version")
        || locked_for.contains("registry.terraform.io");
    if terraform { "terraform" } else { "tofu" }
}

/// `-var-file=…` for the environment that the title names; none when it names none.
fn variables(asked: &Asked<'_>, view: View<'_>, mark: &str) -> Result<String, String> {
    let Some(first) = asked.environment.first() else {
        return Ok(String::new());
    };
    if view
        .folder()
        .is_some_and(|folder| asked.environment.iter().any(|name| name == folder))
    {
        return Ok(String::new());
    }
    asked
        .environment
        .iter()
        .flat_map(|name| [format!("{name}.tfvars"), format!("env/{name}.tfvars")])
        .find(|file| view.has(file))
        .map(|file| format!(" -var-file={file}"))
        .ok_or_else(|| {
            format!("{mark} has neither a folder `{first}` nor a file {first}.tfvars beside it")
        })
}
