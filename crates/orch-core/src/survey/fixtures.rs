//! One small tree for each way of building that is read, and what must be said of it: no command, runtime or
//! renewal that its files do not carry.

use super::samples::surveyed;
use super::{LanguageKind, Survey};

fn commands(survey: &Survey) -> Vec<&str> {
    let commands = survey.commands.iter();
    commands.map(|command| command.run.as_str()).collect()
}

fn runtimes(survey: &Survey) -> Vec<String> {
    let runtimes = survey.runtimes.iter();
    runtimes
        .map(|runtime| format!("{} {}", runtime.name, runtime.version))
        .collect()
}

fn smells(survey: &Survey) -> Vec<&str> {
    let smells = survey.smells.iter();
    smells.map(|smell| smell.kind.as_str()).collect()
}

fn has(survey: &Survey, language: &str) -> bool {
    let mut languages = survey.languages.iter();
    languages.any(|known| known.name == language)
}

const CI: (&str, &str) = (".github/workflows/ci.yml", "on: push\njobs: {}\n");

#[test]
fn the_lock_tells_which_program_installs_for_node() {
    let package = r#"{"name": "a", "scripts": {"build": "tsc", "test": "jest"}, "dependencies": {"express": "^4"}}"#;
    for (lock, build, test) in [
        ("package-lock.json", "npm run build", "npm test"),
        ("pnpm-lock.yaml", "pnpm run build", "pnpm test"),
        ("yarn.lock", "yarn run build", "yarn test"),
    ] {
        let found = surveyed(&[
            ("package.json", package),
            (lock, ""),
            ("a.test.ts", "x\n"),
            CI,
        ]);
        assert_eq!(commands(&found), [build, test], "{lock}");
        assert_eq!(found.manifests[0].lock.as_deref(), Some(lock));
        assert!(smells(&found).is_empty(), "{lock}: {:?}", found.smells);
    }
}

#[test]
fn python_is_tested_by_pytest_where_any_of_its_groups_names_it() {
    let poetry = "[tool.poetry]\nname = \"a\"\n[tool.poetry.dependencies]\npython = \"^3.12\"\nflask = \"^3\"\n\
                  [tool.poetry.group.test.dependencies]\npytest = \"^8\"\n";
    let uv = "[project]\nname = \"a\"\nrequires-python = \">=3.12\"\ndependencies = [\"flask>=3\"]\n\
              [dependency-groups]\ndev = [\"pytest>=8\"]\n";
    for (manifest, lock) in [(poetry, "poetry.lock"), (uv, "uv.lock")] {
        let tests = ("tests/test_a.py", "def test_a(): pass\n");
        let found = surveyed(&[("pyproject.toml", manifest), (lock, ""), tests, CI]);
        assert_eq!(commands(&found), ["python3 -m pytest"], "{lock}");
        let names: Vec<&str> = found.dependencies.iter().map(|d| d.name.as_str()).collect();
        assert_eq!(names, ["flask", "pytest"], "{lock}");
        assert!(smells(&found).is_empty(), "{lock}: {:?}", found.smells);
    }
    let pip = surveyed(&[("requirements.txt", "flask\n"), ("a.py", "x = 1\n")]);
    assert_eq!(smells(&pip), ["no_tests", "no_lock", "no_ci"]);
    assert!(commands(&pip).is_empty());
}

#[test]
fn what_a_parent_or_a_central_file_pins_is_pinned() {
    let pom = "<project>\n<parent><artifactId>spring-boot-starter-parent</artifactId></parent>\n<artifactId>a</artifactId>\n\
               <dependencies><dependency><groupId>org.springframework.boot</groupId>\n\
               <artifactId>spring-boot-starter-web</artifactId></dependency></dependencies>\n</project>\n";
    let test = ("src/test/java/ATest.java", "class ATest {}\n");
    let found = surveyed(&[("pom.xml", pom), test, CI]);
    assert_eq!(commands(&found), ["mvn package", "mvn test"]);
    assert!(smells(&found).is_empty(), "{:?}", found.smells);

    let project = "<Project>\n<TargetFrameworks>net9.0-windows;netstandard2.1;net48</TargetFrameworks>\n\
                   <PackageReference Include=\"xunit\" />\n<PackageReference Include=\"Microsoft.NET.Test.Sdk\" />\n</Project>\n";
    let central = ("Directory.Packages.props", "<Project></Project>\n");
    let found = surveyed(&[
        ("test/A.Tests.csproj", project),
        central,
        ("test/ATests.cs", "class A {}\n"),
        CI,
    ]);
    assert_eq!(runtimes(&found), [".NET 9.0"]);
    assert_eq!(commands(&found), ["dotnet build", "dotnet test"]);
    assert!(!smells(&found).contains(&"no_lock"), "{:?}", found.smells);
    let plain = "<Project><TargetFramework>netcoreapp2.1</TargetFramework></Project>\n";
    let found = surveyed(&[("A.csproj", plain), ("A.cs", "class A {}\n"), CI]);
    assert_eq!(commands(&found), ["dotnet build"]);
    assert_eq!(smells(&found), ["no_tests", "end_of_life"]);
}

