//! What the code is built with, where the requirements or the chosen architecture say so. Only then is
//! a command known that shows something.

use std::sync::LazyLock;

use super::super::model::Criterion;
use super::super::standing::{Standing, standing};
use crate::requirements::{ArchitectureOption, Document, Gap, Lexicon, Word, words};

/// The tools of a language, and what runs its tests.
#[derive(Debug, PartialEq, Eq)]
pub struct Toolchain {
    /// What an agent has to offer.
    pub capability: &'static str,
    pub tools: &'static [&'static str],
    pub test: &'static str,
    /// The words that name it, parted by `, `.
    words: &'static str,
    /// The architectures whose summaries name it.
    blueprints: &'static [&'static str],
}

const TOOLCHAINS: [Toolchain; 8] = [
    Toolchain {
        capability: "rust",
        tools: &["cargo"],
        test: "cargo test",
        words: "rust, cargo",
        blueprints: &[],
    },
    Toolchain {
        capability: "python",
        tools: &["python"],
        test: "python3 -m pytest",
        words: "python, fastapi, django, flask, pytest",
        blueprints: &["saas-monolith"],
    },
    Toolchain {
        capability: "node",
        tools: &["node", "npm"],
        test: "npm test",
        words: "node, nodejs, node.js, typescript, javascript, nestjs, react, next.js, vue, svelte",
        blueprints: &["evented-microservices"],
    },
    Toolchain {
        capability: "go",
        tools: &["go"],
        test: "go test ./...",
        words: "golang, in go, with go, use go, using go, on go, go and, go module, go modules, go binary, cobra",
        blueprints: &[],
    },
    Toolchain {
        capability: "java",
        tools: &["mvn"],
        test: "mvn test",
        words: "maven",
        blueprints: &[],
    },
    Toolchain {
        capability: "java",
        tools: &["gradle"],
        test: "gradle test",
        words: "gradle",
        blueprints: &[],
    },
    Toolchain {
        capability: "dotnet",
        tools: &["dotnet"],
        test: "dotnet test",
        words: "c#, dotnet, asp.net",
        blueprints: &[],
    },
    Toolchain {
        capability: "dbt",
        tools: &["dbt"],
        test: "dbt build",
        words: "dbt",
        blueprints: &["data-pipeline"],
    },
];

static WORDS: LazyLock<Lexicon<usize>> = LazyLock::new(|| {
    let groups: Vec<(usize, &'static str)> = TOOLCHAINS
        .iter()
        .enumerate()
        .map(|(at, toolchain)| (at, toolchain.words))
        .collect();
    Lexicon::new(&groups)
});

/// The toolchain that the demanded requirements name; where they name none, that of the chosen
/// architecture; none where they name several.
pub fn of(document: &Document) -> Option<&'static Toolchain> {
    let mut named: Vec<usize> = Vec::new();
    for item in &document.items {
        if standing(item) != Standing::Demanded {
            continue;
        }
        let spoken = words(&item.text);
        let found = (0..spoken.len()).filter(|at| !is_denied(&spoken, *at));
        let found = found.filter_map(|at| WORDS.longest_at(&spoken, at));
        named.extend(found.map(|(toolchain, _)| toolchain));
    }
    named.sort_unstable();
    named.dedup();
    match (named.as_slice(), &document.chosen_option) {
        ([one], _) => Some(&TOOLCHAINS[*one]),
        // Where the vision names another framework, the summary does too.
        ([], Some(chosen))
            if document.options.iter().any(|option| {
                &option.name == chosen && !option.by_model && names_another(option)
            }) =>
        {
            None
        }
        ([], Some(chosen)) => TOOLCHAINS
            .iter()
            .find(|toolchain| toolchain.blueprints.contains(&chosen.as_str())),
        ([], None) | ([_, _, ..], _) => None,
    }
}

/// The tools of which each shows that an agent offers this capability; none where it is not known.
pub fn tools_of(capability: &str) -> impl Iterator<Item = &'static str> {
    let toolchains = TOOLCHAINS.iter();
    let of_it = toolchains.filter(move |toolchain| toolchain.capability == capability);
    of_it.flat_map(|toolchain| toolchain.tools.iter().copied())
}

fn names_another(option: &ArchitectureOption) -> bool {
    option.name == "saas-monolith" && !option.summary.contains("FastAPI")
}

/// How far back a denial reaches.
const DENIAL_REACH: usize = 8;

/// Whether what stands at `at` is denied: by a word before it that no comma and no "but" parts from it.
fn is_denied(spoken: &[Word], at: usize) -> bool {
    let back = spoken[at.saturating_sub(DENIAL_REACH)..at].iter().rev();
    back.take_while(|word| word.gap == Gap::Space && word.lower != "but" && word.lower != "sondern")
        .any(|word| {
            matches!(
                word.lower.as_str(),
                "no" | "not"
                    | "never"
                    | "without"
                    | "cannot"
                    | "can't"
                    | "don't"
                    | "doesn't"
                    | "avoid"
                    | "nicht"
                    | "kein"
                    | "keine"
                    | "ohne"
            )
        })
}

impl Toolchain {
    pub fn tools(&self) -> Vec<String> {
        self.tools.iter().map(|tool| (*tool).to_owned()).collect()
    }

    /// That its tests pass.
    pub fn tests_pass(&self) -> Criterion {
        Criterion {
            text: "All tests pass".to_owned(),
            command: Some(self.test.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::of;
    use crate::requirements::{Content, Text, propose_document};

    fn test_of(vision: &str) -> Option<&'static str> {
        let texts = [Text {
            attachment: None,
            content: Content::Prose(vision.to_owned()),
        }];
        of(&propose_document(&texts, None)).map(|toolchain| toolchain.test)
    }

    #[test]
    fn a_language_is_known_beside_a_denial() {
        for (vision, expected) in [
            (
                "The tool must be written in Rust, single static binary, no runtime dependencies.",
                Some("cargo test"),
            ),
            (
                "Built with Go and cobra. It prints a list.",
                Some("go test ./..."),
            ),
            ("We use TypeScript and Node.", Some("npm test")),
            // Not tuned to.
            (
                "It must not be a script but written in Python.",
                Some("python3 -m pytest"),
            ),
            ("Use Rust without unsafe code.", Some("cargo test")),
            ("Do not use Python.", None),
            ("It must work without Java or Node.", None),
        ] {
            assert_eq!(test_of(vision), expected, "{vision}");
        }
    }
}
