//! Where programs begin, on which ports and beside which databases: one small tree for each way of saying it.

use super::Survey;
use super::samples::surveyed;

fn entries(survey: &Survey) -> Vec<String> {
    let entries = survey.entry_points.iter();
    let said = entries.map(|entry| {
        let ports: String = entry.ports.iter().map(|port| format!(" :{port}")).collect();
        format!(
            "{} {}{ports} @ {}",
            entry.kind.as_str(),
            entry.name,
            entry.place
        )
    });
    said.collect()
}

fn stores(survey: &Survey) -> Vec<String> {
    let stores = survey.stores.iter();
    stores
        .map(|store| format!("{} by {} @ {}", store.name, store.by, store.place))
        .collect()
}

fn commands(survey: &Survey) -> Vec<String> {
    let commands = survey.commands.iter();
    commands
        .map(|command| format!("{} @ {}", command.run, command.place))
        .collect()
}

#[test]
fn cargo_finds_programs_by_their_files_and_tables() {
    let manifest =
        "[package]\nname = \"tool\"\n[[bin]]\nname = \"toold\"\npath = \"src/daemon.rs\"\n";
    let main = "fn main() {}\n";
    let files = [
        ("src/main.rs", main),
        (
            "src/daemon.rs",
            "fn main() {\n    TcpListener::bind(\"0.0.0.0:7000\");\n}\n",
        ),
        ("src/bin/convert.rs", main),
        ("src/bin/serve/main.rs", main),
        ("src/bin/serve/part.rs", ""),
    ];
    let mut all = vec![("Cargo.toml", manifest)];
    all.extend(files);
    let expected = [
        "binary toold @ Cargo.toml:4",
        "binary tool @ src/main.rs:1",
        "binary convert @ src/bin/convert.rs:1",
        "binary serve @ src/bin/serve/main.rs:1",
        "service src/daemon.rs :7000 @ src/daemon.rs:2",
    ];
    assert_eq!(entries(&surveyed(&all)), expected);
    all[0].1 = "[package]\nname = \"tool\"\nautobins = false\n[[bin]]\nname = \"x\"\npath = \"src/main.rs\"\n";
    assert_eq!(entries(&surveyed(&all))[..1], ["binary x @ Cargo.toml:5"]);
    assert_eq!(entries(&surveyed(&all)).len(), 2);
}

#[test]
fn a_database_is_known_by_a_feature_of_what_speaks_to_it() {
    let manifest = "[package]\nname = \"a\"\n[features]\nlite = [\"sqlx/sqlite\"]\n[dependencies]\n\
                    sqlx = { version = \"0.8\", features = [\n  \"runtime-tokio\",\n  \"postgres\",\n] }\n\
                    db = { package = \"sea-orm\", version = \"1\", features = [\"sqlx-mysql\"] }\n\
                    tokio = { version = \"1\", features = [\"sqlite\"] }\n[dependencies.diesel]\nfeatures = [\"mysql\"]\n";
    let expected = [
        "MySQL by diesel (mysql) @ Cargo.toml:13",
        "MySQL by sea-orm (sqlx-mysql) @ Cargo.toml:10",
        "PostgreSQL by sqlx (postgres) @ Cargo.toml:8",
        "SQLite by sqlx (sqlite) @ Cargo.toml:4",
    ];
    assert_eq!(stores(&surveyed(&[("Cargo.toml", manifest)])), expected);
}

#[test]
fn a_member_counts_what_its_workspace_names_and_not_its_siblings() {
    let found = surveyed(&[
        (
            "Cargo.toml",
            "[workspace]\n[workspace.dependencies]\nserde = \"1\"\nown = { path = \"own\" }\n",
        ),
        (
            "app/Cargo.toml",
            "[package]\nname = \"app\"\n[dependencies]\nserde.workspace = true\nown.workspace = true\n",
        ),
    ]);
    let counts: Vec<u64> = found.manifests.iter().map(|one| one.dependencies).collect();
    assert_eq!(counts, [1, 1]);
    assert_eq!(found.dependencies.len(), 1);
}

