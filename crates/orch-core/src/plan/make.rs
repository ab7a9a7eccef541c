//! The names of a Makefile's targets.
//!
//! Reads what can be read without running make: explicit rules with plain names. Pattern rules,
//! computed names and included files are left alone, so a target that is named here does exist.

use std::collections::BTreeSet;

/// Plain target names that `makefile` has explicit rules for.
pub(super) fn targets(makefile: &str) -> BTreeSet<String> {
    let mut targets = BTreeSet::new();
    let mut inside_define = false;
    for line in logical_lines(makefile) {
        let first_word = line.split_whitespace().next().unwrap_or_default();
        match (inside_define, first_word) {
            (true, "endef") => inside_define = false,
            (false, "define") => inside_define = true,
            (true, _) => {}
            (false, _) => targets.extend(rule_targets(&line)),
        }
    }
    targets
}

/// Lines with their continuations; recipe lines, which begin with a tab, are left out.
fn logical_lines(makefile: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut continues = false;
    for line in makefile.lines() {
        let (text, goes_on) = match line.strip_suffix('\\') {
            Some(text) => (text, true),
            None => (line, false),
        };
        match lines.last_mut() {
            Some(last) if continues => {
                last.push(' ');
                last.push_str(text);
            }
            _ => lines.push(text.to_owned()),
        }
        continues = goes_on;
    }
    lines.retain(|line| !line.starts_with('\t'));
    lines
}

fn rule_targets(line: &str) -> Vec<String> {
    let line = line.split('#').next().unwrap_or_default();
    let Some((names, rest)) = line.split_once(':') else {
        return Vec::new();
    };
    // `NAME := value` and `NAME ::= value` assign, as does `NAME = a:b`.
    let rest = rest.trim_start_matches(':');
    if rest.starts_with('=') || names.contains('=') {
        return Vec::new();
    }
    // `target: NAME = value` sets a variable for a target and is no rule of its own.
    if rest
        .split(';')
        .next()
        .is_some_and(|prerequisites| prerequisites.contains('='))
    {
        return Vec::new();
    }
    names
        .split_whitespace()
        .filter(|name| is_plain(name))
        .map(str::to_owned)
        .collect()
}

fn is_plain(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn explicit_rules_with_plain_names_are_targets() {
        let makefile = "\
# comment: not-a-target
CC := gcc
DIR = a:b
FLAGS ?= x
X ::= y
.PHONY: build phony-only
build: main.o ; echo
test unit-test:: build # why: because
\techo recipe: not-a-target
%.o: %.c
$(BIN): x
deploy: ENV = prod
lint:\\
  a b
release \\
  publish: build
define block
inside: x
endef
api/build:
-dash: x
--eval=x: y
done:
";
        let expected = [
            "api/build",
            "build",
            "done",
            "lint",
            "publish",
            "release",
            "test",
            "unit-test",
        ];
        assert_eq!(targets(makefile), expected.map(str::to_owned).into());
    }
}
