//! Reading a shell command just far enough to find a call of `codex exec` in it and correct it.
//!
//! Words and operators are told apart as a shell does; nothing is expanded and nothing run. What is
//! not understood stays exactly as it was written.

use std::{ops::Range, path::Path};

use super::probe::Forms;

/// One word: its text without quotes, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Word {
    text: String,
    span: Range<usize>,
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Word(Word),
    /// A pipe, a redirection, a separator, a bracket or a line end.
    Operator,
}

/// A call of `codex exec` within a command.
#[derive(Debug)]
pub(super) struct Call {
    program: Word,
    /// `exec`, or its short form.
    exec: Word,
    arguments: Vec<Word>,
}

/// A corrected command.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Corrected {
    pub(super) command: String,
    /// The arguments that had to go, as they were written.
    pub(super) refused: Vec<String>,
}

/// The words of a line without operators; `None` where a quote is not closed or an operator stands.
pub(crate) fn words(line: &str) -> Option<Vec<String>> {
    let text = |token| match token {
        Token::Word(word) => Some(word.text),
        Token::Operator => None,
    };
    tokens(line)?.into_iter().map(text).collect()
}

/// The first call of `codex exec` in a command, if there is one.
pub(super) fn find_call(command: &str) -> Option<Call> {
    let tokens = tokens(command)?;
    let commands = tokens.split(|token| *token == Token::Operator);
    commands.into_iter().find_map(|tokens| {
        let words: Vec<&Word> = tokens
            .iter()
            .filter_map(|token| match token {
                Token::Word(word) => Some(word),
                Token::Operator => None,
            })
            .collect();
        let program = words.iter().position(|word| names_codex(&word.text))?;
        let after = words.iter().skip(program + 1);
        let exec = program + 1 + after.clone().position(|word| is_exec(&word.text))?;
        Some(Call {
            program: words[program].clone(),
            exec: words[exec].clone(),
            arguments: words[exec + 1..].iter().copied().cloned().collect(),
        })
    })
}

fn names_codex(word: &str) -> bool {
    Path::new(word)
        .file_name()
        .is_some_and(|name| name == "codex")
}

fn is_exec(word: &str) -> bool {
    matches!(word, "exec" | "e")
}

impl Call {
    /// The program as written, without quotes.
    pub(super) fn program(&self) -> &str {
        &self.program.text
    }

    /// The command as the installed Codex accepts it: without the arguments that it refuses, able
    /// to run outside a git repository, and with `bin` for the bare word `codex`.
    pub(super) fn correct(&self, command: &str, forms: &Forms, bin: &Path) -> Corrected {
        let mut edits: Vec<(Range<usize>, String)> = Vec::new();
        let mut refused = Vec::new();
        if self.program.text == "codex" && bin != Path::new("codex") {
            edits.push((self.program.span.clone(), quoted(&bin.to_string_lossy())));
        }
        let has = |flag: &str| self.arguments.iter().any(|word| word.text == flag);
        if forms.accepts("--skip-git-repo-check") && !has("--skip-git-repo-check") {
            let end = self.exec.span.end;
            edits.push((end..end, " --skip-git-repo-check".to_owned()));
        }
        for (index, word) in self.arguments.iter().enumerate() {
            let Some((arguments, replacement)) = stale(&word.text, forms) else {
                continue;
            };
            let last = self.arguments.get(index + arguments - 1).unwrap_or(word);
            refused.push(command[word.span.start..last.span.end].to_owned());
            let begin = command[..word.span.start].trim_end().len();
            edits.push((begin..last.span.end, replacement.to_owned()));
        }
        edits.sort_by_key(|(span, _)| (span.start, span.end));
        let mut corrected = command.to_owned();
        for (span, text) in edits.into_iter().rev() {
            corrected.replace_range(span, &text);
        }
        Corrected {
            command: corrected,
            refused,
        }
    }
}

/// How many words an argument of older versions takes up that this one refuses, and what says the
/// same now. `exec` never asks for approval by itself.
fn stale(argument: &str, forms: &Forms) -> Option<(usize, &'static str)> {
    let (name, has_value) = match argument.split_once('=') {
        Some((name, _)) => (name, true),
        None => (argument, false),
    };
    let (words, replacement) = match name {
        "--ask-for-approval" | "-a" => (if has_value { 1 } else { 2 }, ""),
        "--full-auto" => (1, " --sandbox workspace-write"),
        _ => return None,
    };
    (!forms.accepts(name)).then_some((words, replacement))
}

/// One word for a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Splits a command as a shell would; `None` where a quote is not closed.
fn tokens(line: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut word: Option<Word> = None;
    let mut rest = line.char_indices();
    while let Some((at, character)) = rest.next() {
        let end_of = |character: char| at + character.len_utf8();
        match character {
            ' ' | '\t' | '\r' => tokens.extend(word.take().map(Token::Word)),
            '|' | '&' | ';' | '(' | ')' | '<' | '>' | '\n' => {
                tokens.extend(word.take().map(Token::Word));
                tokens.push(Token::Operator);
            }
            '\'' | '"' | '\\' => {
                let word = word.get_or_insert_with(|| Word {
                    text: String::new(),
                    span: at..at,
                });
                word.span.end = match character {
                    '\\' => {
                        let (at, escaped) = rest.next()?;
                        word.text.push(escaped);
                        at + escaped.len_utf8()
                    }
                    quote => read_quoted(quote, &mut rest, &mut word.text)?,
                };
            }
            plain => {
                let word = word.get_or_insert_with(|| Word {
                    text: String::new(),
                    span: at..at,
                });
                word.text.push(plain);
                word.span.end = end_of(plain);
            }
        }
    }
    tokens.extend(word.map(Token::Word));
    Some(tokens)
}

