//! What is hidden: each form by example.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose};

use super::{
    MASK, Redactor, StreamRedactor, TextRedactor,
    cases::{Chance, base32},
};

const SECRET: &str = "s3cr3t/K+y=value";

fn redact(text: &str) -> String {
    Redactor::new([SECRET]).redact(text).into_owned()
}

#[test]
fn a_value_is_hidden_as_it_is_and_encoded() {
    assert_eq!(redact("key s3cr3t/K+y=value, key"), "key ***, key");
    assert_eq!(redact("a=s3cr3t%2FK%2By%3Dvalue&b"), "a=***&b");
    assert_eq!(redact("a=s3cr3t%2fK+y%3Dvalue&b"), "a=***&b");
    assert_eq!(redact(r"a=s3cr3t\/K+y\u003dvalue"), "a=***");
    assert_eq!(redact(r"a=s3cr3t\\/K\\u002By=value"), "a=***");
    assert_eq!(
        redact("'s3cr3t/K+'\"'\"'y=value'"),
        "'s3cr3t/K+'\"'\"'y=value'"
    );
    assert_eq!(redact(&format!("<{}>", hex::encode(SECRET))), "<***>");
    assert_eq!(redact(&format!("<{}>", hex::encode_upper(SECRET))), "<***>");
    let host = base32(SECRET.as_bytes());
    assert_eq!(redact(&format!("<{host}.example>")), "<***.example>");
    let told = host.to_ascii_lowercase();
    assert_eq!(redact(&format!("<{told}.example>")), "<***.example>");
    assert_eq!(redact("s3cr3t/K=2By=3D=\nvalue"), "***\n***");
    assert_eq!(redact(r"\x{73}\x{33}cr3t/K\x{2b}y=value"), "***");
    assert_eq!(redact("nothing to hide"), "nothing to hide");
    assert_eq!(redact(&format!("{SECRET}{SECRET}")), MASK);
    let quoted = Redactor::new(["it's"]);
    assert_eq!(quoted.redact(r"echo 'it'\''s' it\'s"), "echo '***' ***");
}

#[test]
fn base64_hides_a_value_wherever_it_stands_in_it() {
    for before in ["", "u:", "us:", "use:", "user:"] {
        for after in ["", "\n", "@x", "@xy"] {
            let text = format!("{before}{SECRET}{after}");
            for coded in [
                general_purpose::STANDARD.encode(&text),
                general_purpose::URL_SAFE_NO_PAD.encode(&text),
                general_purpose::STANDARD.encode(general_purpose::STANDARD.encode(&text)),
            ] {
                let shown = redact(&format!("Basic {coded} end"));
                assert!(shown.contains(MASK), "{text:?}: {shown}");
                let sure = general_purpose::STANDARD.encode(&SECRET[3..12]);
                assert!(!shown.contains(&sure[..4]), "{text:?}: {shown}");
            }
        }
    }
}

#[test]
fn a_document_is_hidden_line_by_line() {
    let document = "apiVersion: v1\nusers:\n- name: me\n  user:\n    token: abcdefghijklmnop\n";
    let redactor = Redactor::new([document]);
    assert_eq!(redactor.redact("    token: abcdefghijklmnop"), "    ***");
    assert_eq!(redactor.redact("bare abcdefghijklmnop"), "bare ***");
    let key = r#"{"type":"x","private_key":"-----BEGIN\nMIIEabcdefgh\n-----END"}"#;
    assert_eq!(Redactor::new([key]).redact("MIIEabcdefgh"), MASK);
}

#[test]
fn a_long_value_is_hidden_in_pieces() {
    let value: String = (0..20_000).map(|n| format!("{n:x}-")).collect();
    let redactor = Redactor::new([value.as_str()]);
    assert!(redactor.widest() < 2048);
    assert_eq!(redactor.redact(&format!("<{value}>")), "<***>");
    let coded = general_purpose::STANDARD_NO_PAD.encode(&value);
    assert_eq!(redactor.redact(&format!("<{coded}>")), "<***>");
}

#[test]
fn short_values_and_none_hide_nothing() {
    assert_eq!(Redactor::new(["abc", ""]).redact("abc"), "abc");
    assert_eq!(Redactor::new([""; 0]).redact("abc"), "abc");
    assert!(Redactor::new(["abc"]).is_idle());
}

