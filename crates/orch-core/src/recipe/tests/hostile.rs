use proptest::collection::vec;
use proptest::prelude::{any, prop_assert, proptest};
use proptest::sample::select;

use crate::recipe::{Recipe, parse};

/// Pieces that meet in ways nobody would write.
const PIECES: &[&str] = &[
    "steps",
    "tools",
    "run",
    "env",
    "timeout",
    "cwd",
    "name",
    "network",
    "checksum",
    ":",
    ": ",
    " ",
    "  ",
    "\n",
    "\n  ",
    "\n- ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "&a ",
    "*a",
    "<<",
    "? ",
    "!",
    "!!str ",
    "|\n",
    ">-\n",
    "'",
    "\"",
    "\\",
    "\\0",
    "\\x",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "#",
    "\t",
    "\r\n",
    "\u{feff}",
    "\u{0}",
    "é",
    "\u{2028}",
    "𝒳",
    "0x",
    "1e9",
    ".nan",
    "~",
    "true",
    "sha256:",
    "../",
];

/// Reading must answer, and an accepted recipe must survive its own JSON.
fn answers(text: &str) -> Result<(), proptest::test_runner::TestCaseError> {
    match parse(text) {
        Ok(recipe) => {
            let json = serde_json::to_string(&recipe).unwrap();
            let again: Recipe = serde_json::from_str(&json).unwrap();
            prop_assert!(again == recipe, "{json}");
        }
        Err(error) => {
            prop_assert!(!error.message.is_empty());
            prop_assert!(error.to_string().len() < 20_000);
            let escapes = error.to_string().contains('\u{1b}');
            prop_assert!(!escapes);
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in vec(any::<u8>(), 0..400)) {
        answers(&String::from_utf8_lossy(&bytes))?;
    }

    #[test]
    fn no_mixture_of_pieces_makes_the_reader_panic(pieces in vec(select(PIECES), 0..60)) {
        answers(&pieces.concat())?;
    }

    #[test]
    fn no_change_to_a_good_recipe_makes_the_reader_panic(
        at in 0_usize..200,
        piece in select(PIECES),
        cut in 0_usize..6,
    ) {
        let good = "tools:\n  - {name: a, version: 1.10, env: &e {A: b}, network: [h.example]}\nsteps:\n  - make\n  - run: |\n      a\n      b\n    env: *e\n    timeout: 1.5\n    cwd: ./x\n";
        let characters: Vec<char> = good.chars().collect();
        let at = at.min(characters.len());
        let end = (at + cut).min(characters.len());
        let head: String = characters[..at].iter().collect();
        let tail: String = characters[end..].iter().collect();
        answers(&format!("{head}{piece}{tail}"))?;
    }

    #[test]
    fn no_folder_that_is_accepted_leads_out(
        parts in vec(select(vec!["..", ".", "a", "b", "", "..."]), 1..8),
    ) {
        let cwd = parts.join("/");
        let Ok(recipe) = parse(&format!("steps: [{{run: a, cwd: '{cwd}'}}]")) else {
            return Ok(());
        };
        let folder = recipe.steps[0].folder();
        prop_assert!(!folder.starts_with('/'));
        prop_assert!(folder.split('/').all(|part| part != ".."));
    }
}

#[test]
fn repeated_openings_end_in_an_error() {
    for opening in [
        "[", "{", "- ", "? ", "&a ", "!a ", "{a: ", "*a ", "\"", "'", "a: ", "\n ", "%", "[[],",
    ] {
        let text = opening.repeat(256 * 1024 / opening.len());
        assert!(parse(&text).is_err(), "{opening:?}");
    }
}
