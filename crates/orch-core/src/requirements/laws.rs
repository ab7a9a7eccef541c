//! The laws that every draft keeps, tried on generated visions.

use std::collections::BTreeSet;

use proptest::prelude::{Strategy, any, prop, prop_assert, prop_assert_eq, proptest};
use proptest::sample::select;

use super::{
    Content, Draft, Item, ItemKind, MOST_ITEMS, Text, propose, propose_document,
    try_propose_document,
};

/// What an item says, apart from where its sentence stands.
fn sayings(items: &[Item]) -> Vec<(String, ItemKind, String, String)> {
    items
        .iter()
        .map(|item| {
            (
                item.id.clone(),
                item.kind,
                item.text.clone(),
                item.source.sentence.clone(),
            )
        })
        .collect()
}

fn check_sound(vision: &str, draft: &Draft) {
    let mut ids = BTreeSet::new();
    let mut last_start = 0;
    for item in &draft.items {
        let source = &item.source;
        assert_eq!(
            vision.get(source.start..source.end),
            Some(source.sentence.as_str()),
            "{item:#?}"
        );
        assert!(source.index >= 1 && source.start >= last_start, "{item:#?}");
        last_start = source.start;
        assert!(!item.text.trim().is_empty(), "{item:#?}");
        assert!(!item.text.contains(char::is_control), "{item:#?}");
        assert!(ids.insert(&item.id), "{} is used twice", item.id);
    }
    check_markdown(vision);
}

/// Every line of the Markdown is one that the document itself wrote, and every sentence that demands
/// something is cited.
fn check_markdown(vision: &str) {
    let texts = [Text {
        attachment: None,
        content: Content::Prose(vision.to_owned()),
    }];
    let document = propose_document(&texts, None);
    let mut cited = 0;
    for (number, line) in document.markdown().lines().enumerate() {
        let heading = [
            "Architecture options",
            "First version",
            "Contradictions and vague words",
        ];
        let section = line.strip_prefix("## ").is_some_and(|title| {
            heading.contains(&title) || ItemKind::ALL.iter().any(|kind| kind.section() == title)
        });
        let item = document
            .items
            .iter()
            .any(|item| line.starts_with(&format!("- `{}` ", item.id)));
        let citation = line.starts_with("  > “") && line.ends_with('”');
        cited += usize::from(citation);
        let title = number == 0 && line == "# Proposed Requirements";
        let own = [
            "- In: `R-",
            "- Later: `R-",
            "- contradiction: R-",
            "- vagueness: “",
            "- for it: ",
            "- against it: ",
            "- it rests on “",
        ];
        let advice = own.iter().any(|start| line.starts_with(start))
            || document.options.iter().any(|option| {
                line == option.summary || line.strip_prefix("### ") == Some(&option.title)
            });
        assert!(
            section || item || citation || title || advice || line.is_empty(),
            "foreign line {line:?}"
        );
        assert!(!line.contains('<'), "markup in {line:?}");
    }
    let citing = document
        .items
        .iter()
        .filter(|item| !item.source.sentence.is_empty());
    assert_eq!(cited, citing.count());
}

const OPENINGS: &[&str] = &[
    "We want to build a",
    "The API must respond within 200 ms and cost less than $50 for every",
    "Use PostgreSQL, deploy to AWS and never lose a",
    "It should be fast, scalable and cheap for each",
    "Maybe there is a",
    "We will not sell any",
    "Success means 100 paying customers for the",
    "Customers can book, e.g. by phone, one",
    "Only v1.2 of package.json may name the",
    "Budget: $500 for a",
    "Non-goals: no",
    "Dr. J. Smith (from the U.S. office) wants the",
    "我们要",
    "- The list shows a",
    "Either Rust or Java runs the",
    "In 5 min. at most one sees the",
];

const CLOSINGS: &[&str] = &[".", "!", "?", "...", "?!", ".\"", "。"];

fn name(number: usize) -> String {
    let mut letters = String::from("w");
    let mut rest = number;
    loop {
        letters.push(char::from(
            b'a' + u8::try_from(rest % 26).expect("invariant: below 26"),
        ));
        rest /= 26;
        if rest == 0 {
            return letters;
        }
    }
}

/// Sentences that differ from each other by a name that occurs nowhere else.
fn vision_of(first_name: usize) -> impl Strategy<Value = Vec<String>> {
    let sentence = (
        select(OPENINGS),
        select(CLOSINGS),
        select(vec![" ", "\n", "\n\n", "\r\n"]),
    );
    prop::collection::vec(sentence, 2..12).prop_map(move |parts| {
        parts
            .into_iter()
            .enumerate()
            .map(|(at, (opening, closing, gap))| {
                let gap = if opening.starts_with('-') {
                    "\n\n"
                } else {
                    gap
                };
                let before = if opening.starts_with('-') { "\n" } else { "" };
                format!("{before}{opening} {}{closing}{gap}", name(first_name + at))
            })
            .collect()
    })
}