#[test]
fn innocent_text_stays_and_no_line_of_it_waits() {
    let redactor = Arc::new(Redactor::new([SECRET, "hunter2hunter2", "a\nshort\nlist"]));
    let mut stream = StreamRedactor::new(redactor);
    for line in [
        "   Compiling orch-agent v0.1.0 (/src/crates/orch-agent)",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        r#"{"path": "C:\\temp\\new", "q": "a%20b&c"}"#,
        "QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        "",
    ] {
        stream.end_line((), line.to_owned());
        assert_eq!(stream.known(), [((), line.to_owned())]);
    }
}

#[test]
fn a_text_in_pieces_shows_no_secret_however_it_is_cut() {
    let key = "sk-TOPSECRET-0123456789";
    let text =
        format!("Authorization: Bearer {key} and the words go on, sk- is a beginning.\nüber");
    let redactor = Arc::new(Redactor::new([key]));
    let whole = redactor.redact(&text).into_owned();
    assert!(!whole.contains("TOPSECRET"));
    for size in 1..text.chars().count() {
        let mut stream = TextRedactor::new(Arc::clone(&redactor));
        let characters: Vec<char> = text.chars().collect();
        let mut shown = String::new();
        for piece in characters.chunks(size) {
            shown += &stream.push(&piece.iter().collect::<String>());
        }
        shown += &stream.rest();
        assert_eq!(shown, whole, "in pieces of {size}");
    }
    let mut stream = TextRedactor::new(redactor);
    let first = stream
        .push("The first words are shown before the last of them have come, whatever they are. ");
    assert!(first.starts_with("The first words"), "{first:?}");
}

#[test]
fn a_secret_over_the_ends_of_lines_is_hidden_in_each_of_them() {
    let key: String = (0..12)
        .map(|n| format!("{:08x}~", n * 0x0123_4567_u32))
        .collect();
    let document = format!("some words before {key} and after it");
    let coded = general_purpose::STANDARD.encode(document);
    for width in 20..80 {
        let mut stream = StreamRedactor::new(Arc::new(Redactor::new([key.as_str()])));
        let mut shown = Vec::new();
        let lines: Vec<&str> = (0..coded.len())
            .step_by(width)
            .map(|at| &coded[at..coded.len().min(at + width)])
            .collect();
        for line in &lines {
            stream.end_line((), (*line).to_owned());
            shown.extend(stream.known());
        }
        shown.extend(stream.finish().0);
        assert_eq!(shown.len(), lines.len(), "width {width}");
        let secret = general_purpose::STANDARD.encode(&key);
        for window in secret.as_bytes().windows(8) {
            let window = std::str::from_utf8(window).unwrap();
            assert!(
                shown.iter().all(|(_, line)| !line.contains(window)),
                "{width}: {shown:?}"
            );
        }
        assert!(shown[0].1.starts_with(&coded[..20]), "{width}: {shown:?}");
    }
}

/// Such as a private key of 4096 bits: what is looked for grows, what a line costs does not.
#[test]
fn many_lines_cost_little_whatever_is_looked_for() {
    let mut chance = Chance(1);
    let line = |chance: &mut Chance| -> String {
        (0..64)
            .map(|_| {
                let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
                char::from(alphabet[chance.below(64)])
            })
            .collect()
    };
    let lines: Vec<String> = (0..50).map(|_| line(&mut chance)).collect();
    let key = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        lines.join("\n")
    );
    let small = Arc::new(Redactor::new([SECRET]));
    let large = Arc::new(Redactor::new([key.as_str()]));
    let time = |redactor: &Arc<Redactor>, lines: u32| {
        let begun = std::time::Instant::now();
        let mut stream = StreamRedactor::new(Arc::clone(redactor));
        let mut shown = 0;
        for number in 0..lines {
            stream.end_line((), number.to_string());
            if number % 256 == 0 {
                shown += stream.known().len();
            }
        }
        assert_eq!(shown + stream.finish().0.len(), lines as usize);
        begun.elapsed()
    };
    let lines = std::env::var("REDACTOR_LINES").ok();
    let lines = lines.and_then(|text| text.parse().ok()).unwrap_or(4_000);
    let (of_small, of_large) = (time(&small, lines), time(&large, lines));
    println!("{lines} lines: {of_small:?} with a small value, {of_large:?} with a large one");
    assert!(of_large < 10 * of_small, "{of_small:?}, {of_large:?}");
}
