use super::{commands, env, workspace};
use crate::plan::{Plan, infer};
use crate::recipe::Step;

/// Title, files and the commands they lead to.
fn check(title: &str, files: &[(&str, &str)], expected: &[&str]) {
    assert_eq!(
        commands(title, "", &workspace(files)),
        expected,
        "{title} in {files:?}"
    );
}

const CARGO: (&str, &str) = ("Cargo.toml", "[package]");
const TF: (&str, &str) = ("main.tf", "-");

#[test]
fn the_whole_plan_names_steps_tools_and_reasons() {
    let facts = workspace(&[
        (
            "web/package.json",
            r#"{"scripts":{"test":"jest"},"devDependencies":{"jest":"1"}}"#,
        ),
        ("web/package-lock.json", "-"),
    ]);
    let step = |run: &str| Step {
        env: env("CI", "true"),
        cwd: Some("./web".to_owned()),
        ..Step::command(run)
    };
    assert_eq!(
        infer("web:test", "jest", &facts),
        Plan::Steps {
            steps: vec![step("npm ci"), step("npm test")],
            tools: vec!["node".to_owned(), "npm".to_owned()],
            because: vec!["web: script `test` in package.json".to_owned()],
        }
    );
}

#[test]
fn verbs_are_read_from_titles_of_many_forms() {
    for (title, expected) in [
        ("build", "cargo build"),
        ("Build", "cargo build"),
        ("api:build", "cargo build"),
        ("rebuild everything", "cargo build"),
        ("compile", "cargo build"),
        ("integration:test", "cargo test"),
        ("Run unit tests", "cargo test"),
        ("run the tests, please", "cargo test"),
        ("test build artifacts", "cargo test"),
        ("lint", "cargo clippy --all-targets -- -D warnings"),
        ("Run linter", "cargo clippy --all-targets -- -D warnings"),
        ("format", "cargo fmt --all --check"),
        ("cargo fmt", "cargo fmt --all --check"),
        ("Install dependencies", "cargo fetch"),
        ("run", "cargo run"),
        ("start the app locally", "cargo run"),
        ("Build without tests", "cargo build"),
        ("don't deploy, build", "cargo build"),
    ] {
        check(title, &[CARGO, ("src/main.rs", "-")], &[expected]);
    }
}

#[test]
fn joined_verbs_run_in_their_order() {
    for title in [
        "build and test",
        "Build → Test",
        "build, then test",
        "build/test",
        "build & test",
    ] {
        check(title, &[CARGO], &["cargo build", "cargo test"]);
    }
    check(
        "lint, format and test",
        &[CARGO],
        &[
            "cargo clippy --all-targets -- -D warnings",
            "cargo fmt --all --check",
            "cargo test",
        ],
    );
    let package = r#"{"scripts":{"build":"x","test":"y"},"dependencies":{"a":"1"}}"#;
    check(
        "build and test",
        &[("package.json", package)],
        &["npm install", "npm run build", "npm test"],
    );
}

#[test]
fn every_ecosystem_has_its_commands() {
    for (title, files, expected) in [
        (
            "test",
            vec![("Cargo.toml", "[workspace]\nmembers = []")],
            vec!["cargo test --workspace"],
        ),
        ("build", vec![("go.mod", "-")], vec!["go build ./..."]),
        ("test", vec![("go.mod", "-")], vec!["go test ./..."]),
        ("lint", vec![("go.mod", "-")], vec!["go vet ./..."]),
        (
            "build",
            vec![("pom.xml", "-")],
            vec!["mvn --batch-mode -DskipTests package"],
        ),
        (
            "test",
            vec![("pom.xml", "-"), ("mvnw", "-")],
            vec!["sh ./mvnw --batch-mode test"],
        ),
        (
            "test",
            vec![("build.gradle", "-")],
            vec!["gradle --no-daemon --console=plain test"],
        ),
        (
            "build",
            vec![("build.gradle.kts", "-"), ("gradlew", "-")],
            vec!["sh ./gradlew --no-daemon --console=plain assemble"],
        ),
        (
            "test",
            vec![("CMakeLists.txt", "-")],
            vec![
                "cmake -S . -B build",
                "cmake --build build",
                "ctest --test-dir build --output-on-failure",
            ],
        ),
        ("build", vec![("Dockerfile", "-")], vec!["docker build ."]),
        (
            "api:build",
            vec![("Dockerfile", "-")],
            vec!["docker build -t api ."],
        ),
        (
            "build",
            vec![("Containerfile", "-")],
            vec!["docker build -f Containerfile ."],
        ),
        (
            "docker compose build",
            vec![("compose.yaml", "-"), ("Dockerfile", "-")],
            vec!["docker compose build"],
        ),
        (
            "deploy",
            vec![("docker-compose.yml", "-")],
            vec!["docker compose up --detach --build"],
        ),
        ("lint", vec![("Chart.yaml", "-")], vec!["helm lint ."]),
        (
            "helm:test",
            vec![("Chart.yaml", "-")],
            vec!["helm lint .", "helm template ."],
        ),
        (
            "build",
            vec![("build.sh", "#!/usr/bin/env bash\nx")],
            vec!["bash ./build.sh"],
        ),
        (
            "deploy",
            vec![("scripts/deploy.sh", "#!/bin/sh")],
            vec!["sh ./scripts/deploy.sh"],
        ),
    ] {
        check(title, &files, &expected);
    }
}

