//! JUnit's XML, as all kinds of test runners write it.
//!
//! Counts the cases that are there, and not what attributes say of them. What a suite itself failed with,
//! outside of its cases, counts as one more that failed.

use super::xml::{self, Element, Part};
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
    /// What a suite failed with.
    stray: Option<Case>,
    /// The elements around, each suite with its name.
    around: Vec<Option<String>>,
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

/// A longer time is a mistake, and would swallow all others.
const LONGEST_SECONDS: f64 = 1e9;

impl Sums {
    fn take(&mut self, part: Part) {
        match part {
            Part::Open(element) => self.open(&element),
            Part::Text(text) => {
                let failed = self.case.as_mut().or(self.stray.as_mut());
                let failed = failed.filter(|case| case.failed && case.message.is_empty());
                if let Some(case) = failed {
                    case.message = xml::plain(text.trim());
                }
            }
            Part::Close(name) => {
                self.around.pop();
                match name.as_str() {
                    "testcase" => {
                        if let Some(case) = self.case.take() {
                            self.count(&case);
                        }
                    }
                    "failure" | "error" => {
                        if let Some(stray) = self.stray.take() {
                            self.count(&stray);
                        }
                    }
                    _ => {}
                }
            }
        }
    }

    fn open(&mut self, element: &Element) {
        let name = element.attribute("name").unwrap_or_default();
        match (element.name.as_str(), &mut self.case) {
            ("testcase", _) => {
                let name = match element.attribute("classname") {
                    Some(class) if !class.is_empty() => format!("{class}::{name}"),
                    Some(_) | None => name.to_owned(),
                };
                let seconds = element.attribute("time").and_then(|time| time.parse().ok());
                let fits = |seconds: &f64| (0.0..=LONGEST_SECONDS).contains(seconds);
                self.seconds += seconds.filter(fits).unwrap_or_default();
                self.case = Some(Case {
                    name,
                    ..Case::default()
                });
            }
            ("failure" | "error", Some(case)) => case.fail(element),
            ("failure" | "error", None) => {
                if let Some(Some(suite)) = self.around.last() {
                    let mut stray = Case {
                        name: suite.clone(),
                        ..Case::default()
                    };
                    stray.fail(element);
                    self.stray = Some(stray);
                }
            }
            ("skipped", Some(case)) => case.skipped = true,
            _ => {}
        }
        let is_suite = matches!(element.name.as_str(), "testsuite" | "testsuites");
        self.around.push(is_suite.then(|| short(name)));
    }

    fn count(&mut self, case: &Case) {
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

impl Case {
    fn fail(&mut self, element: &Element) {
        self.failed = true;
        self.is_error |= element.name == "error";
        if self.message.is_empty() {
            let message = element.attribute("message").unwrap_or_default();
            message.clone_into(&mut self.message);
        }
    }
}
