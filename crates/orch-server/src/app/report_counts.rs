//! What the reports among kept artifacts said, summed up since this server started.
//!
//! The sets of labels are fixed and every sum is bounded: a report is written by whoever wrote the
//! step, and must neither make a series of its own nor turn a counter over.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use orch_api::types::observability::ReportMetrics;
use orch_core::report::Report;

/// The most that one report adds to one sum: more than any real one has.
const MOST: u64 = 1_000_000_000;

/// Counts of this server.
#[derive(Debug)]
pub struct ReportCounts(Mutex<ReportMetrics>);

impl Default for ReportCounts {
    fn default() -> Self {
        let none = |labels: &[&str]| -> BTreeMap<String, u64> {
            let zeros = labels.iter().map(|label| ((*label).to_owned(), 0));
            zeros.collect()
        };
        Self(Mutex::new(ReportMetrics {
            by_format: none(&["junit", "sarif", "coverage", "cyclonedx", "unreadable"]),
            tests: none(&["passed", "failed", "skipped"]),
            lines: none(&["covered", "missed"]),
            findings: none(&["error", "warning", "note", "none"]),
            components: 0,
            vulnerabilities: 0,
        }))
    }
}

impl ReportCounts {
    /// Adds what one report says.
    pub fn count(&self, report: &Report) {
        // Sums alone stand in it: a thread that broke off left at most one addition out.
        let mut sums = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let format = match report {
            Report::Junit {
                tests,
                failures,
                errors,
                skipped,
                ..
            } => {
                let failed = failures.saturating_add(*errors);
                let passed = tests.saturating_sub(failed).saturating_sub(*skipped);
                add(&mut sums.tests, "passed", passed);
                add(&mut sums.tests, "failed", failed);
                add(&mut sums.tests, "skipped", *skipped);
                "junit"
            }
            Report::Sarif { levels, .. } => {
                for (level, count) in levels {
                    add(&mut sums.findings, level, *count);
                }
                "sarif"
            }
            Report::Coverage { lines, covered, .. } => {
                add(&mut sums.lines, "covered", *covered);
                add(&mut sums.lines, "missed", lines.saturating_sub(*covered));
                "coverage"
            }
            Report::Cyclonedx {
                components,
                vulnerabilities,
                ..
            } => {
                raise(&mut sums.components, *components);
                raise(&mut sums.vulnerabilities, *vulnerabilities);
                "cyclonedx"
            }
            Report::Unreadable { .. } => "unreadable",
        };
        add(&mut sums.by_format, format, 1);
    }

    /// The sums.
    pub fn read(&self) -> ReportMetrics {
        let sums = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sums.clone()
    }
}

/// Adds to a label that is there; another one would be a series of the report's own.
fn add(sums: &mut BTreeMap<String, u64>, label: &str, count: u64) {
    if let Some(sum) = sums.get_mut(label) {
        raise(sum, count);
    }
}

fn raise(sum: &mut u64, count: u64) {
    *sum = sum.saturating_add(count.min(MOST));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(files: &[&str]) -> ReportMetrics {
        let counts = ReportCounts::default();
        for file in files {
            let report = orch_core::report::recognise(file.as_bytes()).expect(file);
            counts.count(&report);
        }
        counts.read()
    }

    #[test]
    fn each_format_adds_to_its_sums() {
        let sums = counted(&[
            "<testsuite><testcase name='a'/><testcase name='b'><failure/></testcase><testcase name='c'><error/></testcase>\
             <testcase name='d'><skipped/></testcase></testsuite>",
            "SF:a.rs\nDA:1,1\nDA:2,0\nDA:3,4\nend_of_record\n",
            r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"library","name":"a"}],"vulnerabilities":[{"id":"x"}]}"#,
            "<testsuite><testcase",
        ]);
        let tests: Vec<u64> = ["passed", "failed", "skipped"]
            .map(|of| sums.tests[of])
            .into();
        assert_eq!(tests, [1, 2, 1]);
        assert_eq!((sums.lines["covered"], sums.lines["missed"]), (2, 1));
        assert_eq!((sums.components, sums.vulnerabilities), (1, 1));
        assert_eq!(sums.by_format["junit"], 1);
        assert_eq!(sums.by_format["unreadable"], 1);
    }

    #[test]
    fn a_report_makes_no_series_of_its_own_and_turns_no_counter_over() {
        let counts = ReportCounts::default();
        let levels = [("error", u64::MAX), ("own\"}", 7), ("note", 2)];
        let levels = levels.map(|(level, count)| (level.to_owned(), count));
        let report = Report::Sarif {
            tools: Vec::new(),
            results: 0,
            levels: levels.into(),
            top: Vec::new(),
        };
        counts.count(&report);
        counts.count(&report);
        let sums = counts.read();
        assert_eq!(sums.findings["error"], 2 * MOST);
        assert_eq!(sums.findings["note"], 4);
        let labels: Vec<&str> = sums.findings.keys().map(String::as_str).collect();
        assert_eq!(labels, ["error", "none", "note", "warning"]);
    }
}
