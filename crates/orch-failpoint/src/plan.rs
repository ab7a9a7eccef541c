//! What the environment asks for, parsed; pure.

use crate::POINTS;

/// What happens at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// The process ends at once, without unwinding or flushing.
    Kill,
    /// The operation fails.
    Error,
    /// The operation fails as on a disk without space.
    Full,
}

/// One wish: at the `at`th pass of `name`, or at every pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) name: &'static str,
    pub(crate) action: Action,
    pub(crate) at: Option<u64>,
}

/// Reads `name=kill;name=error;name=full@3`.
pub(crate) fn parse(text: &str) -> Result<Vec<Wish>, String> {
    text.split(';')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(wish)
        .collect()
}

fn wish(part: &str) -> Result<Wish, String> {
    let (name, action) = part
        .split_once('=')
        .ok_or_else(|| format!("`{part}` is not `name=kill` or `name=error`"))?;
    let name = POINTS
        .iter()
        .find(|point| point.name == name)
        .map(|point| point.name)
        .ok_or_else(|| format!("there is no failpoint `{name}`"))?;
    let (action, at) = match action.split_once('@') {
        Some((action, at)) => {
            let at = at.parse().ok().filter(|at| *at > 0);
            (
                action,
                Some(at.ok_or_else(|| format!("`{part}`: `@` wants a number from 1"))?),
            )
        }
        None => (action, None),
    };
    let action = match action {
        "kill" => Action::Kill,
        "error" => Action::Error,
        "full" => Action::Full,
        other => return Err(format!("`{other}` is neither `kill`, `error` nor `full`")),
    };
    Ok(Wish { name, action, at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_read_and_wrong_ones_are_named() {
        let (name, at) = ("store.commit.before", Some(3));
        assert_eq!(
            parse("store.commit.before=kill@3; store.commit.before=error;"),
            Ok(vec![
                Wish {
                    name,
                    action: Action::Kill,
                    at
                },
                Wish {
                    name,
                    action: Action::Error,
                    at: None
                },
            ])
        );
        for (text, why) in [
            (
                "store.commit.before",
                "`store.commit.before` is not `name=kill` or `name=error`",
            ),
            ("nowhere=kill", "there is no failpoint `nowhere`"),
            (
                "store.commit.before=stop",
                "`stop` is neither `kill`, `error` nor `full`",
            ),
            (
                "store.commit.before=kill@0",
                "`store.commit.before=kill@0`: `@` wants a number from 1",
            ),
        ] {
            assert_eq!(parse(text), Err(why.to_owned()));
        }
    }

    #[test]
    fn names_are_unique() {
        let names: std::collections::BTreeSet<_> = POINTS.iter().map(|point| point.name).collect();
        assert_eq!(names.len(), POINTS.len());
    }
}
