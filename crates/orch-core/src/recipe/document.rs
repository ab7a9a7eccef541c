//! YAML text to one bounded tree of nodes, with positions.
//!
//! Owns every bound on the text itself: size, depth, aliases and what they expand to, string length,
//! NUL, one document, no duplicate keys. It knows nothing of recipes and never resolves a scalar
//! beyond null, boolean, number or text (YAML 1.2 core schema).

use std::collections::HashMap;

use serde_saphyr::granit_parser::{
    ErrorKind, Event, Options, Parser, ScalarStyle, ScanError, Span,
};

use super::error::RecipeError;
use super::node::{Entry, Node, Position, Value, error_at};
use super::read::{MAX_ALIASES, MAX_DEPTH, MAX_STRING_BYTES, MAX_YAML_BYTES};
use super::rules::excerpt;
use super::scalar;

/// Nodes after aliases have been expanded.
const MAX_NODES: usize = 50_000;
/// Bytes of scalars after aliases have been expanded.
const MAX_EXPANDED_BYTES: usize = 1024 * 1024;

/// Reads one document; none at all (nothing but blanks and comments) is `Null`.
pub(crate) fn parse_document(yaml: &str) -> Result<Node, RecipeError> {
    if yaml.len() > MAX_YAML_BYTES {
        let message = format!(
            "the YAML is {} bytes long, at most {MAX_YAML_BYTES} are allowed",
            yaml.len()
        );
        return Err(error_at(None, "", message));
    }
    let mut options = Options::default();
    options.set_emit_comments(false);
    let mut builder = Builder::default();
    for event in Parser::new_from_str_with_options(yaml, options) {
        let (event, span) = event.map_err(|error| builder.syntax_error(&error))?;
        builder.accept(event, position(&span))?;
    }
    Ok(builder.root.unwrap_or(Node {
        at: None,
        value: Value::Null,
    }))
}

fn position(span: &Span) -> Position {
    let clamp = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Position {
        line: clamp(span.start.line()),
        column: clamp(span.start.col().saturating_add(1)),
    }
}

/// A finished subtree that an alias may repeat, and what the repetition costs.
struct Anchored {
    node: Node,
    cost: Cost,
}

#[derive(Clone, Copy, Default)]
struct Cost {
    nodes: usize,
    bytes: usize,
    /// Levels of lists and maps in the subtree; 0 for a scalar.
    height: usize,
}

/// A list or map that is still open.
struct Frame {
    at: Position,
    anchor: usize,
    cost: Cost,
    open: Open,
}

enum Open {
    List(Vec<Node>),
    Map {
        entries: Vec<Entry>,
        /// Where each key first stood; `<<` among them.
        seen: HashMap<String, Position>,
        key: Option<(String, Position, Merge)>,
        merges: Vec<Node>,
    },
}

type Fault = (Option<Position>, String);

