//! The form: what is written reads back as no edit, and each change as one.

use orch_api::types::requirements::{
    RequirementEditOp as Op, RequirementItem, RequirementSource, Requirements, RequirementsStatus,
};

use super::form::{edits, write};

fn item(id: &str, kind: &str, text: &str) -> RequirementItem {
    RequirementItem {
        id: id.to_owned(),
        kind: kind.to_owned(),
        text: text.to_owned(),
        source: RequirementSource {
            sentence: String::new(),
            index: 0,
            start: 0,
            end: 0,
            attachment: None,
        },
        priority: "must".to_owned(),
        mvp: None,
        origin: "vision".to_owned(),
        about: None,
        vague_word: None,
        answer: None,
        edited: false,
        only_by_model: false,
        between: Vec::new(),
    }
}

fn version() -> Requirements {
    Requirements {
        id: 5,
        project_id: 1,
        vision_id: 1,
        status: RequirementsStatus::Proposed,
        draft: String::new(),
        items: vec![
            item("R-1", "goal", "Build: a shop"),
            item("R-2", "open_question", "How cheap?"),
            item("R-3", "functional", "Pay by card"),
        ],
        created_at: String::new(),
        approved_at: None,
        approved_by: None,
        parent_id: None,
        author: None,
        reason: None,
        digest: String::new(),
        options: Vec::new(),
        chosen_option: None,
        findings: Vec::new(),
        by: orch_api::types::requirements::ProposedBy::Rules,
    }
}

#[test]
fn what_is_written_reads_back_as_no_edit() {
    let version = version();
    assert_eq!(edits(&version, &write(&version)), Ok(vec![]));
}

#[test]
fn each_change_of_the_text_is_one_edit() {
    let version = version();
    let text = write(&version)
        .replace("Build: a shop", "Build a market")
        .replace("> \n", "> $50\n")
        .replace(
            "R-3 functional must: Pay by card\n",
            "+ functional: Pay by invoice\n",
        );
    let found = edits(&version, &text).expect("a form");
    let named: Vec<_> = found
        .iter()
        .map(|edit| (edit.op, edit.id.as_deref(), edit.text.as_deref()))
        .collect();
    assert_eq!(
        named,
        [
            (Op::Change, Some("R-1"), Some("Build a market")),
            (Op::Answer, Some("R-2"), None),
            (Op::Add, None, Some("Pay by invoice")),
            (Op::Remove, Some("R-3"), None),
        ]
    );
}

#[test]
fn a_line_that_is_not_understood_is_named() {
    let version = version();
    for (text, expected) in [
        ("R-9 goal must: x", "names R-9, which is no item"),
        ("nonsense", "has no colon"),
        ("> x", "answers no question"),
        (
            "R-1 goal must: x\nR-1 goal must: y",
            "names R-1 for the second time",
        ),
        ("R-1: x", "does not begin with"),
    ] {
        let fault = edits(&version, text).expect_err("a fault");
        assert!(fault.message.starts_with(expected), "{fault:?}");
    }
}
