//! An answer that is still coming.

use super::{Broken, finish, responses::Items};
use crate::{Answer, Finish, ToolCall};

/// Calls that one answer may make.
const MOST_CALLS: usize = 128;

/// What has come so far.
#[derive(Debug, Default)]
pub(crate) struct Partial {
    pub(super) answer: Answer,
    /// The items of the Responses API.
    pub(super) items: Items,
    /// Where each call of the other protocols is in the answer, by the provider's own number.
    places: Vec<u64>,
    /// Whether any of the text was shown.
    pub(super) shown: bool,
    /// Whether the model said that it will not.
    pub(super) refused: bool,
    pub(crate) stage: Stage,
}

/// How far an answer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    #[default]
    Coming,
    /// All of it is there; its usage may follow.
    Whole,
    /// Nothing of use follows.
    Ended,
}

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With `[DONE]`.
    Done,
    /// With the connection.
    Closed,
}

impl Partial {
    pub(super) fn say(&mut self, piece: &str, delta: &mut dyn FnMut(&str)) {
        if !piece.is_empty() {
            self.answer.text.push_str(piece);
            self.shown = true;
            delta(piece);
        }
    }

    /// The call that the provider counts as `index`, begun if it is new.
    pub(super) fn call(&mut self, index: u64) -> Result<&mut ToolCall, Broken> {
        let place = match self.places.iter().position(|known| *known == index) {
            Some(place) => place,
            None if self.places.len() >= MOST_CALLS => {
                return Err(Broken::Junk(format!(
                    "more than {MOST_CALLS} calls of tools"
                )));
            }
            None => {
                self.places.push(index);
                self.answer.calls.push(ToolCall {
                    id: String::new(),
                    name: String::new(),
                    arguments: String::new(),
                });
                self.places.len() - 1
            }
        };
        // They are gone once the answer is whole.
        let ended = || Broken::Junk("a call of a tool after the end".to_owned());
        self.answer.calls.get_mut(place).ok_or_else(ended)
    }

    /// The answer, if it is whole. A `[DONE]` closes whatever was said; a connection that is closed does not.
    pub(crate) fn end(mut self, end: End) -> Option<Answer> {
        if self.stage == Stage::Coming {
            if end == End::Closed {
                return None;
            }
            self.items.pour_into(&mut self.answer);
            let said = match self.refused {
                true => Finish::Refused,
                false => Finish::Stop,
            };
            finish(&mut self.answer, said);
            if self.answer.is_empty() {
                return None;
            }
        }
        Some(self.answer)
    }
}
