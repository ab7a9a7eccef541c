//! Small trees of ten kinds, and what a survey must say of each, with its place.

use super::{FileKind, Renew, Survey, Tree, TreeFile, modernizing, statements, survey};

pub(super) const TODAY: &str = "2026-11-29";

pub(crate) fn surveyed(files: &[(&str, &str)]) -> Survey {
    let listed = files
        .iter()
        .map(|(path, text)| TreeFile::new(path.as_bytes(), text.len() as u64, FileKind::File));
    let contents = files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
    survey(&Tree::new(listed.collect(), contents), TODAY)
}

fn commands(survey: &Survey) -> Vec<String> {
    let commands = survey.acceptance_commands();
    commands
        .iter()
        .map(|c| format!("{} @ {}", c.run, c.place))
        .collect()
}

fn entries(survey: &Survey) -> Vec<String> {
    let entries = survey.entry_points.iter();
    entries
        .map(|e| format!("{} {} @ {}", e.kind.as_str(), e.name, e.place))
        .collect()
}

fn links(survey: &Survey) -> Vec<String> {
    survey
        .links
        .iter()
        .map(|l| format!("{} -> {}", l.from, l.to))
        .collect()
}

fn code(survey: &Survey) -> Vec<&str> {
    let languages = survey
        .languages
        .iter()
        .filter(|l| l.kind == super::LanguageKind::Code);
    languages.map(|l| l.name.as_str()).collect()
}

fn smells(survey: &Survey) -> Vec<&str> {
    survey
        .smells
        .iter()
        .map(|smell| smell.kind.as_str())
        .collect()
}

#[test]
fn a_rust_workspace() {
    let found = surveyed(&[
        (
            "Cargo.toml",
            "[workspace]\nmembers = [\"crates/*\"]\n[workspace.dependencies]\nserde = { version = \"1\" }\n",
        ),
        ("Cargo.lock", ""),
        (
            "crates/core/Cargo.toml",
            "[package]\nname = \"my-core\"\n[dependencies]\nserde.workspace = true\n",
        ),
        (
            "crates/core/src/lib.rs",
            "#[cfg(test)]\nmod t { #[test] fn a() {} }\n",
        ),
        (
            "crates/app/Cargo.toml",
            "[package]\nname = \"app\"\nrust-version = \"1.80\"\n[dependencies]\nmy-core = { path = \"../core\" }\nsqlx = \"0.8\"\ntokio-postgres = { version = \"0.7\" }\n",
        ),
        (
            "crates/app/src/main.rs",
            "use my_core::x;\n\nfn main() {}\n",
        ),
        ("target/debug/build/x.rs", "fn never() {}"),
        (
            ".github/workflows/ci.yml",
            "jobs:\n  t:\n    steps:\n      - run: cargo test --workspace\n",
        ),
        (
            "LICENSE",
            "Permission is hereby granted, free of charge, to any person",
        ),
    ]);
    assert_eq!(code(&found), ["Rust"]);
    assert_eq!(found.languages[0].files, 2);
    assert_eq!(
        commands(&found),
        ["cargo build @ Cargo.toml:1", "cargo test @ Cargo.toml:1"]
    );
    assert_eq!(
        entries(&found),
        [
            "binary app @ crates/app/src/main.rs:3",
            "library my-core @ crates/core/Cargo.toml:2"
        ]
    );
    assert_eq!(links(&found), ["crates/app -> crates/core"]);
    let needed: Vec<_> = found
        .dependencies
        .iter()
        .map(|d| (d.name.as_str(), d.version.as_deref(), d.pinned))
        .collect();
    assert_eq!(
        needed,
        [
            ("serde", Some("1"), true),
            ("sqlx", Some("0.8"), true),
            ("tokio-postgres", Some("0.7"), true)
        ]
    );
    assert_eq!(found.stores[0].name, "PostgreSQL");
    assert_eq!(found.tests.files, 1);
    assert_eq!(found.ci[0].system, "GitHub Actions");
    assert_eq!(found.licence.as_ref().map(|l| l.name.as_str()), Some("MIT"));
    assert_eq!(found.left_out[0].folder, "target");
    assert_eq!(smells(&found), Vec::<&str>::new());
}

