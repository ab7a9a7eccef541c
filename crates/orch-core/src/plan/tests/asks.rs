use super::{question, workspace};
use crate::plan::{Plan, infer};

const TF: (&str, &str) = ("main.tf", "-");

fn check(title: &str, files: &[(&str, &str)], parts: &[&str]) {
    let question = question(title, "", &workspace(files));
    for part in parts {
        assert!(question.contains(part), "`{part}` is not in: {question}");
    }
}

#[test]
fn the_question_says_what_was_looked_for_and_what_to_do() {
    let plan = infer("api:build", "docker build", &workspace(&[]));
    let expected = [
        "a Makefile with a target `build`",
        "package.json with a `build` script",
        "Cargo.toml",
        "pyproject.toml",
        "go.mod",
        "pom.xml",
        "build.gradle",
        "CMakeLists.txt",
        "Dockerfile",
        "compose.yaml",
        "Chart.yaml",
        "build.sh",
    ];
    let question = format!(
        "no recipe, and nothing in the workspace tells how to `build`; expected one of: {}; attach a recipe with POST /work-items/{{id}}/tool-recipe, or answer with the steps to run",
        expected.join(", ")
    );
    let expected = expected.iter().map(|file| (*file).to_owned()).collect();
    assert_eq!(plan, Plan::NothingToInfer { question, expected });
}

#[test]
fn a_title_without_a_verb_asks_for_one() {
    for title in [
        "",
        "api",
        "quarterly report",
        "builder",
        "latest contest",
        "🚀",
        ":::",
        "formats",
    ] {
        check(
            title,
            &[("Cargo.toml", "-")],
            &[
                "the title names nothing that commands can do",
                "expected one of: build, test, lint, format, install, run, plan, apply, destroy, deploy",
            ],
        );
    }
}

#[test]
fn a_title_that_asks_for_a_change_is_not_answered_by_a_build() {
    for title in [
        "Fix the failing tests",
        "Add a test for login",
        "Implement build caching",
        "api: add tests",
        "Build a todo app",
        "Build new landing page",
        "Write unit tests",
        "make the build faster",
        "Update deploy docs",
    ] {
        check(
            title,
            &[("Cargo.toml", "-"), ("Makefile", "build:\ntest:\n")],
            &["the title asks for a change"],
        );
    }
}

#[test]
fn what_the_workspace_does_not_offer_is_not_made_up() {
    let package = r#"{"scripts":{"test":"echo \"Error: no test specified\" && exit 1"}}"#;
    for (title, files, part) in [
        (
            "build",
            vec![("package.json", package)],
            "package.json has no `build` script",
        ),
        (
            "test",
            vec![("package.json", package)],
            "package.json has no `test` script",
        ),
        (
            "build",
            vec![("package.json", "{")],
            "package.json is not valid JSON (EOF",
        ),
        (
            "build",
            vec![("package.json", "[]")],
            "package.json has no `build` script",
        ),
        (
            "build",
            vec![("package.json", "{\"scripts\":3}")],
            "package.json has no `build` script",
        ),
        (
            "build",
            vec![("Makefile", "all:")],
            "Makefile has no `build` target",
        ),
        (
            "make docs",
            vec![("Makefile", "all:\nb:")],
            "Makefile has no target `docs`; expected one of: all, b;",
        ),
        ("make docs", vec![], "there is no Makefile"),
        (
            "build",
            vec![("requirements.txt", "-")],
            "requirements.txt alone builds nothing",
        ),
        (
            "lint",
            vec![("setup.py", "-")],
            "setup.py configures no linter",
        ),
        (
            "run",
            vec![("Cargo.toml", "-")],
            "Cargo.toml has no src/main.rs",
        ),
        (
            "deploy",
            vec![("Cargo.toml", "-")],
            "Cargo.toml offers nothing for `deploy`",
        ),
        ("build", vec![TF], "main.tf offers nothing for `build`"),
        (
            "tofu:plan",
            vec![("Cargo.toml", "-")],
            "the title names tofu, and there is no *.tf",
        ),
        (
            "docker build",
            vec![("Cargo.toml", "-")],
            "the title names docker, and there is no Dockerfile",
        ),
        (
            "helm:deploy",
            vec![("Chart.yaml", "-")],
            "which release, namespace and cluster",
        ),
        (
            "build and deploy",
            vec![("Cargo.toml", "-")],
            "tells how to `deploy`",
        ),
    ] {
        check(title, &files, &[part, "POST /work-items/{id}/tool-recipe"]);
    }
}

