//! What a command is for, by the name of its target or by the words that it consists of.

use crate::survey::model::Purpose;

const NAMES: [(Purpose, &[&str]); 7] = [
    (
        Purpose::Test,
        &[
            "test",
            "tests",
            "spec",
            "unit",
            "e2e",
            "integration",
            "pytest",
        ],
    ),
    (
        Purpose::Lint,
        &[
            "lint",
            "clippy",
            "eslint",
            "typecheck",
            "vet",
            "check",
            "mypy",
            "ruff",
        ],
    ),
    (Purpose::Format, &["fmt", "format", "prettier"]),
    (
        Purpose::Build,
        &[
            "build", "compile", "bundle", "dist", "package", "site", "all",
        ],
    ),
    (
        Purpose::Run,
        &["run", "start", "serve", "dev", "up", "develop", "preview"],
    ),
    (
        Purpose::Install,
        &[
            "install",
            "setup",
            "deps",
            "bootstrap",
            "init",
            "requirements",
        ],
    ),
    (Purpose::Deploy, &["deploy", "release", "publish"]),
];

/// What a target or script is for: the first part of its name tells, else any other.
pub fn of_name(name: &str) -> Option<Purpose> {
    let lower = name.to_ascii_lowercase();
    let parts = lower.split(['-', '_', ':', '.', '/']);
    parts.into_iter().find_map(|part| {
        let found = NAMES.iter().find(|(_, words)| words.contains(&part));
        found.map(|(purpose, _)| *purpose)
    })
}

const LINES: [(Purpose, &[&str]); 6] = [
    (
        Purpose::Test,
        &[
            "cargo test",
            "cargo nextest",
            "npm test",
            "npm run test",
            "pnpm test",
            "pnpm run test",
            "yarn test",
            "yarn run test",
            "pytest",
            "python -m pytest",
            "python3 -m pytest",
            "python -m unittest",
            "python3 -m unittest",
            "python manage.py test",
            "python3 manage.py test",
            "tox",
            "nox",
            "go test",
            "mvn test",
            "mvn verify",
            "./mvnw test",
            "./mvnw verify",
            "gradle test",
            "gradle check",
            "./gradlew test",
            "./gradlew check",
            "make test",
            "make check",
            "ctest",
            "dotnet test",
            "phpunit",
            "vendor/bin/phpunit",
            "composer test",
            "bundle exec rspec",
            "rspec",
            "rake test",
            "mix test",
            "swift test",
            "just test",
            "npx jest",
            "npx vitest",
            "bats",
            "flutter test",
        ],
    ),
    (
        Purpose::Lint,
        &[
            "cargo clippy",
            "cargo check",
            "npm run lint",
            "pnpm lint",
            "pnpm run lint",
            "yarn lint",
            "eslint",
            "npx eslint",
            "ruff",
            "flake8",
            "pylint",
            "mypy",
            "golangci-lint",
            "go vet",
            "make lint",
            "shellcheck",
            "tflint",
            "tsc --noemit",
            "npx tsc",
        ],
    ),
    (
        Purpose::Format,
        &[
            "cargo fmt",
            "black",
            "prettier",
            "npx prettier",
            "gofmt",
            "make fmt",
            "make format",
        ],
    ),
    (
        Purpose::Build,
        &[
            "cargo build",
            "npm run build",
            "pnpm build",
            "pnpm run build",
            "yarn build",
            "yarn run build",
            "go build",
            "mvn package",
            "mvn install",
            "mvn -b package",
            "./mvnw package",
            "gradle build",
            "gradle assemble",
            "./gradlew build",
            "./gradlew assemble",
            "make build",
            "make all",
            "cmake --build",
            "docker build",
            "docker buildx",
            "dotnet build",
            "dotnet publish",
            "python -m build",
            "python3 -m build",
            "hugo",
            "mkdocs build",
            "bundle exec jekyll build",
        ],
    ),
    (
        Purpose::Install,
        &[
            "npm ci",
            "npm install",
            "pnpm install",
            "pnpm i ",
            "yarn install",
            "pip install",
            "python -m pip install",
            "python3 -m pip install",
            "poetry install",
            "uv sync",
            "bundle install",
            "go mod download",
            "composer install",
        ],
    ),
    (
        Purpose::Deploy,
        &[
            "cargo publish",
            "npm publish",
            "docker push",
            "kubectl apply",
            "helm upgrade",
            "terraform apply",
            "serverless deploy",
            "mkdocs gh-deploy",
            "twine upload",
        ],
    ),
];

/// What a line of a pipeline is for; none where it is no command that is known.
pub fn of_line(line: &str) -> Option<Purpose> {
    let lower = line.trim().to_ascii_lowercase();
    LINES.iter().find_map(|(purpose, beginnings)| {
        let fits = |beginning: &&str| {
            lower
                .strip_prefix(beginning.trim_end())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
        };
        beginnings.iter().any(fits).then_some(*purpose)
    })
}
