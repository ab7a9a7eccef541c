//! Which tools a running process may be given that its recipe does not name.
//!
//! Pure. Nothing is given that nobody allowed, and nothing at all that no trusted key has signed.

use crate::recipe::{check_tool, nearest};
use crate::version::{Range, Version};

/// The key under which a person answers a request; the answer is one of [`ANSWERS`].
pub const KEY: &str = "tool_request";
/// What a person may answer.
pub const ANSWERS: [&str; 2] = ["allow", "refuse"];

/// Most tools of one policy.
const MAX_TOOLS: usize = 1_000;

/// The tools that may be asked for (`ORCH_TOOL_REQUESTS`); none without one.
///
/// What is said of a name goes before what is said of `*`; of what is said alike, the stricter
/// holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolPolicy {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    says: Says,
    /// Every name without one.
    name: Option<String>,
    range: Range,
}

/// What a rule says, the strictest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Says {
    Allow,
    Ask,
    Deny,
}

/// What becomes of a request that is not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The tool may be given.
    Given,
    /// A person decides.
    Asked,
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
    /// Reads `name`, `name@range` or `*`, with commas between them; `ask:` before one leaves it to a
    /// person, `deny:` refuses it. Spaces part the conditions of a range.
    ///
    /// # Errors
    /// What is wrong, and what is expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        let rules: Result<Vec<Rule>, String> = parts.map(Rule::parse).collect();
        let rules = rules?;
        match rules.len() > MAX_TOOLS {
            true => Err(format!("at most {MAX_TOOLS} tools are listed")),
            false => Ok(Self { rules }),
        }
    }

    /// Whether a tool may be given, or a person is asked.
    ///
    /// # Errors
    /// Why not, for whoever asked.
    pub fn judge(&self, asked: &Asked<'_>) -> Result<Verdict, String> {
        let Asked { name, version, .. } = *asked;
        let of_name: Vec<&Rule> = self
            .rules
            .iter()
            .filter(|rule| rule.name.as_deref().is_none_or(|named| named == name))
            .collect();
        let parsed = Version::parse(version);
        // A version that cannot be read is in no range, and out of none that is denied.
        let fits = |rule: &&&Rule| {
            rule.range == Range::any()
                || match &parsed {
                    Some(version) => rule.range.holds(version),
                    None => rule.says == Says::Deny,
                }
        };
        let strictest = of_name
            .iter()
            .filter(fits)
            .max_by_key(|rule| (rule.name.is_some(), rule.says));
        let verdict = match strictest.map(|rule| rule.says) {
            Some(Says::Allow) => Verdict::Given,
            Some(Says::Ask) => Verdict::Asked,
            Some(Says::Deny) => {
                return Err(format!(
                    "the policy ORCH_TOOL_REQUESTS denies {name} {version}"
                ));
            }
            None => return Err(self.not_listed(name, version, &of_name)),
        };
        if asked.signed_by.is_empty() {
            return Err(format!(
                "the catalog's entry of {name} {version} is not signed by a trusted key: such a tool is given to no \
                 running process; have the entry signed, or list the tool in the recipe"
            ));
        }
        Ok(verdict)
    }

    fn not_listed(&self, name: &str, version: &str, of_name: &[&Rule]) -> String {
        let offered = |rule: &&Rule| rule.says != Says::Deny;
        let ranges: Vec<String> = of_name
            .iter()
            .copied()
            .filter(offered)
            .map(|rule| rule.range.to_string())
            .collect();
        if !ranges.is_empty() {
            return format!(
                "the policy ORCH_TOOL_REQUESTS allows {name} {}, and this is {version}",
                ranges.join(" or ")
            );
        }
        let listed = self.rules.iter().filter(offered);
        let names: Vec<&str> = listed.filter_map(|rule| rule.name.as_deref()).collect();
        let hint = match nearest(name, &names) {
            Some(near) => format!("did you mean `{near}`?"),
            None if self.rules.is_empty() => "it allows none".to_owned(),
            None => "list it in the recipe, or have the operator allow it".to_owned(),
        };
        format!("the policy ORCH_TOOL_REQUESTS does not allow `{name}`; {hint}")
    }
}

impl Rule {
    fn parse(text: &str) -> Result<Self, String> {
        let (says, text) = match text.split_once(':') {
            None => (Says::Allow, text),
            Some(("allow", rest)) => (Says::Allow, rest.trim_start()),
            Some(("ask", rest)) => (Says::Ask, rest.trim_start()),
            Some(("deny", rest)) => (Says::Deny, rest.trim_start()),
            // The epoch of a Debian version has a colon as well.
            Some((word, _)) if !word.bytes().all(|byte| byte.is_ascii_lowercase()) => {
                (Says::Allow, text)
            }
            Some((word, _)) => {
                return Err(format!(
                    "`{word}:` is no rule; `allow:`, `ask:` and `deny:` are, and a tool alone is allowed"
                ));
            }
        };
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
            says,
            name,
            range: Range::parse(range)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(policy: &str, name: &str, version: &str, signed_by: &str) -> Result<Verdict, String> {
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
            Ok(Verdict::Given)
        );
        assert_eq!(
            judge("@scope/tool@^1.2", "@scope/tool", "1.9.0", "KEY"),
            Ok(Verdict::Given)
        );
        assert_eq!(judge("*@>=1 <2", "any", "1.9.0", "KEY"), Ok(Verdict::Given));
        assert_eq!(judge("*", "deb", "2:1.0-3", "KEY"), Ok(Verdict::Given));
        let colon = ToolPolicy::parse("deb@>=2:1.0");
        assert!(!colon.is_err_and(|error| error.contains("is no rule")));
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
    fn what_is_said_of_a_name_goes_before_the_rest_and_the_stricter_holds() {
        let policy = "ask:*, jq@^1, deny:jq@1.5, deny:curl, ask:yq, yq";
        let judged = |name: &str, version: &str| judge(policy, name, version, "KEY");
        assert_eq!(judged("jq", "1.6"), Ok(Verdict::Given));
        assert_eq!(judged("jq", "2.0"), Ok(Verdict::Asked));
        assert_eq!(judged("yq", "4.1"), Ok(Verdict::Asked));
        assert_eq!(judged("greet", "1.0"), Ok(Verdict::Asked));
        for (name, version) in [("jq", "1.5"), ("curl", "8.0")] {
            let refusal = judged(name, version).unwrap_err();
            let expected = format!("the policy ORCH_TOOL_REQUESTS denies {name} {version}");
            assert_eq!(refusal, expected);
        }
        let unsigned = judge(policy, "yq", "4.1", "").unwrap_err();
        assert!(unsigned.contains("not signed"), "{unsigned}");
    }

    #[test]
    fn a_policy_that_cannot_be_read_is_refused() {
        let word = ToolPolicy::parse("grant:greet").unwrap_err();
        assert!(word.contains("`grant:` is no rule"), "{word}");
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
