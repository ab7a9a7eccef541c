//! What a request asks for beyond the prompt and a model may refuse.

use super::Wire;
use crate::{Ask, Sampling};

/// One such thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Temperature and seed: models that reason refuse them.
    Sampling,
    /// That the provider itself holds the answer to a schema.
    Schema,
    /// That a stream tells its usage.
    StreamUsage,
    /// The bound of tokens by its old name: newer models know `max_completion_tokens` alone.
    OldBound,
}

const ALL: [(Wish, &[&str]); 4] = [
    (Wish::Sampling, &["temperature", "seed", "top_p"]),
    (
        Wish::Schema,
        &[
            "response_format",
            "json_schema",
            "text.format",
            "tool_choice",
        ],
    ),
    (Wish::StreamUsage, &["stream_options", "include_usage"]),
    (Wish::OldBound, &["max_tokens"]),
];

/// What is asked for still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wishes(u8);

impl Default for Wishes {
    fn default() -> Self {
        Self(0b1111)
    }
}

impl Wishes {
    pub(crate) const fn from_bits(bits: u8) -> Self {
        Self(bits & 0b1111)
    }

    pub(crate) const fn bits(self) -> u8 {
        self.0
    }

    pub(crate) const fn has(self, wish: Wish) -> bool {
        self.0 & (1 << wish as u8) != 0
    }

    pub(crate) const fn without(self, wish: Wish) -> Self {
        Self(self.0 & !(1 << wish as u8))
    }

    /// Those that a request makes by a protocol.
    pub(crate) fn of(self, ask: &Ask, wire: Wire) -> Self {
        let makes = |wish: &Wish| match wish {
            Wish::Sampling => ask.sampling != Sampling::Provider,
            Wish::Schema => ask.schema.is_some(),
            Wish::StreamUsage => wire == Wire::Chat,
            Wish::OldBound => wire == Wire::Chat && ask.max_output_tokens.is_some(),
        };
        ALL.iter()
            .filter(|(wish, _)| !makes(wish))
            .fold(self, |rest, (wish, _)| rest.without(*wish))
    }

    /// Which of them a refusal speaks of.
    pub(crate) fn named_in(self, said: &str) -> Option<Wish> {
        ALL.into_iter()
            .filter(|(wish, _)| self.has(*wish))
            .find(|(_, names)| names.iter().any(|name| said.contains(name)))
            .map(|(wish, _)| wish)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_what_to_leave_out_and_each_only_once() {
        let said = "Unsupported value: 'temperature' does not support 0 with this model.";
        let all = Wishes::default();
        assert_eq!(all.named_in(said), Some(Wish::Sampling));
        let rest = all.without(Wish::Sampling);
        assert_eq!(rest.named_in(said), None);
        assert_eq!(
            rest.named_in("Use 'max_completion_tokens' instead of 'max_tokens'."),
            Some(Wish::OldBound)
        );
        assert_eq!(rest.named_in("the model does not exist"), None);
        assert_eq!(Wishes::from_bits(rest.bits()), rest);
        let none = all.of(
            &Ask {
                sampling: Sampling::Provider,
                ..Ask::default()
            },
            Wire::Responses,
        );
        assert_eq!(none.bits(), 0);
    }
}
