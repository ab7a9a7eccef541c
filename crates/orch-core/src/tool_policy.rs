//! Which tools a running process may be given that its recipe does not name.
//!
//! Pure. Nothing is given that nobody allowed, and nothing at all that no trusted key has signed.

use crate::recipe::{check_tool, nearest};
use crate::version::{Range, Version};

/// Most tools of one policy.
const MAX_TOOLS: usize = 1_000;

/// The tools that may be asked for (`ORCH_TOOL_REQUESTS`); none without one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolPolicy {
    allowed: Vec<Allowed>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Allowed {
    /// Every name without one.
    name: Option<String>,
    range: Range,
}

/// A tool that is asked for, as the agent would install it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked<'a> {
    pub name: &'a str,
    pub version: &'a str,
    /// The trusted key that signed its entry; empty where there is none.
    pub signed_by: &'a str,
}

impl ToolPolicy {
    /// Reads `name`, `name@range` or `*`, with commas between them; spaces part the conditions of
    /// a range.
    ///
    /// # Errors
    /// What is wrong, and what is expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        let allowed: Result<Vec<Allowed>, String> = parts.map(Allowed::parse).collect();
        let allowed = allowed?;
        match allowed.len() > MAX_TOOLS {
            true => Err(format!("at most {MAX_TOOLS} tools are allowed")),
            false => Ok(Self { allowed }),
        }
    }

    /// Whether a tool may be given.
    ///
    /// # Errors
    /// Why not, for whoever asked.
    pub fn judge(&self, asked: &Asked<'_>) -> Result<(), String> {
        let Asked { name, version, .. } = *asked;
        let of_name = |one: &&Allowed| one.name.as_deref().is_none_or(|allowed| allowed == name);
        let mut ranges = self
            .allowed
            .iter()
            .filter(of_name)
            .map(|one| &one.range)
            .peekable();
        if ranges.peek().is_none() {
            let names: Vec<&str> = self
                .allowed
                .iter()
                .filter_map(|one| one.name.as_deref())
                .collect();
            let hint = match nearest(name, &names) {
                Some(near) => format!("did you mean `{near}`?"),
                None if self.allowed.is_empty() => "it allows none".to_owned(),
                None => "list it in the recipe, or have the operator allow it".to_owned(),
            };
            return Err(format!(
                "the policy ORCH_TOOL_REQUESTS does not allow `{name}`; {hint}"
            ));
        }
        let ranges: Vec<&Range> = ranges.collect();
        let fits = Version::parse(version)
            .is_some_and(|version| ranges.iter().any(|range| range.holds(&version)));
        let any = ranges.iter().any(|range| **range == Range::any());
        if !fits && !any {
            let texts: Vec<String> = ranges.iter().map(ToString::to_string).collect();
            return Err(format!(
                "the policy ORCH_TOOL_REQUESTS allows {name} {}, and this is {version}",
                texts.join(" or ")
            ));
        }
        if asked.signed_by.is_empty() {
            return Err(format!(
                "the catalog's entry of {name} {version} is not signed by a trusted key: such a tool is given to no \
                 running process; have the entry signed, or list the tool in the recipe"
            ));
        }
        Ok(())
    }
}

impl Allowed {
    fn parse(text: &str) -> Result<Self, String> {
        let at = text.char_indices().skip(1).find(|(_, c)| *c == '@');
        let (name, range) = match at {
            Some((at, _)) => (&text[..at], &text[at + 1..]),
            None => (text, ""),
        };
        let name = (name != "*").then(|| name.to_owned());
        if let Some(name) = &name {
            check_tool(name)?;
        }
        Ok(Self {
            name,
            range: Range::parse(range)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(policy: &str, name: &str, version: &str, signed_by: &str) -> Result<(), String> {
        ToolPolicy::parse(policy).unwrap().judge(&Asked {
            name,
            version,
            signed_by,
        })
    }

    #[test]
    fn what_is_listed_and_signed_is_given_and_nothing_else() {
        assert_eq!(
            judge("greet, @scope/tool@^1.2", "greet", "9.0", "KEY"),
            Ok(())
        );
        assert_eq!(
            judge("@scope/tool@^1.2", "@scope/tool", "1.9.0", "KEY"),
            Ok(())
        );
        assert_eq!(judge("*@>=1 <2", "any", "1.9.0", "KEY"), Ok(()));
        assert_eq!(judge("*", "deb", "2:1.0-3", "KEY"), Ok(()));
        for (policy, name, version, signed_by, expected) in [
            ("", "greet", "1.0", "KEY", "it allows none"),
            ("greet", "great", "1.0", "KEY", "did you mean `greet`?"),
            (
                "greet@^1.2",
                "greet",
                "2.0.0",
                "KEY",
                "allows greet ^1.2, and this is 2.0.0",
            ),
            ("*", "greet", "1.0", "", "not signed by a trusted key"),
        ] {
            let refusal = judge(policy, name, version, signed_by).unwrap_err();
            assert!(refusal.contains(expected), "{refusal}");
        }
    }

    #[test]
    fn a_policy_that_cannot_be_read_is_refused() {
        assert!(
            ToolPolicy::parse("gr eet")
                .unwrap_err()
                .contains("no tool name")
        );
        assert!(
            ToolPolicy::parse("greet@one")
                .unwrap_err()
                .contains("no version range")
        );
    }
}