#[test]
fn gradle_says_its_java_by_a_toolchain_and_pins_by_a_lock() {
    let build = "java {\n  toolchain { languageVersion = JavaLanguageVersion.of(16) }\n}\n\
                 dependencies {\n  implementation(\"com.google.guava:guava:33.0.0-jre\")\n}\n";
    let test = ("src/test/kotlin/ATest.kt", "class ATest\n");
    let found = surveyed(&[
        ("build.gradle.kts", build),
        ("gradlew", "#!/bin/sh\n"),
        test,
        CI,
    ]);
    assert_eq!(commands(&found), ["./gradlew build", "./gradlew test"]);
    assert_eq!(runtimes(&found), ["Java 16"]);
    assert_eq!(smells(&found), ["end_of_life"]);
}

#[test]
fn ruby_and_php_say_their_versions_and_tests() {
    let gemfile = "source \"https://rubygems.org\"\nruby file: \".ruby-version\"\ngem \"rails\", \"~> 7.0\"\ngem \"rspec\"\n";
    let found = surveyed(&[
        ("Gemfile", gemfile),
        ("Gemfile.lock", ""),
        (".ruby-version", "ruby-2.7.8\n"),
        ("app.rb", "x = 1\n"),
        ("spec/a_spec.rb", "x\n"),
        CI,
    ]);
    assert_eq!(runtimes(&found), ["Ruby 2.7.8"]);
    assert_eq!(
        commands(&found),
        ["bundle exec rspec", "bundle exec rails server"]
    );
    assert_eq!(smells(&found), ["end_of_life"]);
    let composer = r#"{"require": {"php": ">=8.1", "ext-json": "*", "symfony/console": "^6"}, "require-dev": {"phpunit/phpunit": "^10"}}"#;
    let found = surveyed(&[
        ("composer.json", composer),
        ("composer.lock", "{}"),
        ("src/A.php", "<?php\n"),
        ("tests/ATest.php", "<?php\n"),
        (".gitlab-ci.yaml", "test:\n  script: [vendor/bin/phpunit]\n"),
    ]);
    assert_eq!(commands(&found), ["vendor/bin/phpunit"]);
    let names: Vec<&str> = found.dependencies.iter().map(|d| d.name.as_str()).collect();
    assert_eq!(names, ["symfony/console", "phpunit/phpunit"]);
    assert!(smells(&found).is_empty(), "{:?}", found.smells);
}

#[test]
fn make_and_terraform_are_told_by_what_they_hold() {
    let found = surveyed(&[
        (
            "Makefile",
            "all: build\nbuild:\n\tcc a.c\ntest: build\n\t./a\nVERSION := 1\n",
        ),
        ("a.c", "int main(void) { return 0; }\n"),
        ("tests/a_test.c", "int main(void) { return 0; }\n"),
        (".forgejo/workflows/ci.yml", "on: push\n"),
    ]);
    let run = commands(&found);
    assert!(
        run.contains(&"make build") && run.contains(&"make test"),
        "{run:?}"
    );
    assert_eq!(found.ci[0].system, "Forgejo Actions");
    assert!(has(&found, "C"), "{:?}", found.languages);
    let found = surveyed(&[("main.tf", "terraform {}\nresource \"a\" \"b\" {}\n"), CI]);
    let is_known = |name: &str| name == "Terraform" || name == "HCL";
    let mut languages = found.languages.iter();
    assert!(
        languages.any(|l| is_known(&l.name)),
        "{:?}",
        found.languages
    );
    assert!(
        found
            .languages
            .iter()
            .all(|l| l.kind != LanguageKind::Prose)
    );
}
