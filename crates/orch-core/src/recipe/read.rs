//! Nodes to a recipe: which keys stand where, and which rule each value obeys.
//!
//! Owns the grammar of the recipe and the path of every fault. It reads what is there and never
//! fills in what is not: a key whose value is empty counts as absent.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use super::document::parse_document;
use super::error::RecipeError;
use super::model::{Checksum, Network, Permissions, Recipe, Source, Step, Tool};
use super::node::{Node, Value, error_at};
use super::offer::{OFFER_KEYS, Offer};
use super::outputs;
use super::rules::{self, excerpt};
use super::secrets::read_secrets;
use super::suggest::nearest;

/// Longest YAML text, in bytes.
pub const MAX_YAML_BYTES: usize = 256 * 1024;
/// Deepest nesting of lists and mappings, aliases followed.
pub const MAX_DEPTH: usize = 64;
/// Most aliases, and most anchors, in one document.
pub const MAX_ALIASES: usize = 100;
/// Most steps of a recipe or a plan.
pub const MAX_STEPS: usize = 1_000;
/// Most tools of a recipe.
pub const MAX_TOOLS: usize = 200;
/// Longest single text, in bytes.
pub const MAX_STRING_BYTES: usize = 64 * 1024;
/// Longest timeout of a step: 30 days.
pub const MAX_TIMEOUT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

const RECIPE_KEYS: &[&str] = &[
    "name",
    "version",
    "source",
    "permissions",
    "tools",
    "steps",
    "artifacts",
];
const SOURCE_KEYS: &[&str] = &["url", "checksum"];
const PERMISSION_KEYS: &[&str] = &["network", "filesystem", "capabilities"];
const TOOL_KEYS: &[&str] = &["name", "version", "checksum", "env", "network"];
const STEP_KEYS: &[&str] = &[
    "run",
    "name",
    "env",
    "timeout",
    "cwd",
    "idempotent",
    "secrets",
    "artifacts",
];

const NEEDS: &str =
    "a recipe needs at least one entry under `tools` or `steps`, such as:\nsteps:\n  - echo build";

/// Reads a tool recipe from YAML.
///
/// # Errors
/// The first fault, with its place: broken YAML, a bound exceeded, an unknown key, a value of the
/// wrong type or against a rule, or a recipe with neither tools nor steps.
pub fn parse(yaml: &str) -> Result<Recipe, RecipeError> {
    read_recipe(&parse_document(yaml)?, Need::Work)
}

/// Reads a catalog entry from YAML: a recipe with a name that says where the tool comes from. It
/// needs neither tools nor steps.
///
/// # Errors
/// As for [`parse`], and where the name or every origin is missing.
pub fn parse_entry(yaml: &str) -> Result<Recipe, RecipeError> {
    let node = parse_document(yaml)?;
    let recipe = read_recipe(&node, Need::Origin)?;
    if let Some(name) = &recipe.name {
        rules::check_tool_name(name).map_err(|why| node.error("name", why))?;
        return Ok(recipe);
    }
    Err(node.error("", "`name` is missing: a catalog entry is found by it"))
}

/// What makes a recipe one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Tools or steps.
    Work,
    /// A source or a package.
    Origin,
}

pub(super) fn read_recipe(node: &Node, need: Need) -> Result<Recipe, RecipeError> {
    if node.value == Value::Null {
        return Err(error_at(None, "", format!("the recipe is empty; {NEEDS}")));
    }
    let keys = [RECIPE_KEYS, &OFFER_KEYS].concat();
    let fields = Fields::of(node, "", "a mapping with `tools` and `steps`", &keys)?;
    let recipe = Recipe {
        name: fields.word("name", rules::check_label)?,
        version: fields.word("version", rules::check_label)?,
        source: fields.read("source", read_source)?,
        permissions: fields.read("permissions", read_permissions)?,
        tools: fields.read("tools", read_tools)?.unwrap_or_default(),
        steps: fields.read("steps", read_steps)?.unwrap_or_default(),
        offer: Offer::read(&fields)?,
        artifacts: fields.read("artifacts", outputs::read)?.unwrap_or_default(),
    };
    let has_origin = recipe.source.is_some() || recipe.offer.has_origin();
    if need == Need::Origin {
        let message = "the entry says nothing of where the tool comes from; expected `source`, \
                       `sources` or `package`";
        return match has_origin {
            true => Ok(recipe),
            false => Err(node.error("", message)),
        };
    }
    if recipe.tools.is_empty() && recipe.steps.is_empty() {
        let message = format!("the recipe has neither tools nor steps; {NEEDS}");
        return Err(error_at(None, "", message));
    }
    Ok(recipe)
}

