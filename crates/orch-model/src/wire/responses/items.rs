//! The items of an answer: each is pieced together under its number or id, and counts once however often
//! it is told.

use serde_json::Value;

use super::super::{Broken, arguments, content, text};
use crate::{Answer, Finish, ToolCall};

/// Items that one answer may have.
const MOST: usize = 512;

/// What has come of an answer.
#[derive(Debug, Default)]
pub(in super::super) struct Items {
    all: Vec<Item>,
    /// Whether one of them is a refusal.
    refused: bool,
}

#[derive(Debug, Default)]
struct Item {
    index: Option<u64>,
    id: String,
    text: String,
    call: Option<ToolCall>,
    is_done: bool,
}

impl Items {
    /// A piece of text, of the item that `event` names.
    pub(super) fn say(&mut self, event: &Value, piece: &str) -> Result<(), Broken> {
        let item = self.of(event)?;
        if !item.is_done {
            item.text.push_str(piece);
        }
        Ok(())
    }

    /// A piece of a call's arguments.
    pub(super) fn argue(&mut self, event: &Value, piece: &str) -> Result<(), Broken> {
        let item = self.of(event)?;
        if let Some(call) = &mut item.call
            && !item.is_done
        {
            call.arguments.push_str(piece);
        }
        Ok(())
    }

    /// An item begins.
    pub(super) fn begin(&mut self, event: &Value) -> Result<(), Broken> {
        let call = call_in(&event["item"]);
        let item = self.of(event)?;
        if item.call.is_none() {
            item.call = call;
        }
        Ok(())
    }

    /// An item as it is in the end; answers its text if no piece of it came before.
    pub(super) fn done(&mut self, event: &Value) -> Result<String, Broken> {
        let told = &event["item"];
        let said = said_in(told);
        self.refused |= refuses(told);
        let item = self.of(event)?;
        let unseen = match item.text.is_empty() {
            true => said.clone(),
            false => String::new(),
        };
        item.is_done = true;
        // What was streamed is kept where the closing item leaves it out.
        if !said.is_empty() {
            item.text = said;
        }
        if let Some(call) = call_in(told) {
            item.call = match item.call.take() {
                Some(known) if call.arguments.is_empty() => Some(ToolCall {
                    arguments: known.arguments,
                    ..call
                }),
                Some(_) | None => Some(call),
            };
        }
        Ok(unseen)
    }

    /// A piece of a refusal has come.
    pub(super) fn refuse(&mut self) {
        self.refused = true;
    }

    /// Why the answer ended, where the frame around the items says `said`.
    pub(super) fn finish(&self, said: Finish) -> Finish {
        match self.refused {
            true => Finish::Refused,
            false => said,
        }
    }

    /// Puts all of them behind one another.
    pub(in super::super) fn pour_into(&mut self, answer: &mut Answer) {
        for item in self.all.drain(..) {
            answer.text.push_str(&item.text);
            answer.calls.extend(item.call);
        }
    }

    /// The item that an event speaks of, by its number, its id, or as the one that is under way.
    fn of(&mut self, event: &Value) -> Result<&mut Item, Broken> {
        let index = event.get("output_index").and_then(Value::as_u64);
        let id = [text(event, "/item_id"), text(event, "/item/id")]
            .into_iter()
            .find(|id| !id.is_empty())
            .unwrap_or("");
        let known = self.all.iter().position(|item| {
            let same_index = index.is_some() && item.index == index;
            let same_id = !id.is_empty() && item.id == id;
            same_index || same_id
        });
        // Servers that number one kind of event and not the other mean the last.
        let under_way = || {
            let last = self.all.last()?;
            let fits =
                (last.index.is_none() || index.is_none()) && (last.id.is_empty() || id.is_empty());
            (fits && !last.is_done).then(|| self.all.len() - 1)
        };
        let place = match known.or_else(under_way) {
            Some(place) => place,
            None if self.all.len() >= MOST => {
                return Err(Broken::Junk(format!(
                    "more than {MOST} items in one answer"
                )));
            }
            None => {
                self.all.push(Item::default());
                self.all.len() - 1
            }
        };
        let item = &mut self.all[place];
        item.index = item.index.or(index);
        if item.id.is_empty() {
            id.clone_into(&mut item.id);
        }
        Ok(item)
    }
}

fn said_in(item: &Value) -> String {
    // Reasoning has text too, which is not the answer's.
    match text(item, "/type") {
        "message" | "" => match item["content"].as_array() {
            Some(parts) => parts
                .iter()
                .map(|part| match text(part, "/type") {
                    "refusal" => text(part, "/refusal"),
                    _ => text(part, "/text"),
                })
                .collect(),
            None => content(&item["content"]),
        },
        _ => String::new(),
    }
}

fn refuses(item: &Value) -> bool {
    let parts = item["content"].as_array().into_iter().flatten();
    let mut refusals = parts.filter(|part| text(part, "/type") == "refusal");
    refusals.any(|part| !text(part, "/refusal").is_empty())
}

fn call_in(item: &Value) -> Option<ToolCall> {
    (text(item, "/type") == "function_call").then(|| ToolCall {
        id: [text(item, "/call_id"), text(item, "/id")]
            .into_iter()
            .find(|id| !id.is_empty())
            .unwrap_or("")
            .to_owned(),
        name: text(item, "/name").to_owned(),
        arguments: arguments(item.get("arguments")),
    })
}