impl Frame {
    fn put(&mut self, node: Node, cost: Cost, merge: Merge) -> Result<(), Fault> {
        self.cost.nodes += cost.nodes;
        self.cost.bytes += cost.bytes;
        self.cost.height = self.cost.height.max(cost.height + 1);
        let (entries, seen, key, merges) = match &mut self.open {
            Open::List(items) => {
                items.push(node);
                return Ok(());
            }
            Open::Map {
                entries,
                seen,
                key,
                merges,
            } => (entries, seen, key, merges),
        };
        match key.take() {
            Some((_, _, Merge::Yes)) => collect_merge(node, merges)?,
            Some((key, at, Merge::No)) => entries.push(Entry {
                key,
                at: Some(at),
                value: node,
            }),
            None => {
                let at = node.at.unwrap_or(self.at);
                let name = key_text(node)?;
                if let Some(first) = seen.insert(name.clone(), at) {
                    let message = format!(
                        "key `{}` stands twice in one mapping (first on line {}); keep one of them",
                        excerpt(&name),
                        first.line
                    );
                    return Err((Some(at), message));
                }
                *key = Some((name, at, merge));
            }
        }
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Merge {
    No,
    /// The key is a plain `<<`: its value's entries are defaults for this mapping.
    Yes,
}

#[derive(Default)]
struct Builder {
    root: Option<Node>,
    frames: Vec<Frame>,
    anchors: HashMap<usize, Anchored>,
    aliases_seen: usize,
    anchors_seen: usize,
    total: Cost,
    documents: usize,
}

impl Builder {
    fn accept(&mut self, event: Event<'_>, at: Position) -> Result<(), RecipeError> {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(self.fault(at, "a second YAML document begins here; a recipe is exactly one document (remove the `---`)"));
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.count_anchor(anchor, at)?;
                self.check_text(&text, at)?;
                let plain = style == ScalarStyle::Plain;
                let value = scalar::value(text.into_owned(), style, tag.as_deref())
                    .map_err(|why| self.fault(at, &why))?;
                let merge = if plain && matches!(&value, Value::Text(text) if text == "<<") {
                    Merge::Yes
                } else {
                    Merge::No
                };
                let cost = self.spend_scalar(&value, at)?;
                self.place(
                    Node {
                        at: Some(at),
                        value,
                    },
                    cost,
                    anchor,
                    merge,
                )
            }
            Event::SequenceStart(_, anchor, tag) => {
                scalar::check_collection_tag(tag.as_deref(), "seq")
                    .map_err(|why| self.fault(at, &why))?;
                self.open(at, anchor, Open::List(Vec::new()))
            }
            Event::MappingStart(_, anchor, tag) => {
                scalar::check_collection_tag(tag.as_deref(), "map")
                    .map_err(|why| self.fault(at, &why))?;
                self.open(
                    at,
                    anchor,
                    Open::Map {
                        entries: Vec::new(),
                        seen: HashMap::new(),
                        key: None,
                        merges: Vec::new(),
                    },
                )
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(id) => self.expand(id, at),
            Event::UnresolvedAlias(_) => Err(self.fault(at, UNKNOWN_ANCHOR)),
            // The rest are stream and document boundaries and presentation, which hold no data.
            _ => Ok(()),
        }
    }

    fn open(&mut self, at: Position, anchor: usize, open: Open) -> Result<(), RecipeError> {
        self.count_anchor(anchor, at)?;
        if self.expects_key() {
            return Err(self.fault(at, COLLECTION_AS_KEY));
        }
        self.check_depth(self.frames.len() + 1, at)?;
        self.spend(
            Cost {
                nodes: 1,
                ..Cost::default()
            },
            at,
        )?;
        self.frames.push(Frame {
            at,
            anchor,
            cost: Cost {
                nodes: 1,
                bytes: 0,
                height: 1,
            },
            open,
        });
        Ok(())
    }

    fn close(&mut self) -> Result<(), RecipeError> {
        let frame = self
            .frames
            .pop()
            .expect("invariant: the parser closes only what it opened");
        let value = match frame.open {
            Open::List(items) => Value::List(items),
            Open::Map {
                mut entries,
                seen,
                merges,
                ..
            } => {
                let mut taken: std::collections::HashSet<String> = seen.into_keys().collect();
                for merged in merges {
                    let Value::Map(defaults) = merged.value else {
                        continue;
                    };
                    for entry in defaults {
                        if taken.insert(entry.key.clone()) {
                            entries.push(entry);
                        }
                    }
                }
                Value::Map(entries)
            }
        };
        let node = Node {
            at: Some(frame.at),
            value,
        };
        self.place(node, frame.cost, frame.anchor, Merge::No)
    }

    fn expand(&mut self, id: usize, at: Position) -> Result<(), RecipeError> {
        self.aliases_seen += 1;
        if self.aliases_seen > MAX_ALIASES {
            return Err(self.fault(
                at,
                &format!("more than {MAX_ALIASES} aliases; write the values out instead"),
            ));
        }
        let Some(Anchored { node, cost }) = self.anchors.get(&id) else {
            return Err(self.fault(at, "the alias stands inside the value that it refers to"));
        };
        let cost = *cost;
        let levels = self.frames.len() + cost.height;
        let mut node = node.clone();
        // A fault in a repeated value is reported where the value is used.
        node.at = Some(at);
        self.check_depth(levels, at)?;
        self.spend(cost, at)?;
        self.place(node, cost, 0, Merge::No)
    }

    /// Puts a finished node into whatever is open, or makes it the root.
    fn place(
        &mut self,
        node: Node,
        cost: Cost,
        anchor: usize,
        merge: Merge,
    ) -> Result<(), RecipeError> {
        if anchor != 0 {
            let anchored = Anchored {
                node: node.clone(),
                cost,
            };
            self.anchors.insert(anchor, anchored);
        }
        let Some(frame) = self.frames.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        let placed = frame.put(node, cost, merge);
        placed.map_err(|(at, message)| error_at(at, &self.path(), message))
    }

    fn expects_key(&self) -> bool {
        matches!(
            self.frames.last().map(|frame| &frame.open),
            Some(Open::Map { key: None, .. })
        )
    }

    fn check_depth(&self, levels: usize, at: Position) -> Result<(), RecipeError> {
        if levels > MAX_DEPTH {
            return Err(error_at(Some(at), "", too_deep()));
        }
        Ok(())
    }

    fn check_text(&self, text: &str, at: Position) -> Result<(), RecipeError> {
        if text.len() > MAX_STRING_BYTES {
            let message = format!(
                "this text is {} bytes long, at most {MAX_STRING_BYTES} are allowed; put it into a file of the workspace",
                text.len()
            );
            return Err(self.fault(at, &message));
        }
        if text.contains('\0') {
            return Err(self.fault(
                at,
                "the text contains a NUL byte, which no command, variable or path can hold",
            ));
        }
        Ok(())
    }

    fn count_anchor(&mut self, anchor: usize, at: Position) -> Result<(), RecipeError> {
        if anchor == 0 {
            return Ok(());
        }
        self.anchors_seen += 1;
        if self.anchors_seen > MAX_ALIASES {
            return Err(self.fault(
                at,
                &format!("more than {MAX_ALIASES} anchors; write the values out instead"),
            ));
        }
        Ok(())
    }

    fn spend_scalar(&mut self, value: &Value, at: Position) -> Result<Cost, RecipeError> {
        let bytes = match value {
            Value::Null | Value::List(_) | Value::Map(_) => 0,
            Value::Bool(_, text) | Value::Number(text) | Value::Text(text) => text.len(),
        };
        let cost = Cost {
            nodes: 1,
            bytes,
            height: 0,
        };
        self.spend(cost, at)?;
        Ok(cost)
    }

    fn spend(&mut self, cost: Cost, at: Position) -> Result<(), RecipeError> {
        self.total.nodes += cost.nodes;
        self.total.bytes += cost.bytes;
        if self.total.nodes > MAX_NODES {
            let message = format!("more than {MAX_NODES} values once aliases are written out");
            return Err(self.fault(at, &message));
        }
        if self.total.bytes > MAX_EXPANDED_BYTES {
            let message = format!(
                "more than {MAX_EXPANDED_BYTES} bytes of text once aliases are written out"
            );
            return Err(self.fault(at, &message));
        }
        Ok(())
    }

    fn fault(&self, at: Position, message: &str) -> RecipeError {
        error_at(Some(at), &self.path(), message)
    }

    /// Where in the document the next node would stand, such as `steps[2].env.A`.
    fn path(&self) -> String {
        let mut path = String::new();
        for frame in &self.frames {
            match &frame.open {
                Open::List(items) => path.push_str(&format!("[{}]", items.len())),
                Open::Map {
                    key: Some((key, ..)),
                    ..
                } => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(&excerpt(key));
                }
                Open::Map { key: None, .. } => {}
            }
        }
        path
    }

