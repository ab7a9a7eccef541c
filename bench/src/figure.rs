//! One measured value: its samples, its median, what is wanted of it.

use serde_json::{Value, json};

/// A measured value. Medians are shown, the spread is in the JSON.
pub struct Figure {
    pub name: String,
    pub unit: &'static str,
    /// What is wanted of it, in words.
    pub target: &'static str,
    pub samples: Vec<f64>,
}

impl Figure {
    pub fn new(
        name: impl Into<String>,
        unit: &'static str,
        target: &'static str,
        samples: Vec<f64>,
    ) -> Self {
        Self {
            name: name.into(),
            unit,
            target,
            samples,
        }
    }

    pub fn median(&self) -> f64 {
        quantile(&self.samples, 0.5)
    }

    pub fn to_json(&self) -> Value {
        json!({
            "name": self.name, "unit": self.unit, "target": self.target, "median": self.median(),
            "min": quantile(&self.samples, 0.0), "max": quantile(&self.samples, 1.0),
            "samples": self.samples.len(),
        })
    }
}

/// The value below which `part` (0 to 1) of the samples lie; NaN without samples.
pub fn quantile(samples: &[f64], part: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1) as f64;
    sorted
        .get((last * part).round() as usize)
        .copied()
        .unwrap_or(f64::NAN)
}
