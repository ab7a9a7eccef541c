//! Requirements: a version with its items, options and findings, and what persons do to it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A version of the requirements.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Requirements {
    pub id: i64,
    pub project_id: i64,
    pub vision_id: i64,
    pub status: RequirementsStatus,
    /// Markdown under the title "Proposed Requirements".
    pub draft: String,
    pub items: Vec<RequirementItem>,
    pub created_at: String,
    pub approved_at: Option<String>,
    pub approved_by: Option<String>,
    /// The version that this one was made from.
    #[serde(default)]
    pub parent_id: Option<i64>,
    /// Who proposed or edited it.
    #[serde(default)]
    pub author: Option<String>,
    /// Why it was edited.
    #[serde(default)]
    pub reason: Option<String>,
    /// SHA-256 of its content as canonical JSON: what an approval binds.
    #[serde(default)]
    pub digest: String,
    /// Architectures that words of the vision speak for, the best supported first.
    #[serde(default)]
    pub options: Vec<RequirementsOption>,
    /// The option that a person chose.
    #[serde(default)]
    pub chosen_option: Option<String>,
    /// Contradictions and vague words.
    #[serde(default)]
    pub findings: Vec<RequirementsFinding>,
    /// Who made the proposal that this version stands on.
    #[serde(default)]
    pub by: ProposedBy,
}

/// Who proposes requirements or a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProposedBy {
    /// Rules over the words.
    #[default]
    Rules,
    /// A model: that of the role `requirements`, or `breakdown`.
    Model,
}

/// How requirements are proposed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposeRequirements {
    /// By a model where one is configured, else by rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<ProposedBy>,
}

/// Where a version stands; an approved or proposed one is superseded by the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RequirementsStatus {
    Proposed,
    Approved,
    Superseded,
}

/// One requirement, with the sentence that it came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RequirementItem {
    /// `R-12`: stays with the item over versions, and is never given twice.
    pub id: String,
    /// goal, functional, scope, out_of_scope, constraint, non_functional, success_criterion, risk,
    /// open_question.
    pub kind: String,
    pub text: String,
    pub source: RequirementSource,
    /// must, should, could, wont.
    #[serde(default)]
    pub priority: String,
    /// Whether the first version has it; absent for risks and questions.
    #[serde(default)]
    pub mvp: Option<RequirementMvp>,
    /// vision, attachment, edit, answer, rules, model. What a model said and no sentence says has an empty `source`.
    #[serde(default)]
    pub origin: String,
    /// The item that a question or risk is about, or the question that this answers.
    #[serde(default)]
    pub about: Option<String>,
    /// The vague word that a question wants a number for.
    #[serde(default)]
    pub vague_word: Option<String>,
    /// What a person said to the question.
    #[serde(default)]
    pub answer: Option<RequirementAnswer>,
    /// Whether a person changed it: later proposals leave its words alone.
    #[serde(default)]
    pub edited: bool,
    /// Whether only a model says it: it cites no sentence of the person's texts, and no person changed it.
    #[serde(default)]
    pub only_by_model: bool,
    /// The items that a question of a model sets against each other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub between: Vec<String>,
}

/// A sentence of the vision or of an attachment; empty for items that persons or rules added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RequirementSource {
    pub sentence: String,
    /// Its number, from 1.
    pub index: usize,
    /// Its byte range in its text.
    pub start: usize,
    pub end: usize,
    /// The attachment's name, where it is not the vision itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachment: Option<String>,
}

/// Whether the first version has an item, and which rule or person says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RequirementMvp {
    pub included: bool,
    pub reason: String,
    #[serde(default)]
    pub by_person: bool,
    #[serde(default)]
    pub by_model: bool,
}

/// What became of a question; without a text it was skipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RequirementAnswer {
    pub text: Option<String>,
    pub by: String,
}

/// One way to build what the items ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RequirementsOption {
    pub name: String,
    pub title: String,
    pub summary: String,
    pub strengths: Vec<String>,
    pub trade_offs: Vec<String>,
    /// The words that speak for it.
    pub rests_on: Vec<RequirementsSupport>,
    /// Whether a model proposes it, and not a blueprint.
    #[serde(default)]
    pub by_model: bool,
}

/// A word that speaks for an option, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RequirementsSupport {
    pub word: String,
    pub item: String,
    pub sentence: String,
}

/// Something that is named rather than papered over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RequirementsFinding {
    /// contradiction, vagueness.
    pub kind: String,
    pub message: String,
    pub items: Vec<String>,
    pub sentences: Vec<String>,
    /// The open question about it.
    pub question: Option<String>,
    /// Whether that question was answered or skipped.
    pub resolved: bool,
}

/// Edits that make a new version: all of them, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditRequirements {
    /// 1 to 1000.
    #[schema(min_items = 1, max_items = 1000)]
    pub edits: Vec<RequirementEdit>,
    /// Why, in up to 1000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One edit. `add` takes kind and text; `change` an id and what is to change; `remove` an id; `answer` an
/// id and the answer; `skip` an id; `choose` an option, or none to take the choice back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequirementEdit {
    pub op: RequirementEditOp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// must, should, could, wont.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,
    /// Whether the first version has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mvp: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub option: Option<String>,
}

impl RequirementEdit {
    /// An edit of this sort that names nothing yet.
    #[must_use]
    pub const fn new(op: RequirementEditOp) -> Self {
        Self {
            op,
            id: None,
            kind: None,
            text: None,
            priority: None,
            mvp: None,
            answer: None,
            option: None,
        }
    }
}

/// What an edit does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RequirementEditOp {
    Add,
    Change,
    Remove,
    Answer,
    Skip,
    Choose,
}

/// What is approved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApproveRequirements {
    /// The digest that was read; where the version's is another, nothing is approved (409). Needed, here or in
    /// `If-Match`, where the version is not named by its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// A comment on a version, or on one of its items.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRequirementComment {
    /// 1 to 8192 characters.
    #[schema(min_length = 1)]
    pub content: String,
    /// `R-12`; absent for the whole version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
}

/// A comment that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RequirementComment {
    pub id: i64,
    pub project_id: i64,
    /// The version that it was made on.
    pub requirements_id: i64,
    pub item: Option<String>,
    pub author: String,
    pub content: String,
    pub created_at: String,
}

/// What changed from one version to another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RequirementsDifference {
    /// The older version's id.
    pub from: i64,
    /// The newer version's id.
    pub to: i64,
    pub added: Vec<RequirementItem>,
    pub removed: Vec<RequirementItem>,
    pub changed: Vec<RequirementChange>,
    pub options_added: Vec<String>,
    pub options_removed: Vec<String>,
    pub chosen_option: Option<RequirementFieldChange>,
}

/// An item that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RequirementChange {
    pub id: String,
    pub fields: Vec<RequirementFieldChange>,
    /// The words of its text; empty where the text is the same.
    pub words: Vec<RequirementWords>,
}

/// A field before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RequirementFieldChange {
    pub field: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// A run of words and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RequirementWords {
    /// same, removed, added.
    pub change: String,
    pub text: String,
}
