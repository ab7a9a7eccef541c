//! Coverage as Cobertura's XML and coverage.py's JSON have it.

use serde::Deserialize;

use super::xml::{self, Part};
use super::{Report, percent};

pub(super) fn cobertura(bytes: &[u8]) -> Result<Option<Report>, String> {
    let mut is_cobertura = false;
    let mut told = None;
    let (mut lines, mut covered, mut in_method) = (0_u64, 0_u64, 0_u32);
    xml::read(bytes, |part| match part {
        Part::Open(element) => match element.name.as_str() {
            "coverage" => {
                is_cobertura = element.attribute("line-rate").is_some();
                told = element
                    .number("lines-valid")
                    .zip(element.number("lines-covered"));
            }
            // Its lines stand a second time in the class.
            "method" => in_method += 1,
            "line" if in_method == 0 => {
                lines += 1;
                covered += u64::from(element.number("hits").unwrap_or(0) > 0);
            }
            _ => {}
        },
        Part::Close(name) if name == "method" => in_method = in_method.saturating_sub(1),
        Part::Close(_) | Part::Text(_) => {}
    })?;
    if !is_cobertura {
        return Ok(None);
    }
    let (lines, covered) = told
        .filter(|(valid, _)| *valid > 0)
        .unwrap_or((lines, covered));
    Ok(Some(report("cobertura", lines, covered)))
}

#[derive(Deserialize)]
struct CoveragePy {
    totals: Totals,
}

#[derive(Deserialize)]
struct Totals {
    covered_lines: u64,
    num_statements: u64,
}

pub(super) fn coverage_py(bytes: &[u8]) -> Result<Option<Report>, String> {
    let read: CoveragePy = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let Totals {
        covered_lines,
        num_statements,
    } = read.totals;
    Ok(Some(report("coverage.py", num_statements, covered_lines)))
}

fn report(source: &'static str, lines: u64, covered: u64) -> Report {
    let covered = covered.min(lines);
    Report::Coverage {
        source,
        lines,
        covered,
        percent: percent(covered, lines),
    }
}
