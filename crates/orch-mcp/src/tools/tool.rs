//! The shape of a tool: what it is called, who may call it, what it takes, and how it is called.

use std::future::Future;
use std::pin::Pin;

use rmcp::schemars::{JsonSchema, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{Fault, Work};

/// What a tool answers: always an object.
pub(crate) type Answer = Result<Value, Fault>;
pub(crate) type Calling<'a> = Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

/// What a tool does to the installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Reads,
    /// It adds or asks; nothing that was there is taken away.
    Adds,
}

/// Whose token it works with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    Users,
    /// That of a run too, for its own part.
    RunsToo,
}

/// How long a call of a tool may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pace {
    /// It answers as soon as it can.
    Short,
    /// It waits for a person, for a bounded time.
    Waits,
}

/// One tool.
pub(crate) trait Tool: 'static {
    const NAME: &'static str;
    const TITLE: &'static str;
    const ABOUT: &'static str;
    const EFFECT: Effect;
    const REACH: Reach;
    const PACE: Pace = Pace::Short;
    type Input: DeserializeOwned + JsonSchema + Send;

    fn run(work: &Work, input: Self::Input) -> impl Future<Output = Answer> + Send;
}

/// A tool among others.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    pub name: &'static str,
    pub title: &'static str,
    pub about: &'static str,
    pub effect: Effect,
    pub reach: Reach,
    pub pace: Pace,
    /// The JSON Schema of its arguments.
    pub input: fn() -> Map<String, Value>,
    pub call: for<'a> fn(&'a Work, Value) -> Calling<'a>,
}

impl Entry {
    pub(crate) const fn of<T: Tool>() -> Self {
        Self {
            name: T::NAME,
            title: T::TITLE,
            about: T::ABOUT,
            effect: T::EFFECT,
            reach: T::REACH,
            pace: T::PACE,
            input: schema::<T>,
            call: call::<T>,
        }
    }
}

/// The argument of every tool that adds something: sent again with the same key, it is done once.
const KEY: &str = "idempotency_key";
const LONGEST_KEY: usize = 255;

fn call<T: Tool>(work: &Work, mut arguments: Value) -> Calling<'_> {
    Box::pin(async move {
        let key = match T::EFFECT {
            Effect::Adds => key(&mut arguments)?,
            Effect::Reads => None,
        };
        let input = serde_json::from_value(arguments.clone())
            .map_err(|error| Fault::Input(misfit::<T>(&arguments, &error)))?;
        match key {
            None => T::run(work, input).await,
            Some(key) => {
                let client = work.client.clone().with_idempotency_key(&key)?;
                T::run(&work.with_client(client), input).await
            }
        }
    })
}

/// What is wrong with arguments: which one, what it is, and what there is.
fn misfit<T: Tool>(arguments: &Value, error: &serde_json::Error) -> String {
    let Some(given) = arguments.as_object() else {
        return format!("the arguments are no object: {error}");
    };
    let schema = schema::<T>();
    let known: Vec<&String> = schema["properties"]
        .as_object()
        .map(|all| all.keys().collect())
        .unwrap_or_default();
    if let Some(name) = given.keys().find(|name| !known.contains(name)) {
        let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
        let shown: String = name.chars().take(80).collect();
        return match known.is_empty() {
            true => format!("there is no argument `{shown}`; the tool takes none"),
            false => format!(
                "there is no argument `{shown}`; there are {}",
                known.join(", ")
            ),
        };
    }
    // Without the one that is at fault, something else is wrong or nothing.
    let said = error.to_string();
    let at_fault = given.keys().find(|name| {
        let mut others = given.clone();
        others.remove(*name);
        serde_json::from_value::<T::Input>(Value::Object(others))
            .err()
            .is_none_or(|error| error.to_string() != said)
    });
    match at_fault {
        Some(name) => format!("the argument `{name}` does not fit: {said}"),
        None => format!("the arguments do not fit: {said}"),
    }
}

/// Takes the key out of the arguments.
fn key(arguments: &mut Value) -> Result<Option<String>, Fault> {
    let Some(key) = arguments
        .as_object_mut()
        .and_then(|given| given.remove(KEY))
    else {
        return Ok(None);
    };
    let fits = |key: &&str| {
        (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
    };
    match key.as_str().filter(fits) {
        Some(key) => Ok(Some(key.to_owned())),
        None => Err(Fault::Input(format!(
            "`{KEY}` is none: expected a text of 1 to {LONGEST_KEY} visible ASCII characters"
        ))),
    }
}

/// Without references and without `null`: not every client understands them, and what is optional says so
/// by not being required.
fn schema<T: Tool>() -> Map<String, Value> {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let made = settings.into_generator().into_root_schema_for::<T::Input>();
    let mut made = made.to_value();
    plain(&mut made);
    let Value::Object(mut schema) = made else {
        return Map::new();
    };
    schema.remove("title");
    let properties = schema
        .entry("properties")
        .or_insert_with(|| Value::Object(Map::new()));
    if T::EFFECT == Effect::Adds {
        properties[KEY] = json!({
            "type": "string", "minLength": 1, "maxLength": LONGEST_KEY,
            "description": "A name of this call that you choose: sent again with it, it is done once and answers the same.",
        });
    }
    schema
}

fn plain(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::Array(types)) = members.get_mut("type") {
                types.retain(|one| one != "null");
                if let [one] = &types[..] {
                    let one = one.clone();
                    members.insert("type".to_owned(), one);
                }
            }
            if members.get("default").is_some_and(Value::is_null) {
                members.remove("default");
            }
            members.values_mut().for_each(plain);
        }
        Value::Array(members) => members.iter_mut().for_each(plain),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