#[test]
fn python_packages_and_scripts_that_are_called_by_themselves_begin() {
    let found = surveyed(&[
        ("src/orders/__init__.py", ""),
        ("src/orders/__main__.py", "main()\n"),
        ("src/orders/web/__init__.py", ""),
        (
            "src/orders/web/__main__.py",
            "import uvicorn\nuvicorn.run(app, port=8080)\n",
        ),
        ("tests/x/__main__.py", ""),
        (
            "app.py",
            "import flask\nif __name__ == \"__main__\":\n    app.run(port=5000)\n",
        ),
        (
            "lib/deep/tool.py",
            "if __name__ == \"__main__\":\n    pass\n",
        ),
        (
            "Procfile",
            "# a\nweb: gunicorn app:app -b :8000\nworker: celery -A app worker\n",
        ),
        (
            "setup.cfg",
            "[options]\ninstall_requires =\n    flask>=2\n[options.entry_points]\nconsole_scripts =\n    orders = orders:main\n",
        ),
    ]);
    let expected = [
        "process web :8000 @ Procfile:2",
        "process worker @ Procfile:3",
        "script app.py :5000 @ app.py:2",
        "script orders @ setup.cfg:6",
        "script python -m orders @ src/orders/__main__.py",
        "script python -m orders.web :8080 @ src/orders/web/__main__.py",
    ];
    assert_eq!(entries(&found), expected);
    assert_eq!(found.dependencies[0].name, "flask");
}

#[test]
fn node_says_its_ports_in_code_scripts_and_configuration() {
    let package = "{\n\"name\": \"shop\",\n\"scripts\": {\n\"start\": \"PORT=4000 node .\",\n\"dev\": \"next dev -p 4001\",\n\
                   \"preview\": \"vite preview --port 4002\"\n},\n\"bin\": {\n\"shop\": \"bin.js\"\n}\n}\n";
    let found = surveyed(&[
        ("package.json", package),
        (
            "server.js",
            "const port = process.env.PORT || 3000;\napp.listen(port);\n",
        ),
        ("server.test.js", "app.listen(9999);\n"),
        ("examples/a.js", "app.listen(9998);\n"),
        (
            "vite.config.ts",
            "export default {\n  server: { port: 5173 },\n};\n",
        ),
    ]);
    let expected = [
        "binary shop @ package.json:9",
        "process start :4000 @ package.json:4",
        "process dev :4001 @ package.json:5",
        "process preview :4002 @ package.json:6",
        "service server.js :3000 @ server.js:2",
        "process vite :5173 @ vite.config.ts:2",
    ];
    assert_eq!(entries(&found), expected);
}

#[test]
fn go_and_the_jvm_begin_in_their_main_functions_and_classes() {
    let go = surveyed(&[
        ("go.mod", "module a\n"),
        (".golangci.yml", "run: {}\n"),
        (
            "cmd/payd/main.go",
            "package main\n\nfunc main() {\n\tr.Run(\":8080\")\n}\n",
        ),
        ("cmd/payctl/main.go", "package main\n\nfunc main() {}\n"),
        (
            "tools/gen.go",
            "//go:build ignore\n\npackage main\n\nfunc main() {}\n",
        ),
        ("api/api.go", "package api\n\nfunc main() {}\n"),
    ]);
    let expected = [
        "binary payctl @ cmd/payctl/main.go:3",
        "binary payd :8080 @ cmd/payd/main.go:3",
    ];
    assert_eq!(entries(&go), expected);
    assert!(commands(&go).contains(&"golangci-lint run @ .golangci.yml".to_owned()));

    let pom = "<project>\n<artifactId>a</artifactId>\n<build><plugins><plugin>\n<artifactId>spring-boot-maven-plugin</artifactId>\n\
               <configuration>\n<mainClass>org.acme.App</mainClass></configuration></plugin></plugins></build>\n</project>\n";
    let app = "package org.acme;\nclass App {\n  public static void main(String[] a) {}\n}\n";
    let maven = surveyed(&[
        ("pom.xml", pom),
        ("mvnw", "#!/bin/sh\n"),
        ("src/main/java/org/acme/App.java", app),
        ("src/main/java/org/acme/Tool.java", app),
        (
            "src/main/resources/application.yml",
            "server:\n  port: 8081\n",
        ),
    ]);
    let expected = [
        "binary org.acme.App @ pom.xml:6",
        "binary Tool @ src/main/java/org/acme/Tool.java:3",
        "service src/main/resources/application.yml :8081 @ src/main/resources/application.yml:2",
    ];
    assert_eq!(entries(&maven), expected);
    assert!(commands(&maven).contains(&"./mvnw spring-boot:run @ pom.xml:4".to_owned()));
    let build = "application {\n    mainClass.set(\"org.acme.AppKt\")\n}\n";
    let gradle = surveyed(&[
        ("build.gradle.kts", build),
        (
            "src/main/kotlin/org/acme/App.kt",
            "package org.acme\n\nfun main() {}\n",
        ),
    ]);
    assert_eq!(
        entries(&gradle),
        ["binary org.acme.AppKt @ build.gradle.kts:2"]
    );
}

