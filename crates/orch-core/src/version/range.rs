//! Ranges of versions, as npm, Cargo and pip write them.
//!
//! `2.17.x`, `1.7` (its patches), `1.7.0` (that one), `^1.2`, `~1.2`, `~=1.2`, `>=1.2 <2`, `1.x || 3`,
//! `*`. A version that came before its release counts only where the range names one of the same
//! numbers.

use std::fmt;

use super::Version;

/// Longest text of a range.
const MAX_BYTES: usize = 256;
/// Most conditions in all.
const MAX_CONDITIONS: usize = 32;

/// Which versions are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    text: String,
    /// One of these must hold.
    choices: Vec<Vec<Condition>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Condition {
    Any,
    Is(Version),
    Not(Version),
    /// The numbers begin like this.
    Begins(Vec<u64>),
    Least(Version),
    Above(Version),
    Below(Version),
    Most(Version),
}

impl Range {
    /// Every released version.
    #[must_use]
    pub fn any() -> Self {
        Self {
            text: "*".to_owned(),
            choices: vec![vec![Condition::Any]],
        }
    }

    /// Reads a range.
    ///
    /// # Errors
    /// What is wrong with it, and what ranges look like.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            let shown: String = text
                .chars()
                .take(80)
                .flat_map(char::escape_default)
                .collect();
            format!(
                "`{shown}` is no version range; expected one such as 2.17.x, 1.7, 1.7.0, ^1.2, ~1.2 or >=1.2 <2"
            )
        };
        if text.len() > MAX_BYTES {
            return Err(wrong());
        }
        if text.trim().is_empty() || text.trim() == "latest" {
            return Ok(Self::any());
        }
        let mut choices = Vec::new();
        let mut count = 0;
        for choice in text.split("||") {
            let between = choice.split_once(" - ");
            let choice = match between {
                Some((from, to)) => format!(">={} <={}", from.trim(), to.trim()),
                None => choice.to_owned(),
            };
            let conditions = conditions(&choice).ok_or_else(wrong)?;
            count += conditions.len();
            choices.push(conditions);
        }
        if count > MAX_CONDITIONS {
            return Err(wrong());
        }
        Ok(Self {
            text: text.trim().to_owned(),
            choices,
        })
    }

    /// Whether a version is among those that are wanted.
    #[must_use]
    pub fn holds(&self, version: &Version) -> bool {
        self.choices.iter().any(|conditions| {
            conditions.iter().all(|condition| condition.holds(version))
                && (!version.is_early() || conditions.iter().any(|c| c.names_early(version)))
        })
    }

    /// The newest of those that are wanted.
    pub fn newest<'v, T>(
        &self,
        offered: impl IntoIterator<Item = &'v T>,
        version: impl Fn(&T) -> &Version,
    ) -> Option<&'v T> {
        let fits = offered.into_iter().filter(|one| self.holds(version(one)));
        fits.max_by(|a, b| version(a).cmp(version(b)))
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Condition {
    fn holds(&self, version: &Version) -> bool {
        match self {
            Self::Any => true,
            Self::Is(one) => version == one,
            Self::Not(one) => version != one,
            Self::Begins(numbers) => numbers
                .iter()
                .enumerate()
                .all(|(at, number)| version.number(at) == *number),
            Self::Least(least) => version >= least,
            Self::Above(bound) => version > bound,
            Self::Below(bound) => version < bound,
            Self::Most(most) => version <= most,
        }
    }

    /// Whether it names a version before the same release.
    fn names_early(&self, version: &Version) -> bool {
        match self {
            Self::Is(one)
            | Self::Least(one)
            | Self::Above(one)
            | Self::Below(one)
            | Self::Most(one) => one.is_early() && one.same_numbers(version),
            Self::Any | Self::Not(_) | Self::Begins(_) => false,
        }
    }
}

fn conditions(choice: &str) -> Option<Vec<Condition>> {
    let mut conditions = Vec::new();
    let mut rest = choice.trim_matches(|c: char| c.is_whitespace() || c == ',');
    while !rest.is_empty() {
        let length = rest
            .bytes()
            .take_while(|byte| b"<>=!^~".contains(byte))
            .count();
        let (operator, after) = rest.split_at(length);
        let after = after.trim_start();
        let end = after
            .find(|c: char| c.is_whitespace() || c == ',' || "<>=!^".contains(c))
            .unwrap_or(after.len());
        let (word, next) = after.split_at(end);
        conditions.extend(condition(operator, word)?);
        rest = next.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
    }
    (!conditions.is_empty()).then_some(conditions)
}

/// A version whose last numbers may be left open.
struct Partial {
    version: Version,
    /// A `x` or `*` stood at its end.
    open: bool,
}

fn partial(word: &str) -> Option<Option<Partial>> {
    let mut body = word.strip_prefix(['v', 'V']).unwrap_or(word);
    if matches!(body, "*" | "x" | "X") {
        return Some(None);
    }
    let mut open = false;
    while let Some(shorter) = [".x", ".X", ".*"]
        .iter()
        .find_map(|end| body.strip_suffix(end))
    {
        body = shorter;
        open = true;
    }
    let version = Version::parse(body)?;
    if open && !version.is_plain() {
        return None;
    }
    Some(Some(Partial { version, open }))
}

fn condition(operator: &str, word: &str) -> Option<Vec<Condition>> {
    let Some(Partial { version, open }) = partial(word)? else {
        let all = matches!(operator, "" | "=" | "==" | ">=" | "<=" | "^" | "~");
        return all.then(|| vec![Condition::Any]);
    };
    let numbers = version.numbers().to_vec();
    let is_short = open || (numbers.len() < 3 && version.is_plain());
    let next = |at: usize| {
        let mut numbers = numbers[..=at].to_vec();
        numbers[at] = numbers[at].saturating_add(1);
        Version::release(numbers)
    };
    let last = numbers.len() - 1;
    Some(match operator {
        "" | "=" if is_short => vec![Condition::Begins(numbers)],
        "==" if open => vec![Condition::Begins(numbers)],
        "" | "=" | "==" | "===" => vec![Condition::Is(version)],
        "!=" if open => vec![],
        "!=" => vec![Condition::Not(version)],
        ">=" => vec![Condition::Least(version)],
        "<" => vec![Condition::Below(version)],
        // Everything that begins like a short one belongs to it.
        ">" if is_short => vec![Condition::Least(next(last))],
        ">" => vec![Condition::Above(version)],
        "<=" if is_short => vec![Condition::Below(next(last))],
        "<=" => vec![Condition::Most(version)],
        "^" => {
            let leading = numbers.iter().position(|number| *number != 0);
            let at = leading.unwrap_or(last).min(last);
            vec![Condition::Least(version), Condition::Below(next(at))]
        }
        "~" => vec![
            Condition::Least(version),
            Condition::Below(next(last.min(1))),
        ],
        "~=" if numbers.len() >= 2 => {
            let before = last - 1;
            vec![Condition::Least(version), Condition::Below(next(before))]
        }
        _ => return None,
    })
}
