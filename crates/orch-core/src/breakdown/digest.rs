//! The digest that an approval of a plan binds: all of its content, each field with its length before
//! it, under a domain tag. Any change of a plan changes it.

use super::model::{Breakdown, Criterion, Epic, Estimate, Story, Task};
use crate::digest::Digest;

const DOMAIN: &str = "orch/plan/v1";

impl Breakdown {
    /// 64 hex digits.
    pub fn digest(&self) -> String {
        let Self {
            epics,
            stories,
            tasks,
            next_epic,
            next_story,
            next_task,
            removed,
            // Where it comes from is no content.
            by_model: _,
            notes: _,
            served,
            own,
        } = self;
        let mut fields = Fields(Vec::with_capacity(8 + 16 * tasks.len()));
        fields.count(epics.len());
        for epic in epics {
            fields.epic(epic);
        }
        fields.count(stories.len());
        for story in stories {
            fields.story(story);
        }
        fields.count(tasks.len());
        for task in tasks {
            fields.task(task);
        }
        for number in [next_epic, next_story, next_task] {
            fields.text(&number.to_string());
        }
        fields.texts(removed);
        // Versions from before these were kept have none, and the digest that they had.
        if !served.is_empty() || !own.is_empty() {
            fields.count(served.len());
            for (task, told) in served {
                fields.text(task);
                fields.count(told.len());
                for (requirement, text) in told {
                    fields.text(requirement);
                    fields.text(text);
                }
            }
            fields.count(own.len());
            for (task, own) in own {
                fields.text(task);
                fields.count(own.len());
                for field in own {
                    fields.text(field.name());
                }
            }
        }
        let fields: Vec<Option<&[u8]>> = fields.0.iter().map(Option::as_deref).collect();
        Digest::of(DOMAIN, &fields).to_hex()
    }
}

/// The fields in the order in which they are hashed. A list is its length and then its entries, so that
/// no entry can pass for one of the next list.
struct Fields(Vec<Option<Vec<u8>>>);

impl Fields {
    fn epic(&mut self, epic: &Epic) {
        let Epic {
            id,
            title,
            requirements,
            key,
            edited,
        } = epic;
        self.text(id);
        self.text(title);
        self.texts(requirements);
        self.text(key);
        self.flag(*edited);
    }

    fn story(&mut self, story: &Story) {
        let Story {
            id,
            epic,
            title,
            requirements,
            acceptance,
            key,
            edited,
        } = story;
        self.text(id);
        self.text(epic);
        self.text(title);
        self.texts(requirements);
        self.criteria(acceptance);
        self.text(key);
        self.flag(*edited);
    }

    fn task(&mut self, task: &Task) {
        let Task {
            id,
            story,
            title,
            description,
            kind,
            role,
            capabilities,
            tools,
            requirements,
            acceptance,
            depends_on,
            estimate,
            origin,
            key,
            edited,
        } = task;
        for text in [
            id.as_str(),
            story,
            title,
            description,
            kind.as_str(),
            role,
            origin.name(),
            key,
        ] {
            self.text(text);
        }
        for list in [capabilities, tools, requirements, depends_on] {
            self.texts(list);
        }
        self.criteria(acceptance);
        let Estimate {
            low_minutes,
            likely_minutes,
            high_minutes,
        } = estimate;
        for minutes in [low_minutes, likely_minutes, high_minutes] {
            self.text(&minutes.to_string());
        }
        self.flag(*edited);
    }

    fn criteria(&mut self, criteria: &[Criterion]) {
        self.count(criteria.len());
        for Criterion { text, command } in criteria {
            self.text(text);
            self.0
                .push(command.as_ref().map(|command| command.clone().into_bytes()));
        }
    }

    fn texts(&mut self, texts: &[String]) {
        self.count(texts.len());
        for text in texts {
            self.text(text);
        }
    }

    fn count(&mut self, count: usize) {
        self.text(&count.to_string());
    }

    fn flag(&mut self, flag: bool) {
        self.text(if flag { "1" } else { "0" });
    }

    fn text(&mut self, text: &str) {
        self.0.push(Some(text.as_bytes().to_vec()));
    }
}
