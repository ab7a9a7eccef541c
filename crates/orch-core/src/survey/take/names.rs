//! Files whose names say that they tell how a tree is built, run or meant.

use super::ci::is_pipeline;
use super::languages::is_dockerfile;
use crate::survey::tree::{folder, name};

const NAMES: [&str; 68] = [
    "Cargo.toml",
    "rust-toolchain",
    "rust-toolchain.toml",
    "package.json",
    ".nvmrc",
    ".node-version",
    ".python-version",
    ".ruby-version",
    ".tool-versions",
    ".java-version",
    "runtime.txt",
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "tox.ini",
    "noxfile.py",
    "Pipfile",
    "pytest.ini",
    "manage.py",
    "environment.yml",
    "dvc.yaml",
    "go.mod",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "settings.gradle",
    "settings.gradle.kts",
    "build.sbt",
    "CMakeLists.txt",
    "meson.build",
    "configure.ac",
    "Makefile",
    "makefile",
    "GNUmakefile",
    "justfile",
    "Justfile",
    ".justfile",
    "Taskfile.yml",
    "Taskfile.yaml",
    "Procfile",
    "composer.json",
    "Gemfile",
    "Rakefile",
    "mix.exs",
    "Package.swift",
    "pubspec.yaml",
    ".gitlab-ci.yml",
    "Jenkinsfile",
    "azure-pipelines.yml",
    ".travis.yml",
    "bitbucket-pipelines.yml",
    "appveyor.yml",
    "_config.yml",
    "mkdocs.yml",
    "hugo.toml",
    "dbt_project.yml",
    "serverless.yml",
    ".terraform-version",
    "config.ru",
    "puma.rb",
    "versions.tf",
    "main.tf",
    "terraform.tf",
    "providers.tf",
    "backend.tf",
    "application.properties",
    "application.yml",
    "application.yaml",
];

/// Folders in which manifests of Kubernetes lie.
const CLUSTERS: [&str; 14] = [
    "k8s",
    "kubernetes",
    "kube",
    "manifests",
    "deploy",
    "deployment",
    "deployments",
    "kustomize",
    "overlays",
    "base",
    "helm",
    "chart",
    "charts",
    "templates",
];
/// Kinds of manifests, as files are called by them.
const WORKLOADS: [&str; 6] = [
    "deployment",
    "statefulset",
    "daemonset",
    "cronjob",
    "job",
    "pod",
];

fn is_yaml(name: &str) -> bool {
    name.ends_with(".yml") || name.ends_with(".yaml")
}

/// Whether a file may be a manifest of Kubernetes: its content tells whether it is one.
pub fn is_manifest(path: &str) -> bool {
    let file = name(path);
    let (stem, _) = file.split_once('.').unwrap_or((file, ""));
    let by_folder = || folder(path).split('/').any(|part| CLUSTERS.contains(&part));
    is_yaml(file) && (WORKLOADS.contains(&stem) || by_folder())
}

/// The values of a chart.
pub fn is_values(path: &str) -> bool {
    is_yaml(path) && name(path).starts_with("values.")
}

const COMPOSE: [&str; 4] = [
    "docker-compose.yml",
    "docker-compose.yaml",
    "compose.yml",
    "compose.yaml",
];

/// `docker-compose.yml`, `compose.prod.yaml`, ….
pub fn is_compose(name: &str) -> bool {
    COMPOSE.contains(&name)
        || (is_yaml(name) && (name.starts_with("docker-compose.") || name.starts_with("compose.")))
}

/// `.github/workflows/*.yml`, and what other forges run like these.
pub fn is_workflow(path: &str) -> bool {
    [
        ".github/workflows/",
        ".gitea/workflows/",
        ".forgejo/workflows/",
    ]
    .into_iter()
    .filter_map(|home| path.strip_prefix(home))
    .any(|rest| !rest.contains('/') && (rest.ends_with(".yml") || rest.ends_with(".yaml")))
}

/// `requirements.txt`, `requirements-dev.txt`, `requirements/base.txt`.
pub fn is_requirements(path: &str) -> bool {
    let name = name(path);
    let in_folder = path.contains("requirements/") && name.ends_with(".txt");
    in_folder || (name.starts_with("requirements") && name.ends_with(".txt"))
}

pub fn is_readme(name: &str) -> bool {
    name.to_ascii_lowercase().starts_with("readme")
}

pub fn is_licence(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["license", "licence", "copying", "unlicense"]
        .iter()
        .any(|start| name.starts_with(start))
}

/// Whether a file is read whatever language it is in.
pub fn is_named(path: &str) -> bool {
    let name = name(path);
    NAMES.contains(&name)
        || is_dockerfile(name)
        || is_compose(name)
        || is_requirements(path)
        || is_pipeline(path)
        || is_manifest(path)
        || is_values(path)
        || name.ends_with(".csproj")
        || name.ends_with(".gemspec")
        || (is_readme(name) || is_licence(name)) && !path.contains('/')
}
