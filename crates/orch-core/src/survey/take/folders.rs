//! Folders that hold what others wrote, or what a build made: none of it is counted.

use crate::survey::model::LeftOutReason;

const FOLDERS: [(&str, LeftOutReason); 33] = [
    ("node_modules", LeftOutReason::Vendored),
    ("bower_components", LeftOutReason::Vendored),
    ("jspm_packages", LeftOutReason::Vendored),
    ("vendor", LeftOutReason::Vendored),
    ("vendored", LeftOutReason::Vendored),
    ("third_party", LeftOutReason::Vendored),
    ("third-party", LeftOutReason::Vendored),
    ("thirdparty", LeftOutReason::Vendored),
    ("3rdparty", LeftOutReason::Vendored),
    ("Pods", LeftOutReason::Vendored),
    ("site-packages", LeftOutReason::Vendored),
    ("venv", LeftOutReason::Vendored),
    (".venv", LeftOutReason::Vendored),
    (".yarn", LeftOutReason::Vendored),
    ("target", LeftOutReason::Built),
    ("dist", LeftOutReason::Built),
    ("build", LeftOutReason::Built),
    ("_build", LeftOutReason::Built),
    ("out", LeftOutReason::Built),
    (".next", LeftOutReason::Built),
    (".nuxt", LeftOutReason::Built),
    ("coverage", LeftOutReason::Built),
    ("__pycache__", LeftOutReason::Built),
    (".tox", LeftOutReason::Built),
    (".gradle", LeftOutReason::Built),
    (".git", LeftOutReason::Built),
    (".mypy_cache", LeftOutReason::Built),
    (".pytest_cache", LeftOutReason::Built),
    (".terraform", LeftOutReason::Built),
    ("generated", LeftOutReason::Generated),
    ("__generated__", LeftOutReason::Generated),
    ("gen", LeftOutReason::Generated),
    ("__snapshots__", LeftOutReason::Generated),
];

const FILES: [&str; 18] = [
    "package-lock.json",
    "npm-shrinkwrap.json",
    "pnpm-lock.yaml",
    "yarn.lock",
    "Cargo.lock",
    "poetry.lock",
    "uv.lock",
    "pdm.lock",
    "Pipfile.lock",
    "composer.lock",
    "Gemfile.lock",
    "go.sum",
    "gradle.lockfile",
    "bun.lock",
    "mvnw",
    "mvnw.cmd",
    "gradlew",
    "gradlew.bat",
];

const ENDINGS: [&str; 9] = [
    ".min.js",
    ".min.css",
    ".pb.go",
    "_pb2.py",
    "_pb2_grpc.py",
    ".g.dart",
    ".generated.ts",
    ".designer.cs",
    ".bundle.js",
];

/// The folder (or file) that is left out with this one, and why.
pub fn left_out(path: &str) -> Option<(&str, LeftOutReason)> {
    let mut end = 0;
    for part in path.split('/') {
        let start = end;
        end = start + part.len();
        // The last part is the file itself.
        if end == path.len() {
            break;
        }
        if let Some((_, reason)) = FOLDERS.iter().find(|(name, _)| *name == part) {
            return Some((&path[..end], *reason));
        }
        end += 1;
    }
    None
}

/// Whether a file is written by a program, whatever folder it stands in.
pub fn is_generated(path: &str) -> bool {
    let name = crate::survey::tree::name(path);
    FILES.contains(&name) || ENDINGS.iter().any(|ending| name.ends_with(ending))
}