#[test]
fn a_django_site() {
    let found = surveyed(&[
        (
            "manage.py",
            "#!/usr/bin/env python\nimport os\nimport django\n",
        ),
        (
            "requirements.txt",
            "# web\nDjango==3.2.4\npsycopg2-binary>=2.9 ; python_version > '3'\ncelery[redis]\n",
        ),
        ("shop/models.py", "from django.db import models\n"),
        (
            "orders/views.py",
            "from shop.models import X\nfrom ..shop import y\n",
        ),
        ("orders/tests.py", "x = 1\n"),
        (
            "Dockerfile",
            "FROM python:3.7-slim\nEXPOSE 8000\nCMD [\"python\", \"manage.py\", \\\n  \"runserver\"]\n",
        ),
    ]);
    assert_eq!(commands(&found), ["python manage.py test @ manage.py:3"]);
    assert_eq!(links(&found), ["orders -> shop"]);
    let stores: Vec<_> = found
        .stores
        .iter()
        .map(|s| (s.name.as_str(), s.place.to_string()))
        .collect();
    assert_eq!(
        stores,
        [
            ("PostgreSQL", "requirements.txt:3".to_owned()),
            ("Celery", "requirements.txt:4".to_owned())
        ]
    );
    let container = found
        .entry_points
        .iter()
        .find(|e| e.kind == super::EntryKind::Container)
        .expect("a container");
    assert_eq!(
        (container.ports.as_slice(), container.place.line),
        (&["8000".to_owned()][..], Some(3))
    );
    assert_eq!(
        smells(&found),
        ["no_lock", "end_of_life", "root_container", "no_ci"]
    );
    assert_eq!(
        found.smells[1].message,
        "Python 3.7 has had no fixes since 2023-06-27"
    );
}

#[test]
fn a_service_on_node_with_nest() {
    let found = surveyed(&[
        (
            "package.json",
            "{\n  \"name\": \"api\",\n  \"main\": \"dist/main.js\",\n  \"scripts\": {\n    \"build\": \"nest build\",\n    \"start\": \"node dist/main\",\n    \"test\": \"jest\",\n    \"lint\": \"eslint .\",\n    \"x; rm -rf /\": \"test\"\n  },\n  \"engines\": { \"node\": \"14.x\" },\n  \"dependencies\": { \"@nestjs/core\": \"^9.0.0\", \"mongoose\": \"^6\" },\n  \"devDependencies\": { \"jest\": \"29.0.0\" }\n}\n",
        ),
        ("yarn.lock", ""),
        ("src/main.ts", "import { x } from './users/users.module';\n"),
        (
            "src/users/users.module.ts",
            "import { y } from '../orders/orders.service';\n",
        ),
        ("src/orders/orders.service.ts", "export const y = 1;\n"),
        ("src/users/users.spec.ts", "test('a', () => {});\n"),
    ]);
    assert_eq!(
        commands(&found),
        [
            "yarn run build @ package.json:5",
            "yarn test @ package.json:7",
            "yarn run lint @ package.json:8"
        ]
    );
    assert_eq!(
        links(&found),
        ["src -> src/users", "src/users -> src/orders"]
    );
    assert_eq!(
        entries(&found),
        [
            "library api @ package.json:3",
            "process start @ package.json:6"
        ]
    );
    assert_eq!(found.runtimes[0].place.to_string(), "package.json:11");
    assert_eq!(smells(&found), ["end_of_life", "no_ci"]);
    assert!(!found.commands.iter().any(|c| c.run.contains("rm")));
}

#[test]
fn a_module_of_go() {
    let found = surveyed(&[
        (
            "go.mod",
            "module example.org/shop\n\ngo 1.21\n\nrequire (\n\tgithub.com/lib/pq v1.10.0\n\tgolang.org/x/sys v0.1.0 // indirect\n)\n",
        ),
        ("go.sum", ""),
        (
            "cmd/server/main.go",
            "package main\n\nimport (\n\t\"fmt\"\n\t\"example.org/shop/internal/db\"\n)\n\nfunc main() {}\n",
        ),
        ("internal/db/db.go", "package db\n"),
        ("internal/db/db_test.go", "package db\n"),
        (
            "Makefile",
            "VERSION := 1\n.PHONY: test\ntest: lint\n\tgo test ./...\nlint:\n\tgo vet\nbuild-all:\n\tgo build\n",
        ),
    ]);
    assert_eq!(
        commands(&found),
        [
            "make build-all @ Makefile:7",
            "make test @ Makefile:3",
            "make lint @ Makefile:5"
        ]
    );
    assert_eq!(entries(&found), ["binary server @ cmd/server/main.go:8"]);
    assert_eq!(links(&found), ["cmd/server -> internal/db"]);
    assert_eq!(found.dependencies.len(), 1);
    assert_eq!(found.stores[0].place.to_string(), "go.mod:6");
}

