//! Where answers come from.

use std::io;

use orch_core::info_request::{Field, FieldKind};

use super::*;

/// A person who answers with the key in lower case, and with nothing where that is allowed.
struct Person(Vec<String>);

impl Ask for Person {
    fn ask(&mut self, field: &Field) -> io::Result<String> {
        self.0.push(field.key.clone());
        Ok(if field.required == Presence::Optional {
            String::new()
        } else {
            field.key.to_lowercase()
        })
    }
}

impl Ask for &mut Person {
    fn ask(&mut self, field: &Field) -> io::Result<String> {
        (**self).ask(field)
    }
}

fn question() -> InfoRequest {
    let field = |key: &str, required| Field {
        key: key.into(),
        label: None,
        kind: FieldKind::Text,
        secret: Secrecy::Secret,
        required,
        options: Vec::new(),
    };
    InfoRequest {
        id: 3,
        run_id: Some(1),
        project_id: None,
        item: None,
        prompt: "credentials".into(),
        required_keys: vec!["ID".into(), "KEY".into()],
        fields: vec![
            field("ID", Presence::Required),
            field("KEY", Presence::Required),
            field("NOTE", Presence::Optional),
        ],
        status: Status::Pending,
        responses: None,
        created_at: "2026-01-01T00:00:00Z".into(),
        resolved_at: None,
    }
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn only_what_is_missing_is_asked_for() {
    let mut given = map(&[("ID", "given")]);
    let mut person = Person(Vec::new());
    fill(&question(), &mut given, Some(&mut person)).unwrap();
    assert_eq!(given, map(&[("ID", "given"), ("KEY", "key")]));
    assert_eq!(person.0, ["KEY", "NOTE"]);
}

#[test]
fn where_nobody_can_be_asked_the_missing_keys_are_named() {
    let failure = fill(&question(), &mut map(&[("ID", "x")]), None::<Person>).unwrap_err();
    assert_eq!(
        (failure.exit, failure.message.as_str()),
        (Exit::Usage, "question 3 also asks for KEY")
    );
    assert_eq!(
        fill(
            &question(),
            &mut map(&[("ID", "x"), ("KEY", "y")]),
            None::<Person>
        ),
        Ok(())
    );
}

#[test]
fn answers_are_read_as_lines_or_as_json_and_never_repeated_in_errors() {
    let expected = Ok(map(&[("ID", "a=b"), ("N", "4")]));
    assert_eq!(from_text("ID=a=b\n\nN=4\n"), expected);
    assert_eq!(from_text(" {\"ID\": \"a=b\", \"N\": 4}"), expected);
    for broken in ["ID=a\nhunter2\n", "{\"ID\": hunter2}"] {
        let failure = from_text(broken).unwrap_err();
        assert!(!format!("{failure:?}").contains("hunter2"), "{failure:?}");
    }
    assert_eq!(
        from_text("ID=a\nhunter2").unwrap_err().message,
        "line 2 of standard input: expected KEY=VALUE"
    );
}