#[test]
fn python_projects_install_what_they_declare() {
    let venv = "python3 -m venv --system-site-packages .venv";
    let project =
        "[project]\ndependencies = []\n[project.optional-dependencies]\ntest = [\"pytest\"]\n";
    for (title, files, expected) in [
        ("test", vec![("setup.py", "-")], vec!["python3 -m pytest"]),
        (
            "test",
            vec![("pyproject.toml", "[tool.pytest.ini_options]")],
            vec!["python3 -m pytest"],
        ),
        (
            "test",
            vec![("requirements.txt", "a")],
            vec![
                venv,
                ".venv/bin/python -m pip install --no-input -r requirements.txt",
                ".venv/bin/python -m pytest",
            ],
        ),
        (
            "test",
            vec![("pyproject.toml", project)],
            vec![
                venv,
                ".venv/bin/python -m pip install --no-input -e '.[test]'",
                ".venv/bin/python -m pytest",
            ],
        ),
        (
            "test",
            vec![("pyproject.toml", project), ("uv.lock", "-")],
            vec!["uv sync --locked", "uv run python -m pytest"],
        ),
        (
            "test",
            vec![("pyproject.toml", "[tool.poetry]")],
            vec![
                "poetry install --no-interaction",
                "poetry run python -m pytest",
            ],
        ),
        (
            "build",
            vec![("pyproject.toml", project)],
            vec!["python3 -m build"],
        ),
        (
            "lint",
            vec![("pyproject.toml", "[tool.ruff]")],
            vec!["python3 -m ruff check ."],
        ),
        (
            "format",
            vec![("setup.py", "-"), ("ruff.toml", "-")],
            vec!["python3 -m ruff format --check ."],
        ),
        (
            "format",
            vec![("pyproject.toml", "[tool.black]")],
            vec!["python3 -m black --check ."],
        ),
    ] {
        check(title, &files, &expected);
    }
}

#[test]
fn node_packages_use_their_manager_and_scripts() {
    let package = r#"{"dependencies":{"a":"1"},"scripts":{
        "build":"vite build","test:integration":"x","test":"y","start":"z",
        "format":"prettier -w","format:check":"prettier -c","deploy:staging":"d"}}"#;
    for (title, lock, expected) in [
        (
            "build",
            "package-lock.json",
            vec!["npm ci", "npm run build"],
        ),
        ("build", "README.md", vec!["npm install", "npm run build"]),
        (
            "build",
            "pnpm-lock.yaml",
            vec!["pnpm install --frozen-lockfile", "pnpm run build"],
        ),
        (
            "build",
            "yarn.lock",
            vec!["yarn install --frozen-lockfile", "yarn run build"],
        ),
        (
            "test",
            "bun.lock",
            vec!["bun install --frozen-lockfile", "bun run test"],
        ),
        (
            "integration:test",
            "package-lock.json",
            vec!["npm ci", "npm run test:integration"],
        ),
        ("unit:test", "package-lock.json", vec!["npm ci", "npm test"]),
        (
            "format",
            "package-lock.json",
            vec!["npm ci", "npm run format:check"],
        ),
        (
            "start",
            "package-lock.json",
            vec!["npm ci", "npm run start"],
        ),
        (
            "deploy:staging",
            "package-lock.json",
            vec!["npm ci", "npm run deploy:staging"],
        ),
        ("npm install", "package-lock.json", vec!["npm ci"]),
    ] {
        check(title, &[("package.json", package), (lock, "-")], &expected);
    }
    let pinned =
        r#"{"packageManager":"yarn@4.1.0","dependencies":{"a":"1"},"scripts":{"build":"x"}}"#;
    check(
        "build",
        &[("package.json", pinned), (".yarnrc.yml", "-")],
        &["yarn install --immutable", "yarn run build"],
    );
    let bare = r#"{"scripts":{"test":"node --test"}}"#;
    check("test", &[("package.json", bare)], &["npm test"]);
}

