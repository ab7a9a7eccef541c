//! What readers see of results and failures.

use std::cell::RefCell;
use std::rc::Rc;

use super::*;
use crate::output::Cell;

#[derive(Clone, Default)]
struct Sink(Rc<RefCell<Vec<u8>>>);

impl Sink {
    fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn output(format: Format, paint: Paint, width: Option<usize>) -> (Output, Sink, Sink) {
    let (out, err) = (Sink::default(), Sink::default());
    let output = Output {
        out: Box::new(out.clone()),
        err: Box::new(err.clone()),
        format,
        out_paint: paint,
        err_paint: paint,
        width,
    };
    (output, out, err)
}

#[derive(Serialize)]
struct Thing(i64, &'static str);

impl Row for Thing {
    const HEAD: &'static [&'static str] = &["id", "state", "title"];
    const NAME: &'static str = "things";

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::new(self.0),
            Cell::new("ok").tone(Tone::Good),
            Cell::new(self.1),
        ]
    }

    fn notes(&self) -> Vec<Cell> {
        if self.0 == 2 {
            vec![Cell::new("waits for 1").tone(Tone::Waiting)]
        } else {
            Vec::new()
        }
    }
}

fn things() -> Page<Thing> {
    Page {
        items: vec![Thing(1, "a\nb"), Thing(2, "日本語 title that is long")],
        next: Some("2".into()),
    }
}

#[test]
fn a_table_is_aligned_safe_and_says_that_there_is_more() {
    let (mut output, out, err) = output(Format::Text, Paint::Plain, None);
    output.page(&things()).unwrap();
    insta::assert_snapshot!(out.text(), @r"
    ID  STATE  TITLE
    1   ok     a b
    2   ok     日本語 title that is long
        waits for 1
    ");
    assert_eq!(err.text(), "2 shown, there are more: --limit shows more\n");
}

#[test]
fn on_a_terminal_the_last_column_is_cut_and_states_have_colours() {
    let (mut output, out, _) = output(Format::Text, Paint::Colours, Some(31));
    output.page(&things()).unwrap();
    insta::assert_snapshot!(out.text().replace('\x1b', "^"), @r"
    ^[1mID^[0m  ^[1mSTATE^[0m  ^[1mTITLE^[0m
    1   ^[32mok^[0m     a b
    2   ^[32mok^[0m     日本語 title that i…
        ^[33mwaits for 1^[0m
    ");
}

#[test]
fn json_is_alone_on_standard_output() {
    let (mut output, out, err) = output(Format::Json, Paint::Plain, None);
    output.page(&things()).unwrap();
    output.note("nothing");
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&out.text()).unwrap()[1][0],
        2
    );
    assert_eq!(err.text(), "");
}

#[test]
fn an_empty_list_is_an_empty_output_and_a_remark() {
    let (mut output, out, err) = output(Format::Text, Paint::Plain, None);
    output.list::<Thing>(&[]).unwrap();
    assert_eq!(
        (out.text().as_str(), err.text().as_str()),
        ("", "no things to show\n")
    );
}

#[test]
fn a_failure_is_the_error_its_causes_and_the_next_step() {
    let mut failure =
        Failure::new(Exit::Unreachable, "no server answers at http://x").next_step("start one");
    failure.causes.push("connection refused".to_owned());
    let (mut output, _, err) = output(Format::Text, Paint::Plain, None);
    output.failure(&failure);
    insta::assert_snapshot!(err.text(), @r"
    error: no server answers at http://x
      cause: connection refused
      next: start one
    ");
}

#[test]
fn a_failure_is_json_where_json_is_asked_for() {
    let failure = Failure::usage("wrong").next_step("do it right");
    let (mut output, out, err) = output(Format::Json, Paint::Plain, None);
    output.failure(&failure);
    assert_eq!(out.text(), "");
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&err.text()).unwrap(),
        serde_json::json!({"error": "wrong", "causes": [], "next_step": "do it right", "exit_code": 2})
    );
}

/// What a section of one row looks like in a terminal of this width.
fn section(width: usize) -> String {
    let (mut output, out, _) = output(Format::Text, Paint::Plain, Some(width));
    let rows = [Thing(
        1,
        "a person who approves it reads every word of this",
    )];
    output.section("Things", &rows).unwrap();
    out.text()
}

#[test]
fn what_a_person_decides_over_is_never_cut() {
    insta::assert_snapshot!(section(50), @r"
    
    Things
    ID  STATE  TITLE
    1   ok     a person who approves it reads every
               word of this
    ");
    insta::assert_snapshot!(section(30), @r"

    Things
    ID  STATE
        TITLE
    1   ok
        a person who approves it
        reads every word of this
    ");
    for width in 1..80 {
        let words: Vec<String> = section(width)
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        let said = words.concat();
        assert!(
            said.contains("apersonwhoapprovesitreadseverywordofthis"),
            "{width}: {said}"
        );
    }
}