#[test]
fn a_build_of_maven() {
    let found = surveyed(&[
        (
            "pom.xml",
            "<project>\n<groupId>g</groupId>\n<artifactId>app</artifactId>\n<properties>\n<java.version>1.7</java.version>\n</properties>\n<dependencies>\n<dependency><groupId>org.postgresql</groupId>\n<artifactId>postgresql</artifactId>\n<version>42.1</version></dependency>\n<dependency><groupId>junit</groupId><artifactId>junit</artifactId><scope>test</scope></dependency>\n</dependencies>\n</project>\n",
        ),
        ("mvnw", "#!/bin/sh\n"),
        (
            "src/main/java/App.java",
            "class App {\n  public static void main(String[] a) {}\n}\n",
        ),
        ("src/test/java/AppTest.java", "class AppTest {}\n"),
    ]);
    assert_eq!(
        commands(&found),
        ["./mvnw package @ pom.xml:3", "./mvnw test @ pom.xml:3"]
    );
    assert_eq!(entries(&found), ["binary App @ src/main/java/App.java:2"]);
    let needed: Vec<_> = found
        .dependencies
        .iter()
        .map(|d| {
            (
                d.name.as_str(),
                d.version.as_deref(),
                d.scope.as_str(),
                d.place.line,
            )
        })
        .collect();
    assert_eq!(
        needed,
        [
            (
                "org.postgresql:postgresql",
                Some("42.1"),
                "runtime",
                Some(9)
            ),
            ("junit:junit", None, "development", Some(11)),
        ]
    );
    assert_eq!(
        (
            found.runtimes[0].name.as_str(),
            found.runtimes[0].version.as_str()
        ),
        ("Java", "7")
    );
}

#[test]
fn a_build_of_cmake() {
    let found = surveyed(&[
        (
            "CMakeLists.txt",
            "cmake_minimum_required(VERSION 3.10)\nproject(tool CXX)\nfind_package(ZLIB 1.2 REQUIRED)\nadd_executable(tool main.cpp)\nenable_testing()\nadd_subdirectory(lib)\n",
        ),
        ("lib/CMakeLists.txt", "add_library(part STATIC part.cpp)\n"),
        ("main.cpp", "int main() {}\n"),
        ("third_party/json/json.hpp", "//\n"),
    ]);
    assert_eq!(
        commands(&found),
        [
            "cmake -S . -B build && cmake --build build @ CMakeLists.txt:2",
            "ctest --test-dir build @ CMakeLists.txt:5"
        ]
    );
    assert_eq!(
        entries(&found),
        [
            "binary tool @ CMakeLists.txt:4",
            "library part @ lib/CMakeLists.txt:1"
        ]
    );
    assert_eq!(smells(&found), ["no_tests", "no_ci", "vendored"]);
}

#[test]
fn a_monorepo_of_pnpm() {
    let found = surveyed(&[
        (
            "package.json",
            "{\"private\": true,\n \"packageManager\": \"pnpm@9.0.0\",\n \"scripts\": {\"test\": \"pnpm -r test\"}}\n",
        ),
        ("pnpm-lock.yaml", ""),
        (
            "packages/ui/package.json",
            "{\"name\": \"@x/ui\", \"dependencies\": {\"react\": \"18.2.0\"}}",
        ),
        ("packages/ui/src/index.tsx", "export default 1;\n"),
        (
            "apps/web/package.json",
            "{\"name\": \"web\", \"bin\": {\"web\": \"cli.js\"}, \"dependencies\": {\"@x/ui\": \"workspace:*\"}}",
        ),
        (
            "apps/web/src/app.tsx",
            "import ui from '@x/ui';\nconst z = require('./z');\n",
        ),
        (
            "docker-compose.yml",
            "services:\n  web:\n    build: .\n    depends_on: [db]\n    ports:\n      - \"80:3000\"\n  db:\n    image: postgres:11\n  cache:\n    image: redis\n",
        ),
    ]);
    assert_eq!(commands(&found), ["pnpm test @ package.json:3"]);
    assert_eq!(links(&found), ["apps/web -> packages/ui"]);
    let services: Vec<_> = found
        .services
        .iter()
        .map(|s| (s.name.as_str(), s.needs.join(","), s.place.line))
        .collect();
    assert_eq!(
        services,
        [
            ("web", "db".to_owned(), Some(2)),
            ("db", String::new(), Some(7)),
            ("cache", String::new(), Some(9))
        ]
    );
    assert_eq!(
        smells(&found),
        ["no_tests", "end_of_life", "unpinned_image", "no_ci"]
    );
    assert!(
        found
            .dependencies
            .iter()
            .all(|d| d.name == "react" && d.pinned)
    );
}