pub(super) fn read_source(node: &Node, path: &str) -> Result<Source, RecipeError> {
    let fields = Fields::of(node, path, "a mapping with `url`", SOURCE_KEYS)?;
    Ok(Source {
        url: fields.required("url", |node, path| text(node, path, rules::check_url))?,
        checksum: fields.read("checksum", read_checksum)?,
    })
}

fn read_permissions(node: &Node, path: &str) -> Result<Permissions, RecipeError> {
    let expected = "a mapping with `network`, `filesystem`, `capabilities`";
    let fields = Fields::of(node, path, expected, PERMISSION_KEYS)?;
    Ok(Permissions {
        network: fields.read("network", read_network)?.unwrap_or_default(),
        filesystem: fields.read("filesystem", read_labels)?.unwrap_or_default(),
        capabilities: fields
            .read("capabilities", read_labels)?
            .unwrap_or_default(),
    })
}

fn read_tools(node: &Node, path: &str) -> Result<Vec<Tool>, RecipeError> {
    let mut seen = HashSet::new();
    read_list(node, path, ("tools", MAX_TOOLS), |node, path| {
        let tool = read_tool(node, path)?;
        let identity = (tool.name.clone(), tool.version.clone());
        if !seen.insert(identity) {
            let message = format!(
                "tool `{}` is listed twice with the same version; keep one of them",
                tool.name
            );
            return Err(node.error(path, message));
        }
        Ok(tool)
    })
}

fn read_tool(node: &Node, path: &str) -> Result<Tool, RecipeError> {
    let fields = Fields::of(node, path, "a mapping with `name`", TOOL_KEYS)?;
    Ok(Tool {
        name: fields.required("name", |node, path| {
            text(node, path, rules::check_tool_name)
        })?,
        version: fields.word("version", rules::check_wanted_version)?,
        checksum: fields.read("checksum", read_checksum)?,
        env: fields.read("env", read_env)?.unwrap_or_default(),
        network: fields.read("network", read_network)?.unwrap_or_default(),
    })
}

/// Reads a list of steps, each a command or a mapping; the list may be empty.
pub(crate) fn read_steps(node: &Node, path: &str) -> Result<Vec<Step>, RecipeError> {
    read_list(node, path, ("steps", MAX_STEPS), read_step)
}

pub(super) fn read_step(node: &Node, path: &str) -> Result<Step, RecipeError> {
    let expected = "a command or a mapping with `run`";
    let Value::Map(entries) = &node.value else {
        return Ok(Step::command(read_command(node, path, expected)?));
    };
    // `- echo done: yes` is a mapping to YAML.
    if let [only] = entries.as_slice()
        && only.key.contains(' ')
    {
        let message = format!(
            "`{}: …` is a mapping, expected {expected}; quote a command that contains `: `",
            excerpt(&only.key)
        );
        return Err(error_at(only.at, path, message));
    }
    let fields = Fields::of(node, path, expected, STEP_KEYS)?;
    let env = fields.read("env", read_env)?.unwrap_or_default();
    Ok(Step {
        name: fields.word("name", rules::check_label)?,
        run: fields.required("run", |node, path| read_command(node, path, "a command"))?,
        timeout: fields.read("timeout", read_timeout)?,
        cwd: fields.text("cwd", rules::check_cwd)?,
        idempotent: fields.read("idempotent", read_bool)?,
        secrets: fields
            .read("secrets", |node, path| read_secrets(node, path, &env))?
            .unwrap_or_default(),
        env,
        artifacts: fields.read("artifacts", outputs::read)?.unwrap_or_default(),
    })
}