    fn syntax_error(&self, error: &ScanError) -> RecipeError {
        let marker = error.marker();
        let at = position(&Span::empty(*marker));
        let message = match error.kind() {
            ErrorKind::UnknownAnchor => UNKNOWN_ANCHOR.to_owned(),
            ErrorKind::RecursionLimitExceeded => too_deep(),
            kind => format!("not valid YAML: {kind}"),
        };
        self.fault(at, &message)
    }
}

const UNKNOWN_ANCHOR: &str =
    "the alias refers to an anchor that is not defined before it; quote the text if `*` is meant";

const COLLECTION_AS_KEY: &str = "a list or mapping is used as a key; keys are plain text";

fn too_deep() -> String {
    format!("nested deeper than {MAX_DEPTH} levels")
}

fn key_text(node: Node) -> Result<String, Fault> {
    match node.value {
        Value::Text(text) | Value::Number(text) | Value::Bool(_, text) => Ok(text),
        Value::Null => Err((node.at, "a key is missing before `:`".to_owned())),
        Value::List(_) | Value::Map(_) => Err((node.at, COLLECTION_AS_KEY.to_owned())),
    }
}

fn collect_merge(node: Node, merges: &mut Vec<Node>) -> Result<(), Fault> {
    let items = match node.value {
        Value::Map(_) => {
            merges.push(node);
            return Ok(());
        }
        Value::List(items) => items,
        Value::Null | Value::Bool(..) | Value::Number(_) | Value::Text(_) => vec![node],
    };
    for item in items {
        if !matches!(item.value, Value::Map(_)) {
            let message = format!(
                "`<<` takes a mapping or a list of mappings, got {}",
                item.kind()
            );
            return Err((item.at, message));
        }
        merges.push(item);
    }
    Ok(())
}