#[test]
fn a_data_pipeline() {
    let found = surveyed(&[
        (
            "dvc.yaml",
            "stages:\n  train:\n    cmd: python train.py\n    deps: [data]\n",
        ),
        (
            "pyproject.toml",
            "[project]\nname = \"pipe\"\nrequires-python = \">=3.9\"\ndependencies = [\n  \"pandas>=2\", # frames\n  \"confluent-kafka\",\n]\n[project.scripts]\npipe = \"pipe.cli:main\"\n[tool.pytest.ini_options]\n",
        ),
        ("uv.lock", ""),
        ("pipe/cli.py", "import pandas\n"),
        ("tests/test_a.py", "def test_a(): pass\n"),
        ("analysis.ipynb", "{}"),
        (
            ".gitlab-ci.yml",
            "test:\n  script:\n    - pip install .\n    - pytest -q\n",
        ),
    ]);
    assert_eq!(commands(&found), ["python3 -m pytest @ pyproject.toml:10"]);
    assert_eq!(
        entries(&found),
        [
            "process train @ dvc.yaml:3",
            "script pipe @ pyproject.toml:9"
        ]
    );
    assert_eq!(found.stores[0].place.to_string(), "pyproject.toml:6");
    assert_eq!(found.runtimes[0].bound, super::Bound::AtLeast);
    assert_eq!(smells(&found), Vec::<&str>::new());
}

#[test]
fn a_static_site() {
    let found = surveyed(&[
        ("index.html", "<h1>Hi</h1>"),
        ("style.css", "h1 {}"),
        (
            "README.md",
            "[![badge](x)](y)\n\n# Our *site*\n\n<p>x</p>\n\nPages about bikes,\nfor everybody.\n\nMore.\n",
        ),
        ("docs/adr/0001-html.md", "# One\n"),
    ]);
    assert_eq!(entries(&found), ["page index.html @ index.html"]);
    assert_eq!(found.documentation.title.as_deref(), Some("Our *site*"));
    assert_eq!(
        found.documentation.summary.as_deref(),
        Some("Pages about bikes, for everybody.")
    );
    assert_eq!(found.documentation.decisions, ["docs/adr/0001-html.md"]);
    assert!(commands(&found).is_empty() && smells(&found).is_empty());
}

#[test]
fn nothing_and_nothing_but_binaries() {
    let empty = surveyed(&[]);
    assert_eq!(
        (empty.files, empty.languages.len(), empty.smells.len()),
        (0, 0, 0)
    );
    assert!(statements(&empty, Renew::Asked).is_empty());
    let binary = surveyed(&[("logo.png", "\u{0}PNG"), ("data", "\u{0}\u{1}")]);
    assert_eq!(
        (binary.files, binary.languages.len(), binary.smells.len()),
        (2, 0, 0)
    );
}

#[test]
fn facts_are_cited_and_renewal_is_proposed_only_where_it_is_asked_for() {
    let found = surveyed(&[
        (
            "package.json",
            "{\"scripts\": {\"test\": \"jest\"},\n\"dependencies\": {\"pg\": \"^8\"}}",
        ),
        (".nvmrc", "v14.1\n"),
        ("a.js", "1"),
        ("b.py", "1"),
    ]);
    let said: Vec<_> = statements(&found, Renew::NotAsked)
        .into_iter()
        .map(|s| (s.text, s.cites))
        .collect();
    let expected = [
        (
            "The existing code is JavaScript and Python (2 files)",
            "JavaScript: 1 file, the largest is a.js; Python: 1 file, the largest is b.py",
        ),
        (
            "The existing code is tested with `npm test`",
            "package.json:1 declares it",
        ),
        ("The existing code uses PostgreSQL", "package.json:2: pg"),
        ("The existing code runs on Node.js 14.1", ".nvmrc:1"),
    ];
    assert_eq!(
        said,
        expected.map(|(text, cites)| (text.to_owned(), cites.to_owned()))
    );
    let renewed: Vec<_> = statements(&found, Renew::Asked)
        .into_iter()
        .skip(4)
        .map(|s| s.text)
        .collect();
    assert_eq!(
        renewed,
        [
            "Add tests for what exists before changing it",
            "Pin the versions of npm's dependencies by a lock",
            "Move from Node.js 14.1 to a supported version",
            "Build and test every change in a pipeline",
        ]
    );
    assert!(
        modernizing("Please upgrade it.")
            && modernizing("Modernizing the shop")
            && !modernizing("We want a shop.")
    );
    let page = found.markdown();
    assert!(
        page.contains("- test: `npm test` (declared, `package.json:1`)"),
        "{page}"
    );
    let json = serde_json::to_string(&found).expect("it serialises");
    assert_eq!(
        serde_json::from_str::<Survey>(&json).expect("it reads back"),
        found
    );
}

#[test]
fn a_runtime_that_two_files_name_is_one_fact_and_the_more_exact_version_of_it() {
    let found = surveyed(&[
        (".python-version", "2.7.18\n"),
        ("Dockerfile", "FROM python:2.7\nUSER app\n"),
        ("app.py", "print 1\n"),
    ]);
    let said = statements(&found, Renew::Asked).into_iter();
    let said: Vec<String> = said
        .map(|statement| statement.text)
        .filter(|text| text.contains("2.7"))
        .collect();
    assert_eq!(
        said,
        [
            "The existing code runs on Python 2.7.18",
            "Move from Python 2.7.18 to a supported version"
        ]
    );
}
