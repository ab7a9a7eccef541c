//! Line coverage out of an lcov file: for each crate and for all of them, without the lines of
//! tests, which would flatter the figure. Generated code has no file in `crates/` and is not counted.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use walkdir::WalkDir;

/// Lines that could run, and those that did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    pub covered: u64,
    pub all: u64,
}

impl Lines {
    fn percent(self) -> f64 {
        self.covered as f64 * 100.0 / (self.all.max(1)) as f64
    }
}

/// The figures, crate by crate.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Coverage(BTreeMap<String, Lines>);

impl Coverage {
    fn total(&self) -> Lines {
        self.0.values().fold(Lines::default(), |sum, lines| Lines {
            covered: sum.covered + lines.covered,
            all: sum.all + lines.all,
        })
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = ("all".to_owned(), self.total());
        for (name, lines) in self.0.iter().chain([(&total.0, &total.1)]) {
            let Lines { covered, all } = lines;
            let percent = lines.percent();
            writeln!(
                f,
                "{name:<20} {percent:5.1} %   {covered:>6} of {all:>6} lines"
            )?;
        }
        Ok(())
    }
}

/// Prints the figures of an lcov file.
///
/// # Errors
/// When less than `least_percent` of the lines ran, or a crate has no figure.
pub fn report(root: &Path, lcov: &Path, least_percent: f64) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(lcov)
        .with_context(|| format!("failed to read {}", lcov.display()))?;
    let crates = root.join("crates").canonicalize()?;
    let coverage = measure(&text, &crates, &TestFiles::of(&crates)?)?;
    print!("{coverage}");
    for entry in std::fs::read_dir(&crates)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        ensure!(
            coverage.0.contains_key(&name),
            "no line of {name} was counted"
        );
    }
    let percent = coverage.total().percent();
    ensure!(
        percent >= least_percent,
        "line coverage is {percent:.1} %, and {least_percent} % is the least"
    );
    Ok(())
}

fn measure(lcov: &str, crates: &Path, tests: &TestFiles) -> anyhow::Result<Coverage> {
    let mut coverage = Coverage::default();
    for record in lcov.split("end_of_record") {
        let Some(file) = record.lines().find_map(|line| line.strip_prefix("SF:")) else {
            continue;
        };
        let file = Path::new(file);
        let Ok(inside) = file.strip_prefix(crates) else {
            continue;
        };
        if tests.hold(file) || inside.iter().nth(1).is_none_or(|folder| folder != "src") {
            continue;
        }
        let name = inside.iter().next().unwrap_or_default();
        let source = std::fs::read_to_string(file)
            .with_context(|| format!("failed to read {}", file.display()))?;
        let skipped = test_lines(&source);
        let lines = coverage
            .0
            .entry(name.to_string_lossy().into_owned())
            .or_default();
        for counted in record.lines().filter_map(|line| line.strip_prefix("DA:")) {
            let (number, count) = counted
                .split_once(',')
                .with_context(|| format!("`DA:{counted}` is no line of an lcov file"))?;
            if skipped.contains(&number.parse()?) {
                continue;
            }
            lines.all += 1;
            lines.covered += u64::from(count != "0");
        }
    }
    Ok(coverage)
}

/// The numbers of the lines in `#[cfg(test)] mod … { … }` of a formatted source file.
fn test_lines(source: &str) -> HashSet<usize> {
    let (mut found, mut inside) = (HashSet::new(), false);
    for (index, line) in source.lines().enumerate() {
        inside |= line == "#[cfg(test)]";
        if inside {
            found.insert(index + 1);
        }
        inside &= !(line == "}" || line.starts_with("mod ") && line.ends_with(';'));
    }
    found
}

/// Files and folders that are compiled for tests only.
#[derive(Default)]
struct TestFiles(HashSet<PathBuf>);

impl TestFiles {
    fn of(crates: &Path) -> anyhow::Result<Self> {
        let mut found = Self::default();
        let entries = WalkDir::new(crates).into_iter().filter_map(Result::ok);
        for entry in entries.filter(|entry| entry.path().extension().is_some_and(|e| e == "rs")) {
            let source = std::fs::read_to_string(entry.path())?;
            let folder = entry.path().parent().unwrap_or(crates);
            found
                .0
                .extend(declared(&source).map(|name| folder.join(name)));
        }
        Ok(found)
    }

    /// Whether a file is one of them, or in one of their folders.
    fn hold(&self, file: &Path) -> bool {
        let module = file.with_extension("");
        [file, &module]
            .iter()
            .any(|path| path.ancestors().any(|path| self.0.contains(path)))
    }
}

/// The names of test modules in files of their own: `tests` of `#[cfg(test)] mod tests;`, or what
/// its `#[path]` says.
fn declared(source: &str) -> impl Iterator<Item = &str> {
    let after = source.split("#[cfg(test)]\n").skip(1);
    after.filter_map(|rest| {
        let mut lines = rest.lines();
        let first = lines.next()?;
        match first.strip_prefix("#[path = \"") {
            Some(path) => path.strip_suffix("\"]"),
            None => first.strip_prefix("mod ")?.strip_suffix(';'),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "fn a() {\n}\n\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n";

    #[test]
    fn lines_of_test_modules_are_told_from_the_rest() {
        let mut lines: Vec<usize> = test_lines(SOURCE).into_iter().collect();
        lines.sort_unstable();
        assert_eq!(lines, [4, 5, 6, 7]);
        let elsewhere = "#[cfg(test)]\nmod tests;\nfn c() {}\n";
        assert!(!test_lines(elsewhere).contains(&3));
    }

    #[test]
    fn test_modules_in_files_of_their_own_are_found() {
        let source = "#[cfg(test)]\nmod laws;\n#[cfg(test)]\n#[path = \"a_tests.rs\"]\nmod tests;\n#[cfg(test)]\nmod tests {\n";
        assert_eq!(declared(source).collect::<Vec<_>>(), ["laws", "a_tests.rs"]);
        let found = TestFiles(["/c/laws", "/c/a_tests.rs"].map(PathBuf::from).into());
        let held = ["/c/laws.rs", "/c/laws/deep.rs", "/c/a_tests.rs", "/c/a.rs"];
        assert_eq!(
            held.map(|file| found.hold(Path::new(file))),
            [true, true, true, false]
        );
    }

    #[test]
    fn only_lines_of_the_crates_that_are_no_tests_are_counted() {
        let folder = crate::root().join("crates").canonicalize().unwrap();
        let real = folder.join("orch-core/src/lib.rs");
        let lcov = format!(
            "SF:{}\nDA:1,0\nDA:2,7\nDA:3,1\nend_of_record\nSF:/elsewhere/a.rs\nDA:1,0\nend_of_record\nSF:{}\nDA:1,0\nend_of_record\n",
            real.display(),
            folder.join("orch-core/tests/a.rs").display(),
        );
        let measured = measure(&lcov, &folder, &TestFiles::default()).unwrap();
        let lines = Lines { covered: 2, all: 3 };
        assert_eq!(measured, Coverage([("orch-core".to_owned(), lines)].into()));
        assert_eq!(measured.total(), lines);
    }
}