#[test]
fn rails_rack_and_php_say_how_they_are_served_and_tested() {
    let rails = surveyed(&[
        ("Gemfile", "gem \"rails\"\ngem \"pg\"\n"),
        ("bin/rails", "#!/usr/bin/env ruby\n"),
        ("config.ru", "run App\n"),
        ("config/puma.rb", "port ENV.fetch(\"PORT\") { 3000 }\n"),
        ("test/a_test.rb", "x\n"),
    ]);
    let expected = [
        "service config.ru @ config.ru",
        "service config/puma.rb :3000 @ config/puma.rb:1",
    ];
    assert_eq!(entries(&rails), expected);
    assert_eq!(
        commands(&rails),
        ["bin/rails test @ Gemfile:1", "bin/rails server @ Gemfile:1"]
    );
    let gem = "Gem::Specification.new do |spec|\n  spec.executables = [\"shop\"]\n  spec.add_dependency \"rack\", \"~> 3\"\nend\n";
    let gem = surveyed(&[
        ("shop.gemspec", gem),
        ("Rakefile", "Rake::TestTask.new(:test) do |t|\n"),
    ]);
    assert_eq!(entries(&gem), ["script shop @ shop.gemspec:2"]);
    assert_eq!(commands(&gem), ["rake test @ Rakefile:1"]);
    let php = "{\"bin\": [\"bin/blog\"],\n\"require\": {\"ext-pdo_mysql\": \"*\",\n\"predis/predis\": \"^2\"}}\n";
    let php = surveyed(&[
        ("composer.json", php),
        ("artisan", "<?php\n"),
        ("public/index.php", "<?php\n"),
    ]);
    let expected = [
        "script artisan @ artisan",
        "script blog @ composer.json:1",
        "script public/index.php @ public/index.php",
    ];
    assert_eq!(entries(&php), expected);
    let expected = [
        "MySQL by ext-pdo_mysql @ composer.json:2",
        "Redis by predis/predis @ composer.json:3",
    ];
    assert_eq!(stores(&php), expected);
}

#[test]
fn a_container_calls_its_entry_point_with_its_command_in_any_order() {
    let file = "FROM node:24\nCMD [\"npm\", \"start\"]\nENTRYPOINT [\"tini\", \"--\"]\n";
    let found = surveyed(&[("Dockerfile", file)]);
    assert_eq!(
        found.entry_points[0].calls.as_deref(),
        Some("tini -- npm start")
    );
    let file = "FROM python:3.14\nCMD uvicorn app:app --port 8000\n";
    assert_eq!(
        surveyed(&[("Dockerfile", file)]).entry_points[0].ports,
        ["8000"]
    );
    let file = "FROM node:24\nEXPOSE 80\nCMD [\"next\", \"start\", \"-p\", \"4000\"]\n";
    assert_eq!(
        surveyed(&[("Dockerfile", file)]).entry_points[0].ports,
        ["80"]
    );
}
