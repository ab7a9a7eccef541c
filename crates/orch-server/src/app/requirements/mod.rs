//! Requirements: proposed from the vision and its attachments, edited, compared, commented, and approved
//! by a person alone.

mod approve;
mod comment;
mod edit;
mod model;
mod propose;
mod question;
mod version;

pub use approve::{Approval, approve};
pub use comment::{comment, comments};
pub use edit::edit;
pub use propose::propose;
pub use question::{
    Question, fields as question_fields, question, questions, respond as answer_question,
};
pub use version::{difference, document, list, show};