fn read_command(node: &Node, path: &str, expected: &str) -> Result<String, RecipeError> {
    let command = match &node.value {
        Value::Text(text) => text,
        // `true` and `false` are commands, and YAML takes them for booleans.
        Value::Bool(_, text) => text,
        Value::Null | Value::Number(_) | Value::List(_) | Value::Map(_) => {
            let message = format!("expected {expected}, got {}", node.describe());
            return Err(node.error(path, message));
        }
    };
    if command.trim().is_empty() {
        let message = format!("the command is empty, expected {expected}");
        return Err(node.error(path, message));
    }
    bounded(node, path, command)
}

fn read_timeout(node: &Node, path: &str) -> Result<Duration, RecipeError> {
    match &node.value {
        Value::Number(text) => rules::parse_timeout(text).map_err(|why| node.error(path, why)),
        Value::Null | Value::Bool(..) | Value::Text(_) | Value::List(_) | Value::Map(_) => {
            let message = format!(
                "expected seconds as a number, such as 60 or 0.5, got {}",
                node.describe()
            );
            Err(node.error(path, message))
        }
    }
}

fn read_bool(node: &Node, path: &str) -> Result<bool, RecipeError> {
    match &node.value {
        Value::Bool(value, _) => Ok(*value),
        Value::Null | Value::Number(_) | Value::Text(_) | Value::List(_) | Value::Map(_) => {
            let message = format!("expected true or false, got {}", node.describe());
            Err(node.error(path, message))
        }
    }
}

fn read_checksum(node: &Node, path: &str) -> Result<Checksum, RecipeError> {
    match &node.value {
        Value::Text(text) => rules::parse_checksum(text).map_err(|why| node.error(path, why)),
        Value::Null | Value::Bool(..) | Value::Number(_) | Value::List(_) | Value::Map(_) => {
            let message = format!("expected sha256:<hex digits>, got {}", node.describe());
            Err(node.error(path, message))
        }
    }
}

fn read_network(node: &Node, path: &str) -> Result<Network, RecipeError> {
    match &node.value {
        Value::Bool(true, _) => Ok(Network::Open),
        Value::Bool(false, _) => Ok(Network::Denied),
        Value::List(_) => {
            let hosts = read_list(node, path, ("hosts", 1_000), |node, path| {
                let host = text(node, path, |_| Ok(()))?;
                rules::parse_host(&host).map_err(|why| node.error(path, why))
            })?;
            Ok(match hosts.is_empty() {
                true => Network::Denied,
                false => Network::Hosts(hosts),
            })
        }
        Value::Null | Value::Number(_) | Value::Text(_) | Value::Map(_) => {
            let message = format!(
                "expected true, false or a list of hosts, got {}",
                node.describe()
            );
            Err(node.error(path, message))
        }
    }
}

fn read_env(node: &Node, path: &str) -> Result<BTreeMap<String, String>, RecipeError> {
    let Value::Map(entries) = &node.value else {
        let message = format!("expected a mapping of variables, got {}", node.kind());
        return Err(node.error(path, message));
    };
    let mut env = BTreeMap::new();
    for entry in entries {
        rules::check_env_name(&entry.key).map_err(|why| error_at(entry.at, path, why))?;
        let path = join(path, &entry.key);
        let value = match &entry.value.value {
            Value::Text(text) | Value::Number(text) | Value::Bool(_, text) => text,
            Value::Null => {
                let message = "the variable has no value; write \"\" for an empty one";
                return Err(error_at(entry.at, &path, message));
            }
            Value::List(_) | Value::Map(_) => {
                let message = format!(
                    "expected text, a number or a boolean, got {}",
                    entry.value.kind()
                );
                return Err(entry.value.error(&path, message));
            }
        };
        env.insert(entry.key.clone(), bounded(&entry.value, &path, value)?);
    }
    Ok(env)
}

fn read_labels(node: &Node, path: &str) -> Result<Vec<String>, RecipeError> {
    read_list(node, path, ("entries", 1_000), |node, path| {
        text(node, path, rules::check_label)
    })
}

pub(super) fn read_list<T>(
    node: &Node,
    path: &str,
    (what, max): (&str, usize),
    mut read: impl FnMut(&Node, &str) -> Result<T, RecipeError>,
) -> Result<Vec<T>, RecipeError> {
    let Value::List(items) = &node.value else {
        let message = format!("expected a list of {what}, got {}", node.describe());
        return Err(node.error(path, message));
    };
    if items.len() > max {
        let message = format!("{} {what}, at most {max} are allowed", items.len());
        return Err(items[max].error(path, message));
    }
    items
        .iter()
        .enumerate()
        .map(|(index, item)| read(item, &format!("{path}[{index}]")))
        .collect()
}

