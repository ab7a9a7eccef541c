//! A piece of a table: a text and what it means for whoever reads it.

use super::safe::one_line;

/// How a text is coloured, where there are colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    #[default]
    Plain,
    Good,
    Bad,
    /// Waits for somebody.
    Waiting,
    Faint,
    Heading,
}

/// A text with a tone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    pub text: String,
    pub tone: Tone,
}

impl Cell {
    pub fn new(text: impl ToString) -> Self {
        Self {
            text: one_line(&text.to_string()),
            tone: Tone::Plain,
        }
    }

    #[must_use]
    pub const fn tone(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }

    /// A faint dash where there is nothing.
    pub fn optional(value: Option<impl ToString>) -> Self {
        value.map_or_else(|| Self::new("-").tone(Tone::Faint), Self::new)
    }

    /// Ids, separated by commas.
    pub fn ids(ids: &[i64]) -> Self {
        let list: Vec<_> = ids.iter().map(ToString::to_string).collect();
        Self::optional((!list.is_empty()).then(|| list.join(", ")))
    }

    /// A time of the API, to the second.
    pub fn time(at: &str) -> Self {
        let (whole, _) = at.split_once('.').unwrap_or((at.trim_end_matches('Z'), ""));
        Self::new(format!("{}Z", whole.replacen('T', " ", 1)))
    }

    /// A time that may not have come.
    pub fn optional_time(at: Option<&str>) -> Self {
        at.map_or_else(|| Self::optional(None::<&str>), Self::time)
    }

    /// A duration in seconds.
    pub fn seconds(seconds: Option<f64>) -> Self {
        Self::optional(seconds.map(|seconds| match seconds {
            short if short < 60.0 => format!("{short:.1} s"),
            long => format!(
                "{} min {:02.0} s",
                (long / 60.0).floor(),
                (long % 60.0).floor()
            ),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_durations_are_short() {
        assert_eq!(
            Cell::time("2026-01-31T12:00:00.123456Z").text,
            "2026-01-31 12:00:00Z"
        );
        assert_eq!(
            Cell::time("2026-01-31T12:00:00Z").text,
            "2026-01-31 12:00:00Z"
        );
        assert_eq!(Cell::seconds(Some(1.26)).text, "1.3 s");
        assert_eq!(Cell::seconds(Some(125.0)).text, "2 min 05 s");
        assert_eq!(Cell::seconds(None).text, "-");
    }
}