/// Reads up to the closing quote and tells where it ends.
fn read_quoted(
    quote: char,
    rest: &mut std::str::CharIndices<'_>,
    text: &mut String,
) -> Option<usize> {
    loop {
        let (at, character) = rest.next()?;
        match character {
            end if end == quote => return Some(at + end.len_utf8()),
            '\\' if quote == '"' => {
                let (_, escaped) = rest.next()?;
                if !matches!(escaped, '"' | '\\' | '$' | '`') {
                    text.push('\\');
                }
                text.push(escaped);
            }
            plain => text.push(plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corrected(command: &str, flags: &[&str]) -> (String, Vec<String>) {
        let forms = Forms::of(flags);
        let call = find_call(command).expect("a call of codex exec");
        let corrected = call.correct(command, &forms, Path::new("codex"));
        (corrected.command, corrected.refused)
    }

    #[test]
    fn the_documented_older_forms_become_what_the_installed_codex_accepts() {
        let flags = ["--sandbox", "--model", "-m"];
        for (written, expected, refused) in [
            (
                "codex exec --ask-for-approval never --sandbox read-only",
                "codex exec --sandbox read-only",
                vec!["--ask-for-approval never"],
            ),
            (
                "codex exec -m gpt-4o-mini --ask-for-approval never --sandbox read-only",
                "codex exec -m gpt-4o-mini --sandbox read-only",
                vec!["--ask-for-approval never"],
            ),
            (
                "FOO=1 /opt/codex e --ask-for-approval=never -s 'read-only' | tee \"plan a\"",
                "FOO=1 /opt/codex e -s 'read-only' | tee \"plan a\"",
                vec!["--ask-for-approval=never"],
            ),
            (
                "codex exec --full-auto",
                "codex exec --sandbox workspace-write",
                vec!["--full-auto"],
            ),
            ("codex exec -a never", "codex exec", vec!["-a never"]),
            (
                "codex exec --ask-for-approval",
                "codex exec",
                vec!["--ask-for-approval"],
            ),
        ] {
            let refused: Vec<String> = refused.into_iter().map(str::to_owned).collect();
            assert_eq!(
                corrected(written, &flags),
                (expected.to_owned(), refused),
                "{written}"
            );
        }
    }

    #[test]
    fn what_is_accepted_stays_as_it_is_written() {
        let flags = ["--sandbox", "--ask-for-approval", "-a", "--full-auto"];
        for written in [
            "codex exec --ask-for-approval never --sandbox read-only",
            "codex -a never exec  --full-auto -a never \\\n 2>/dev/null",
        ] {
            assert_eq!(corrected(written, &flags), (written.to_owned(), vec![]));
        }
    }

    #[test]
    fn the_check_for_a_repository_is_switched_off_once() {
        let flags = ["--skip-git-repo-check"];
        let expected = "codex exec --skip-git-repo-check -";
        assert_eq!(corrected("codex exec -", &flags).0, expected);
        assert_eq!(corrected(expected, &flags).0, expected);
    }

    #[test]
    fn a_chosen_binary_stands_for_the_bare_word_alone() {
        let with_bin = |command: &str| {
            let call = find_call(command).unwrap();
            call.correct(command, &Forms::of(&[]), Path::new("/o'pt/codex"))
                .command
        };
        assert_eq!(with_bin("codex exec x"), r"'/o'\''pt/codex' exec x");
        assert_eq!(with_bin("./codex exec x"), "./codex exec x");
    }

    #[test]
    fn other_commands_are_not_taken_for_codex() {
        for command in [
            "my-planner --json",
            "codex review",
            "echo 'codex exec'",
            "codex | exec x",
            "codex exec 'open",
            "",
        ] {
            assert!(find_call(command).is_none(), "{command}");
        }
    }

    #[test]
    fn words_are_split_as_a_shell_does() {
        assert_eq!(
            words(r#"-c 'a="b c"' "d \"e\" \n" f\ g '' "#).unwrap(),
            ["-c", "a=\"b c\"", "d \"e\" \\n", "f g", ""]
        );
        assert_eq!(words("a | b"), None);
        assert_eq!(words("a 'b"), None);
        assert_eq!(words("a\\"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_command_makes_the_reader_panic(
            pieces in proptest::collection::vec(
                proptest::sample::select(vec![
                    "codex", " ", "exec", "-a", "--ask-for-approval", "=", "never", "'", "\"", "\\",
                    "|", "\n", "é", "--full-auto",
                ]),
                0..24,
            ),
        ) {
            let command = pieces.concat();
            if let Some(call) = find_call(&command) {
                let forms = Forms::of(&["--skip-git-repo-check"]);
                let corrected = call.correct(&command, &forms, Path::new("/bin/codex"));
                proptest::prop_assert!(corrected.command.contains("--skip-git-repo-check"));
            }
        }
    }
}