fn nasty() -> impl Strategy<Value = String> {
    let piece = select(vec![
        "#",
        "## ",
        "- ",
        "* ",
        "1. ",
        "\n",
        "\r\n",
        "\r",
        " ",
        "\t",
        "```",
        "```rust\n",
        "| a |\n",
        "|--|\n",
        "===\n",
        "---\n",
        ".",
        "!",
        "?",
        "。",
        "？",
        ":",
        ";",
        ",",
        "\"",
        "”",
        ")",
        "<b>",
        "&amp;",
        "[x](y)",
        "`",
        "**",
        "_",
        ">",
        "Goals:",
        "Constraints",
        "The site must not:",
        "must",
        "and",
        "use",
        "fast",
        "or",
        "$5",
        "99.9%",
        "e.g.",
        "No. ",
        "\u{0}",
        "\u{202e}",
        "\u{feff}",
        "é",
        "İ",
        "ß",
        "店",
        "🎯",
        "’",
        "…",
        "x",
        "A",
        "v1",
        "Budget: ",
        "not sure",
    ]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_text_gives_a_sound_draft_and_always_the_same(text in any::<String>()) {
        let draft = propose(&text);
        check_sound(&text, &draft);
        prop_assert_eq!(draft, propose(&text));
    }

    #[test]
    fn hostile_text_gives_a_sound_draft(text in nasty()) {
        check_sound(&text, &propose(&text));
    }

    #[test]
    fn deleting_a_sentence_deletes_exactly_its_items(
        sentences in vision_of(0),
        pick in any::<prop::sample::Index>(),
    ) {
        let vision = sentences.concat();
        let before = propose(&vision);
        check_sound(&vision, &before);
        let gone = pick.index(sentences.len());
        let mut rest = sentences.clone();
        let deleted = rest.remove(gone);
        let mark = name(gone);
        let cites = |sentence: &str| {
            sentence
                .split(|c: char| !c.is_alphanumeric())
                .any(|word| word == mark)
        };
        prop_assert!(
            before.items.iter().any(|item| cites(&item.source.sentence)),
            "no item for {deleted:?}"
        );
        let kept: Vec<_> = before
            .items
            .iter()
            .filter(|item| !cites(&item.source.sentence))
            .cloned()
            .collect();
        prop_assert_eq!(sayings(&propose(&rest.concat()).items), sayings(&kept));
    }

    #[test]
    fn deleting_a_cited_range_deletes_exactly_its_items(
        sentences in vision_of(0),
        pick in any::<prop::sample::Index>(),
    ) {
        let vision = sentences.concat();
        let before = propose(&vision);
        let source = before.items[pick.index(before.items.len())].source.clone();
        let after = format!("{}{}", &vision[..source.start], &vision[source.end..]);
        let kept: Vec<_> = before
            .items
            .iter()
            .filter(|item| item.source.start != source.start)
            .cloned()
            .collect();
        prop_assert_eq!(sayings(&propose(&after).items), sayings(&kept));
    }

    #[test]
    fn visions_without_a_common_sentence_share_no_id(
        one in vision_of(0),
        other in vision_of(100),
    ) {
        let ids = |vision: &[String]| -> BTreeSet<String> {
            propose(&vision.concat()).items.into_iter().map(|item| item.id).collect()
        };
        prop_assert!(ids(&one).is_disjoint(&ids(&other)));
    }

    #[test]
    fn visions_without_a_common_word_share_no_text(
        one in prop::collection::vec("[a-m]{3,7}( [a-m]{2,7}){1,6}[.?!]", 1..6),
        other in prop::collection::vec("(must be fast|cheap and soon|maybe|use) [n-z]{3,7}( [n-z]{2,7}){1,6}[.?!]", 1..6),
    ) {
        let said = |vision: &[String]| -> BTreeSet<String> {
            let items = propose(&vision.join(" ")).items;
            items.into_iter().flat_map(|item| [item.id, item.text]).collect()
        };
        prop_assert!(said(&one).is_disjoint(&said(&other)));
    }

    #[test]
    fn a_second_copy_of_a_sentence_leaves_the_first_ones_ids(sentences in vision_of(0)) {
        let vision = sentences.concat();
        let once = propose(&vision);
        let doubled = format!("{vision}\n\n{vision}");
        let twice = propose(&doubled);
        check_sound(&doubled, &twice);
        prop_assert_eq!(twice.items.len(), 2 * once.items.len());
        prop_assert_eq!(&twice.items[..once.items.len()], &once.items[..]);
    }
}

#[test]
fn endless_text_is_read_to_its_end() {
    const PIECES: &[&str] = &[
        "a",
        "a ",
        "a. ",
        "use it and ",
        "must be fast, ",
        "(",
        "\"",
        ".",
        ". ",
        "\n",
        "\r\n",
        "- x\n",
        "# x\n",
        "```rust\n",
        "```rust\na\n",
        "> ",
        "either or ",
        "**",
        "|",
        "店。",
        "fast\n",
        "We want it a b c\nThen. ",
        "Goals:\n",
        "e.g. ",
        ": ",
        "\u{202e}",
        "Also, ",
        "a,\n",
    ];
    let mixed: String = PIECES.concat();
    let repeated = PIECES.iter().map(|piece| (*piece, 64 << 10));
    for (piece, size) in repeated.chain([(mixed.as_str(), 1 << 20)]) {
        let vision = piece.repeat(size / piece.len());
        let draft = propose(&vision);
        for Item { source, .. } in &draft.items {
            assert_eq!(
                vision.get(source.start..source.end),
                Some(source.sentence.as_str())
            );
        }
        let texts = [Text {
            attachment: None,
            content: Content::Prose(vision),
        }];
        match try_propose_document(&texts, None) {
            Ok(document) => assert!(document.markdown().len() < 200 * size, "{piece:?}"),
            Err(many) => assert!(many.found > MOST_ITEMS, "{piece:?}: {many}"),
        }
    }
}
