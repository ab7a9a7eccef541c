//! Cargo, Go, Maven, Gradle and CMake: verbs map to fixed commands.
//!
//! Holds no logic beyond which files choose between two spellings of a command.

use super::{Answer, Offer, offers_no};
use crate::plan::facts::View;
use crate::plan::verb::Verb;

pub(super) fn cargo(verb: Verb, view: View<'_>) -> Answer {
    let mark = "Cargo.toml";
    let manifest = view.content(mark);
    let is_workspace = manifest.lines().any(|line| line.trim() == "[workspace]");
    let all = if is_workspace { " --workspace" } else { "" };
    let command = match verb {
        Verb::Build => format!("cargo build{all}"),
        Verb::Test => format!("cargo test{all}"),
        Verb::Lint => format!("cargo clippy{all} --all-targets -- -D warnings"),
        Verb::Format => "cargo fmt --all --check".to_owned(),
        Verb::Install => "cargo fetch".to_owned(),
        Verb::Run if view.has("src/main.rs") => "cargo run".to_owned(),
        Verb::Run => return Err(format!("{mark} has no src/main.rs beside it to run")),
        Verb::Plan | Verb::Apply | Verb::Destroy | Verb::Deploy => {
            return Err(offers_no(mark, verb));
        }
    };
    Ok(Offer::new(mark, &["cargo"], &[&command]))
}

pub(super) fn go(verb: Verb, view: View<'_>) -> Answer {
    let mark = "go.mod";
    let command = match verb {
        Verb::Build => "go build ./...",
        Verb::Test => "go test ./...",
        Verb::Lint => "go vet ./...",
        Verb::Format => {
            let command = "files=$(gofmt -l .) && printf '%s\\n' \"$files\" && test -z \"$files\"";
            return Ok(Offer::new(mark, &["gofmt"], &[command]));
        }
        Verb::Install => "go mod download",
        Verb::Run if view.has("main.go") => "go run .",
        Verb::Run => return Err(format!("{mark} has no main.go beside it to run")),
        Verb::Plan | Verb::Apply | Verb::Destroy | Verb::Deploy => {
            return Err(offers_no(mark, verb));
        }
    };
    Ok(Offer::new(mark, &["go"], &[command]))
}

pub(super) fn maven(verb: Verb, view: View<'_>) -> Answer {
    let mark = "pom.xml";
    let goal = match verb {
        Verb::Build => "-DskipTests package",
        Verb::Test => "test",
        Verb::Install => "dependency:go-offline",
        Verb::Lint
        | Verb::Format
        | Verb::Run
        | Verb::Plan
        | Verb::Apply
        | Verb::Destroy
        | Verb::Deploy => return Err(offers_no(mark, verb)),
    };
    // The wrapper may have lost its executable bit; a shell reads it all the same.
    let (maven, tool) = if view.has("mvnw") {
        ("sh ./mvnw", "java")
    } else {
        ("mvn", "mvn")
    };
    let command = format!("{maven} --batch-mode {goal}");
    Ok(Offer::new(mark, &[tool], &[&command]))
}

pub(super) fn gradle(verb: Verb, view: View<'_>, mark: &str) -> Answer {
    let task = match verb {
        Verb::Build => "assemble",
        Verb::Test => "test",
        Verb::Lint
        | Verb::Format
        | Verb::Install
        | Verb::Run
        | Verb::Plan
        | Verb::Apply
        | Verb::Destroy
        | Verb::Deploy => return Err(offers_no(mark, verb)),
    };
    let (gradle, tool) = if view.has("gradlew") {
        ("sh ./gradlew", "java")
    } else {
        ("gradle", "gradle")
    };
    let command = format!("{gradle} --no-daemon --console=plain {task}");
    Ok(Offer::new(mark, &[tool], &[&command]))
}

pub(super) fn cmake(verb: Verb) -> Answer {
    let mark = "CMakeLists.txt";
    let configure = "cmake -S . -B build";
    let build = "cmake --build build";
    match verb {
        Verb::Build => Ok(Offer::new(mark, &["cmake"], &[configure, build])),
        Verb::Test => {
            let test = "ctest --test-dir build --output-on-failure";
            Ok(Offer::new(
                mark,
                &["cmake", "ctest"],
                &[configure, build, test],
            ))
        }
        Verb::Lint
        | Verb::Format
        | Verb::Install
        | Verb::Run
        | Verb::Plan
        | Verb::Apply
        | Verb::Destroy
        | Verb::Deploy => Err(offers_no(mark, verb)),
    }
}