#[test]
fn infrastructure_is_planned_and_applied_from_a_saved_plan() {
    let init = "tofu init -input=false -no-color";
    let plan = "tofu plan -input=false -no-color -out=tfplan";
    let apply = "tofu apply -input=false -no-color tfplan";
    check("tofu:plan", &[TF], &[init, plan]);
    check("tofu:apply", &[TF], &[init, plan, apply]);
    check("tofu:apply", &[TF, ("tfplan", "-")], &[init, apply]);
    check(
        "Apply the saved plan",
        &[TF, ("tfplan", "-")],
        &[init, apply],
    );
    check("plan and apply", &[TF], &[init, plan, apply]);
    check(
        "Destroy the infrastructure",
        &[TF],
        &[
            init,
            "tofu plan -destroy -input=false -no-color -out=tfplan",
            apply,
        ],
    );
    check(
        "plan prod",
        &[TF, ("prod.tfvars", "-")],
        &[
            init,
            "tofu plan -input=false -no-color -var-file=prod.tfvars -out=tfplan",
        ],
    );
    check(
        "apply production",
        &[("prod/main.tf", "-"), ("staging/main.tf", "-")],
        &[
            "./prod$ tofu init -input=false -no-color",
            "./prod$ tofu plan -input=false -no-color -out=tfplan",
            "./prod$ tofu apply -input=false -no-color tfplan",
        ],
    );
    check(
        "lint",
        &[TF],
        &[
            "tofu init -backend=false -input=false -no-color",
            "tofu validate -no-color",
        ],
    );
    check("format", &[TF], &["tofu fmt -check -recursive -no-color"]);
    let lock = "provider \"registry.terraform.io/hashicorp/aws\" {}";
    for files in [
        vec![TF, (".terraform.lock.hcl", lock)],
        vec![TF, (".terraform-version", "-")],
    ] {
        check(
            "format",
            &files,
            &["terraform fmt -check -recursive -no-color"],
        );
    }
    check(
        "terraform fmt",
        &[TF],
        &["terraform fmt -check -recursive -no-color"],
    );
    check(
        "opentofu fmt",
        &[TF, (".terraform-version", "-")],
        &["tofu fmt -check -recursive -no-color"],
    );
}

#[test]
fn a_makefile_target_comes_first_where_it_exists() {
    let makefile = "build: x\n\tcc\ntest-integration:\ncheck:\ndeploy-prod:\nmigrations:\ndocs:\n";
    for (title, expected) in [
        ("build", "make build"),
        ("api:build", "make build"),
        ("integration:test", "make test-integration"),
        ("test", "make check"),
        ("deploy:prod", "make deploy-prod"),
        ("Deploy to production", "make deploy-prod"),
        ("run migrations", "make migrations"),
        ("make docs", "make docs"),
        ("lint", "cargo clippy --all-targets -- -D warnings"),
        ("cargo build", "cargo build"),
    ] {
        check(title, &[CARGO, ("Makefile", makefile)], &[expected]);
    }
    check(
        "build",
        &[("Makefile", "x:"), ("GNUmakefile", "build:")],
        &["make build"],
    );
}

#[test]
fn the_title_chooses_folder_and_tool() {
    let two = [("api/Cargo.toml", "-"), ("web/go.mod", "-")];
    check("api:build", &two, &["./api$ cargo build"]);
    check("Build the web service", &two, &["./web$ go build ./..."]);
    check(
        "build",
        &[("api-server/go.mod", "-")],
        &["./api-server$ go build ./..."],
    );
    check(
        "api-server:build",
        &[CARGO, ("api-server/go.mod", "-"), ("api/go.mod", "-")],
        &["./api-server$ go build ./..."],
    );
    check(
        "integration:test",
        &[("api/go.mod", "-")],
        &["./api$ go test ./..."],
    );
    check(
        "build",
        &[CARGO, ("web/go.mod", "-"), ("build/go.mod", "-")],
        &["cargo build"],
    );
    check(
        "docker build",
        &[CARGO, ("Dockerfile", "-"), ("Makefile", "build:")],
        &["docker build ."],
    );
    check(
        "build",
        &[CARGO, ("go.mod", "-"), ("Dockerfile", "-")],
        &["cargo build", "go build ./..."],
    );
}

#[test]
fn the_description_prefers_and_stands_in() {
    let both = workspace(&[CARGO, ("Dockerfile", "-")]);
    assert_eq!(
        commands("api:build", "docker build", &both),
        ["docker build -t api ."]
    );
    assert_eq!(commands("api:build", "npm build", &both), ["cargo build"]);
    assert_eq!(commands("api", "unit tests", &both), ["cargo test"]);
}
