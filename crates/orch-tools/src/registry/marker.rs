//! Environment markers of Python packages: `python_version >= "3.8" and extra == "tls"`.

use orch_core::version::{Range, Version};

/// Most words of one marker.
const MAX_WORDS: usize = 200;

/// What markers are compared with.
pub(super) struct Markers<'m> {
    /// Such as 3.11.
    pub(super) python: &'m str,
    /// Such as `x86_64`.
    pub(super) machine: &'m str,
    /// The extras that were asked for.
    pub(super) extras: &'m [String],
}

/// Whether a marker holds.
///
/// # Errors
/// When it is none.
pub(super) fn holds(marker: &str, markers: &Markers<'_>) -> Result<bool, String> {
    let words = words(marker)?;
    let mut reader = Reader {
        words: &words,
        markers,
        depth: 0,
    };
    let held = reader.any()?;
    match reader.words.is_empty() {
        true => Ok(held),
        false => Err("its marker goes on after its end".to_owned()),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Word {
    Name(String),
    Text(String),
    Sign(String),
}

fn words(marker: &str) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut rest = marker.trim_start();
    while let Some(first) = rest.chars().next() {
        if words.len() == MAX_WORDS {
            return Err("its marker is too long".to_owned());
        }
        let length = match first {
            '"' | '\'' => {
                let end = rest[1..]
                    .find(first)
                    .ok_or("a text of its marker has no end")?;
                words.push(Word::Text(rest[1..=end].to_owned()));
                rest = rest[end + 2..].trim_start();
                continue;
            }
            '(' | ')' => 1,
            c if "<>=!~".contains(c) => rest.find(|c| !"<>=!~".contains(c)).unwrap_or(rest.len()),
            c if c.is_ascii_alphanumeric() || c == '_' => rest
                .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'))
                .unwrap_or(rest.len()),
            _ => return Err("its marker holds what no marker does".to_owned()),
        };
        let (word, after) = rest.split_at(length);
        words.push(match first.is_ascii_alphanumeric() || first == '_' {
            true => Word::Name(word.to_owned()),
            false => Word::Sign(word.to_owned()),
        });
        rest = after.trim_start();
    }
    Ok(words)
}

struct Reader<'w> {
    words: &'w [Word],
    markers: &'w Markers<'w>,
    depth: u32,
}

impl<'w> Reader<'w> {
    fn next(&mut self) -> Result<&'w Word, String> {
        let (first, rest) = self.words.split_first().ok_or("its marker breaks off")?;
        self.words = rest;
        Ok(first)
    }

    fn takes(&mut self, name: &str) -> bool {
        match self.words.split_first() {
            Some((Word::Name(found), rest)) if found == name => {
                self.words = rest;
                true
            }
            _ => false,
        }
    }

    fn any(&mut self) -> Result<bool, String> {
        let mut held = self.all()?;
        while self.takes("or") {
            held |= self.all()?;
        }
        Ok(held)
    }

    fn all(&mut self) -> Result<bool, String> {
        let mut held = self.one()?;
        while self.takes("and") {
            held &= self.one()?;
        }
        Ok(held)
    }

    fn one(&mut self) -> Result<bool, String> {
        if self.words.first() == Some(&Word::Sign("(".to_owned())) {
            self.depth += 1;
            if self.depth > 16 {
                return Err("its marker is nested too deeply".to_owned());
            }
            self.next()?;
            let held = self.any()?;
            self.depth -= 1;
            return match self.next()? {
                Word::Sign(sign) if sign == ")" => Ok(held),
                _ => Err("a bracket of its marker is not closed".to_owned()),
            };
        }
        let left = self.next()?;
        let operator = match self.next()? {
            Word::Sign(sign) => sign.clone(),
            Word::Name(name) if name == "in" => name.clone(),
            Word::Name(name) if name == "not" && self.takes("in") => "not in".to_owned(),
            Word::Name(_) | Word::Text(_) => return Err("its marker compares nothing".to_owned()),
        };
        let right = self.next()?;
        self.compare(left, &operator, right)
    }

    fn compare(&self, left: &Word, operator: &str, right: &Word) -> Result<bool, String> {
        if let (Word::Name(name), Word::Text(text)) | (Word::Text(text), Word::Name(name)) =
            (left, right)
            && name == "extra"
        {
            let has = self
                .markers
                .extras
                .contains(&super::requirement::normal(text));
            return Ok(if operator == "!=" { !has } else { has });
        }
        let (left, right) = (self.value(left)?, self.value(right)?);
        if let (Some(version), Ok(range)) = (
            Version::parse(&left),
            Range::parse(&format!("{operator}{right}")),
        ) && operator.starts_with(['<', '>', '=', '!', '~'])
        {
            // `== "3.8"` means that version and no patch of it.
            let exact = Version::parse(&right);
            return Ok(match (operator, exact) {
                ("==", Some(exact)) => version == exact,
                (">", Some(bound)) => version > bound,
                ("<=", Some(bound)) => version <= bound,
                _ => range.holds(&version),
            });
        }
        match operator {
            "==" | "===" => Ok(left == right),
            "!=" => Ok(left != right),
            "in" => Ok(right.contains(&left)),
            "not in" => Ok(!right.contains(&left)),
            "<" => Ok(left < right),
            "<=" => Ok(left <= right),
            ">" => Ok(left > right),
            ">=" => Ok(left >= right),
            _ => Err("its marker compares in a way that is not known".to_owned()),
        }
    }

    fn value(&self, word: &Word) -> Result<String, String> {
        let name = match word {
            Word::Text(text) => return Ok(text.clone()),
            Word::Name(name) => name.as_str(),
            Word::Sign(_) => return Err("its marker compares nothing".to_owned()),
        };
        Ok(match name {
            "python_version" => self.markers.python.to_owned(),
            "python_full_version" | "implementation_version" => {
                format!("{}.0", self.markers.python)
            }
            "sys_platform" => "linux".to_owned(),
            "platform_system" => "Linux".to_owned(),
            "os_name" => "posix".to_owned(),
            "platform_machine" => self.markers.machine.to_owned(),
            "implementation_name" => "cpython".to_owned(),
            "platform_python_implementation" => "CPython".to_owned(),
            "platform_release" | "platform_version" => String::new(),
            _ => return Err("its marker names what is not known".to_owned()),
        })
    }
}
