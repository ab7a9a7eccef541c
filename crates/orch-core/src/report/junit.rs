//! JUnit's XML, as all kinds of test runners write it.
//!
//! Counts the cases that are there, and not what attributes say of them.

use super::xml::{self, Part};
use super::{FailedTest, MAX_NAMED, Report, short};

#[derive(Default)]
struct Sums {
    tests: u64,
    failures: u64,
    errors: u64,
    skipped: u64,
    seconds: f64,
    failed: Vec<FailedTest>,
    case: Option<Case>,
}

#[derive(Default)]
struct Case {
    name: String,
    message: String,
    failed: bool,
    is_error: bool,
    skipped: bool,
}

pub(super) fn read(bytes: &[u8]) -> Result<Report, String> {
    let mut sums = Sums::default();
    xml::read(bytes, |part| sums.take(part))?;
    Ok(Report::Junit {
        tests: sums.tests,
        failures: sums.failures,
        errors: sums.errors,
        skipped: sums.skipped,
        seconds: (sums.seconds * 1000.0).round() / 1000.0,
        failed: sums.failed,
    })
}

impl Sums {
    fn take(&mut self, part: Part) {
        match (part, &mut self.case) {
            (Part::Open(element), _) if element.name == "testcase" => {
                let name = element.attribute("name").unwrap_or_default();
                let name = match element.attribute("classname") {
                    Some(class) if !class.is_empty() => format!("{class}::{name}"),
                    Some(_) | None => name.to_owned(),
                };
                let seconds = element.attribute("time").and_then(|time| time.parse().ok());
                let seconds = seconds.filter(|seconds: &f64| seconds.is_finite() && *seconds > 0.0);
                self.seconds += seconds.unwrap_or_default();
                self.case = Some(Case {
                    name,
                    ..Case::default()
                });
            }
            (Part::Open(element), Some(case)) => match element.name.as_str() {
                "failure" | "error" => {
                    case.failed = true;
                    case.is_error |= element.name == "error";
                    if case.message.is_empty() {
                        let message = element.attribute("message").unwrap_or_default();
                        message.clone_into(&mut case.message);
                    }
                }
                "skipped" => case.skipped = true,
                _ => {}
            },
            (Part::Text(text), Some(case)) => {
                if case.failed && case.message.is_empty() {
                    case.message = xml::plain(text.trim());
                }
            }
            (Part::Close(name), _) if name == "testcase" => {
                if let Some(case) = self.case.take() {
                    self.count(case);
                }
            }
            (Part::Open(_) | Part::Text(_) | Part::Close(_), _) => {}
        }
    }

    fn count(&mut self, case: Case) {
        self.tests += 1;
        match (case.failed, case.is_error) {
            (true, true) => self.errors += 1,
            (true, false) => self.failures += 1,
            (false, _) if case.skipped => self.skipped += 1,
            (false, _) => {}
        }
        if case.failed && self.failed.len() < MAX_NAMED {
            self.failed.push(FailedTest {
                name: short(&case.name),
                message: short(&case.message),
            });
        }
    }
}
