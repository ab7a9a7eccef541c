//! Patterns of paths in a workspace: `*` and `?` within a name, `**` for any number of folders.
//!
//! Matches by text alone and in time bounded by the product of both lengths; nothing here looks at
//! a disk. Wildcards pass over names that begin with a dot, as a shell's do.

/// A pattern, split at its slashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// `**`.
    AnyFolders,
    Name(String),
}

impl Pattern {
    /// Reads a path relative to the workspace; one that names a folder stands for all in it.
    ///
    /// # Errors
    /// A message that says what was found and what is expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let expected = "expected a path in the workspace, such as dist/** or reports/*.xml";
        let got = super::excerpt(text);
        if text.trim().is_empty() {
            return Err(format!("the path is empty, {expected}"));
        }
        if text.len() > super::MAX_ARTIFACT_PATH_BYTES {
            return Err(format!(
                "the path is {} bytes long, at most {} are allowed",
                text.len(),
                super::MAX_ARTIFACT_PATH_BYTES
            ));
        }
        if text.starts_with('/') || text == "~" || text.starts_with("~/") {
            return Err(format!(
                "`{got}` is not relative to the workspace, {expected}"
            ));
        }
        if text.chars().any(|c| c == '\\' || c.is_control()) {
            let what = "contains a backslash or a control character";
            return Err(format!("`{got}` {what}, {expected}"));
        }
        if text.contains(['[', ']', '{', '}']) {
            return Err(format!(
                "`{got}` contains brackets or braces; only *, ? and ** stand for something else, {expected}"
            ));
        }
        let mut parts = Vec::new();
        for part in text.split('/') {
            match part {
                "" | "." => {}
                ".." => return Err(format!("`{got}` contains `..`, {expected}")),
                "**" if parts.last() == Some(&Part::AnyFolders) => {}
                "**" => parts.push(Part::AnyFolders),
                name if name.contains("**") => {
                    return Err(format!(
                        "`{got}` has `**` beside other characters; it stands for whole folders, as in dist/**/*.js"
                    ));
                }
                name => parts.push(Part::Name(name.to_owned())),
            }
        }
        if parts.is_empty() {
            // `.` is everything.
            parts.push(Part::AnyFolders);
        }
        let folders = parts.iter().filter(|part| **part == Part::AnyFolders);
        if parts.len() > 64 || folders.count() > 8 {
            return Err(format!(
                "`{got}` has too many parts; at most 64, and 8 times `**`, are allowed"
            ));
        }
        Ok(Self { parts })
    }

    /// Whether nothing in it is a wildcard.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        let plain = |part: &Part| matches!(part, Part::Name(name) if !name.contains(['*', '?']));
        self.parts.iter().all(plain)
    }

    /// Whether a file's path matches, or a folder on the way to it does.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        self.follow(path).is_some_and(|at| at[self.parts.len()])
    }

    /// Whether something in this folder may match.
    #[must_use]
    pub fn may_match_in(&self, folder: &str) -> bool {
        folder.is_empty() || self.follow(folder).is_some()
    }

    /// Which parts may come next after `path`; none where nothing can match any more.
    fn follow(&self, path: &str) -> Option<Vec<bool>> {
        let last = self.parts.len();
        let mut at = vec![false; last + 1];
        at[0] = true;
        self.skip(&mut at);
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let mut next = vec![false; last + 1];
            for (index, part) in self.parts.iter().enumerate().filter(|(i, _)| at[*i]) {
                match part {
                    Part::AnyFolders => next[index] |= !name.starts_with('.'),
                    Part::Name(wanted) => next[index + 1] |= matches_name(wanted, name),
                }
            }
            // A folder that matched takes in all below it.
            next[last] |= at[last] && !name.starts_with('.');
            self.skip(&mut next);
            if !next.contains(&true) {
                return None;
            }
            at = next;
        }
        Some(at)
    }

    /// `**` also stands for no folder at all.
    fn skip(&self, at: &mut [bool]) {
        for (index, part) in self.parts.iter().enumerate() {
            at[index + 1] |= at[index] && *part == Part::AnyFolders;
        }
    }
}

/// `*` and `?` against one name.
fn matches_name(wanted: &str, name: &str) -> bool {
    if name.starts_with('.') && !wanted.starts_with('.') {
        return false;
    }
    let (wanted, name): (Vec<char>, Vec<char>) = (wanted.chars().collect(), name.chars().collect());
    let (mut w, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match wanted.get(w) {
            Some('*') => {
                star = Some((w, n));
                w += 1;
            }
            Some('?') => (w, n) = (w + 1, n + 1),
            Some(c) if *c == name[n] => (w, n) = (w + 1, n + 1),
            Some(_) | None => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (w, n) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    wanted[w..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, inside: &[&str], outside: &[&str]) {
        let read = Pattern::parse(pattern).unwrap();
        for path in inside {
            assert!(read.matches(path), "{pattern} misses {path}");
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            assert!(
                read.may_match_in(folder),
                "{pattern} is not looked for in {folder}"
            );
        }
        for path in outside {
            assert!(!read.matches(path), "{pattern} takes {path}");
        }
    }

    #[test]
    fn patterns_take_what_a_person_expects() {
        check(
            "dist/**",
            &["dist/a", "dist/b/c.js"],
            &["dist/.env", "dist/.git/x", "other/a", "distant"],
        );
        check(
            "dist",
            &["dist", "dist/a", "dist/b/c"],
            &["dist2", "a/dist"],
        );
        check(
            "reports/*.xml",
            &["reports/a.xml", "./reports/b.xml".trim_start_matches("./")],
            &["reports/a/b.xml.txt", "reports/a.json"],
        );
        check(
            "**/*.xml",
            &["a.xml", "b/c/d.xml"],
            &["a.json", ".hidden.xml", ".ci/a.xml"],
        );
        check("a/**/z", &["a/z", "a/b/z", "a/b/c/z"], &["z", "b/z"]);
        check(".ci/*.log", &[".ci/a.log"], &[".ci/.b.log"]);
        check("?.txt", &["a.txt", "ä.txt"], &["ab.txt", ".txt"]);
        check(".", &["a", "b/c"], &[".env"]);
        check("*a*b*", &["xaxbx", "ab"], &["ba", "a"]);
    }

    #[test]
    fn folders_that_cannot_match_are_not_entered() {
        let read = Pattern::parse("dist/*.js").unwrap();
        assert!(read.may_match_in(""));
        assert!(read.may_match_in("dist"));
        assert!(!read.may_match_in("node_modules"));
        assert!(!read.may_match_in("src/dist"));
    }

    #[test]
    fn what_leads_out_or_means_nothing_is_refused() {
        for (text, part) in [
            ("", "the path is empty"),
            ("/etc/passwd", "is not relative to the workspace"),
            ("~/x", "is not relative to the workspace"),
            ("a/../../b", "contains `..`"),
            ("a\\b", "contains a backslash"),
            ("a\u{1b}b", "a control character"),
            ("a/**b", "has `**` beside other characters"),
            ("[a]", "contains brackets or braces"),
            (&"a/".repeat(65), "has too many parts"),
            (&"x".repeat(2000), "2000 bytes long"),
        ] {
            let error = Pattern::parse(text).unwrap_err();
            assert!(error.contains(part), "`{part}` is not in: {error}");
        }
    }

    #[test]
    fn a_hostile_pattern_takes_no_more_than_its_length_times_the_paths() {
        let read = Pattern::parse(&format!("{}b", "*a".repeat(400))).unwrap();
        assert!(!read.matches(&"a".repeat(4000)));
    }
}
