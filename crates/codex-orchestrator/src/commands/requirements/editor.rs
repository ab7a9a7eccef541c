//! Opens a text in the person's own editor.

use std::io::{IsTerminal as _, Write as _};
use std::process::Command;

use tempfile::NamedTempFile;

use crate::failure::Failure;

/// The longest text that is read back, in bytes.
const MOST_BYTES: u64 = 8 * 1024 * 1024;

/// A text as it was left.
pub struct Edited {
    pub text: String,
    file: NamedTempFile,
}

impl Edited {
    /// Keeps the file, so that nothing that was written is lost; answers where it is.
    pub fn keep(self) -> String {
        match self.file.keep() {
            Ok((_, path)) => path.display().to_string(),
            Err(error) => format!("no file ({error})"),
        }
    }
}

/// Opens `text` in `$VISUAL`, else `$EDITOR`, and waits until the editor ends.
pub fn edit(text: &str) -> Result<Edited, Failure> {
    let set = |name| {
        std::env::var(name)
            .ok()
            .filter(|value| !value.trim().is_empty())
    };
    let Some(editor) = set("VISUAL").or_else(|| set("EDITOR")) else {
        let message = match std::io::stdin().is_terminal() {
            true => "no editor is named: set VISUAL or EDITOR, or give the edits as flags",
            false => "there are no edits; give them as flags, or set VISUAL or EDITOR",
        };
        return Err(Failure::usage(message)
            .next_step("codex-orchestrator requirements edit --help lists the flags"));
    };
    let failed =
        |what: &str, error: &std::io::Error| Failure::usage(what.to_owned()).caused_by(error);
    let mut file = tempfile::Builder::new()
        .prefix("requirements-")
        .suffix(".txt")
        .tempfile()
        .map_err(|error| failed("failed to make a file for the editor", &error))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.flush())
        .map_err(|error| failed("failed to write the file for the editor", &error))?;
    // The variable may hold arguments, as with `code --wait`.
    let ended = Command::new("sh")
        .args(["-c", &format!("{editor} \"$1\""), "sh"])
        .arg(file.path())
        .status()
        .map_err(|error| failed("failed to start the editor", &error))?;
    if !ended.success() {
        return Err(Failure::usage(format!(
            "the editor `{editor}` failed ({ended}); nothing was changed"
        )));
    }
    let path = file.path();
    let length = std::fs::metadata(path).map_or(0, |file| file.len());
    if length > MOST_BYTES {
        return Err(Failure::usage(format!(
            "the edited text has {length} bytes; at most {MOST_BYTES} fit"
        )));
    }
    let text = std::fs::read_to_string(path)
        .map_err(|error| failed("failed to read what the editor left", &error))?;
    Ok(Edited { text, file })
}