pub(super) fn text(
    node: &Node,
    path: &str,
    rule: impl Fn(&str) -> Result<(), String>,
) -> Result<String, RecipeError> {
    let Value::Text(text) = &node.value else {
        let message = format!("expected text, got {}", node.describe());
        return Err(node.error(path, message));
    };
    rule(text).map_err(|why| node.error(path, why))?;
    bounded(node, path, text)
}

/// YAML has been bounded by its reader; JSON meets the bounds here.
fn bounded(node: &Node, path: &str, text: &str) -> Result<String, RecipeError> {
    if text.len() > MAX_STRING_BYTES {
        let message = format!(
            "this text is {} bytes long, at most {MAX_STRING_BYTES} are allowed",
            text.len()
        );
        return Err(node.error(path, message));
    }
    if text.contains('\0') {
        let message = "the text contains a NUL byte, which no command, variable or path can hold";
        return Err(node.error(path, message));
    }
    Ok(text.to_owned())
}

pub(super) fn join(path: &str, key: &str) -> String {
    match path.is_empty() {
        true => excerpt(key),
        false => format!("{path}.{}", excerpt(key)),
    }
}

/// The entries of one mapping whose keys are all known.
pub(super) struct Fields<'n> {
    node: &'n Node,
    path: &'n str,
    found: BTreeMap<&'n str, &'n Node>,
}

impl<'n> Fields<'n> {
    pub(super) fn of(
        node: &'n Node,
        path: &'n str,
        expected: &str,
        known: &[&str],
    ) -> Result<Self, RecipeError> {
        let Value::Map(entries) = &node.value else {
            let message = format!("expected {expected}, got {}", node.describe());
            return Err(node.error(path, message));
        };
        let mut found = BTreeMap::new();
        for entry in entries {
            if !known.contains(&entry.key.as_str()) {
                let hint = nearest(&entry.key, known)
                    .map(|key| format!("did you mean `{key}`? "))
                    .unwrap_or_default();
                let message = format!(
                    "unknown key `{}`; {hint}known keys are {}",
                    excerpt(&entry.key),
                    known.join(", ")
                );
                return Err(error_at(entry.at, &join(path, &entry.key), message));
            }
            if entry.value.value != Value::Null {
                found.insert(entry.key.as_str(), &entry.value);
            }
        }
        Ok(Self { node, path, found })
    }

    pub(super) fn read<T>(
        &self,
        key: &str,
        read: impl Fn(&Node, &str) -> Result<T, RecipeError>,
    ) -> Result<Option<T>, RecipeError> {
        self.found
            .get(key)
            .map(|node| read(node, &join(self.path, key)))
            .transpose()
    }

    pub(super) fn required<T>(
        &self,
        key: &str,
        read: impl Fn(&Node, &str) -> Result<T, RecipeError>,
    ) -> Result<T, RecipeError> {
        self.read(key, read)?.ok_or_else(|| {
            let message = format!("`{key}` is missing");
            self.node.error(self.path, message)
        })
    }

    pub(super) fn text(
        &self,
        key: &str,
        rule: impl Fn(&str) -> Result<(), String>,
    ) -> Result<Option<String>, RecipeError> {
        self.read(key, |node, path| text(node, path, &rule))
    }

    /// A version or a label, where a number or a boolean counts as the text it was written with.
    fn word(
        &self,
        key: &str,
        rule: impl Fn(&str) -> Result<(), String>,
    ) -> Result<Option<String>, RecipeError> {
        self.read(key, |node, path| {
            let word = match &node.value {
                Value::Text(text) | Value::Number(text) | Value::Bool(_, text) => text,
                Value::Null | Value::List(_) | Value::Map(_) => {
                    let message = format!("expected text, got {}", node.describe());
                    return Err(node.error(path, message));
                }
            };
            let fits = rules::check_label(word).and_then(|()| rule(word));
            fits.map_err(|why| node.error(path, why))?;
            bounded(node, path, word)
        })
    }
}