#[test]
fn an_environment_is_never_passed_over() {
    for (title, files, part) in [
        (
            "deploy:prod",
            vec![("Makefile", "deploy:\ndeploy-staging:\n")],
            "Makefile has no `deploy` target for `prod`",
        ),
        (
            "deploy:prod",
            vec![("compose.yaml", "-")],
            "compose.yaml does not say where `prod` is",
        ),
        (
            "deploy:staging",
            vec![("deploy.sh", "-")],
            "tells how to `deploy`",
        ),
        (
            "apply prod",
            vec![TF, ("staging.tfvars", "-")],
            "neither a folder `prod` nor a file prod.tfvars",
        ),
        (
            "plan staging",
            vec![("Makefile", "plan:")],
            "Makefile has no `plan` target for `staging`",
        ),
        (
            "deploy to production",
            vec![("package.json", r#"{"scripts":{"deploy":"x"}}"#)],
            "package.json has no `deploy` script for `production`",
        ),
    ] {
        check(title, &files, &[part]);
    }
}

#[test]
fn a_verb_with_consequences_needs_a_title_that_is_understood() {
    for (title, files, part) in [
        (
            "Apply the review comments",
            vec![TF],
            "nothing here answers to `review`, `comments` of the title",
        ),
        (
            "Plan the sprint",
            vec![TF],
            "nothing here answers to `sprint`",
        ),
        ("Destroy old invoices", vec![TF], "`old`, `invoices`"),
        ("Install awscli", vec![("Cargo.toml", "-")], "`awscli`"),
        (
            "Install awscli",
            vec![("package.json", "{\"dependencies\":{\"a\":\"1\"}}")],
            "`awscli`",
        ),
        (
            "run migrations",
            vec![("Cargo.toml", "-"), ("src/main.rs", "-")],
            "`migrations`",
        ),
        (
            "Deploy api to prod",
            vec![("Makefile", "deploy-prod:")],
            "`deploy` target for `api prod`",
        ),
        (
            "plan deploy",
            vec![TF],
            "the title names plan and deploy at once",
        ),
        (
            "test destroy",
            vec![TF],
            "the title names test and destroy at once",
        ),
    ] {
        check(title, &files, &[part]);
    }
}

#[test]
fn two_folders_that_could_be_meant_are_a_question() {
    let two = [("api/Cargo.toml", "-"), ("web/go.mod", "-")];
    check(
        "build",
        &two,
        &["several folders could be meant (api, web); name one in the title, such as `api:…`"],
    );
    check(
        "api and web: build",
        &two,
        &["the title names several folders: api, web"],
    );
    check(
        "shop:build",
        &two,
        &["the title names `shop`, and the workspace has api, web"],
    );
    check(
        "shop:build",
        &[("api/Cargo.toml", "-")],
        &["the title names `shop`, and the workspace has api"],
    );
}

#[test]
fn prose_in_the_description_decides_nothing() {
    let facts = workspace(&[("Cargo.toml", "-")]);
    for description in [
        "do not test this",
        "We will build this later, when the tests of the other team have been accepted by all.",
        "build and test",
        "deploy",
        "add tests",
    ] {
        let question = question("api", description, &facts);
        assert!(
            question.contains("the title names nothing"),
            "{description}: {question}"
        );
    }
}

#[test]
fn folders_with_names_that_no_step_may_hold_are_left_alone() {
    check(
        "build",
        &[("a\\b/Cargo.toml", "-"), ("c\nd/go.mod", "-")],
        &["tells how to `build`"],
    );
}

proptest::proptest! {
    #[test]
    fn no_title_and_no_workspace_make_inference_panic(
        title in ".{0,40}",
        description in ".{0,40}",
        makefile in ".{0,80}",
        package in "[\\[\\]{}:,\"a-z ]{0,40}",
    ) {
        let facts = workspace(&[
            ("Makefile", &makefile),
            ("package.json", &package),
            ("api/main.tf", "-"),
        ]);
        let _ = infer(&title, &description, &facts);
        let _ = infer(&format!("{title}:build"), &description, &facts);
        let _ = infer(&format!("make {title}"), &description, &facts);
    }
}
