//! How long the whole takes, tried many times: each time every task has a length of its own, drawn around
//! its mean, and the end is that of the longest chain. So many chains of nearly the same length make the
//! end later than each of them alone, as they do in truth. The draws hang on the seed alone: the same plan
//! has the same bands, and what finished work says moves them without noise of its own.

use std::sync::LazyLock;

use super::schedule::{Bands, Length};
use crate::entropy::Entropy;

/// Lengths that are drawn for one band, in all; a plan of few tasks is tried more often.
const DRAWS: usize = 200_000;
/// How often a plan is tried, at least and at most. Tries come in pairs.
const FEWEST_TRIES: usize = 200;
const MOST_TRIES: usize = 5_000;
/// What sums of fractions are off by makes no minute of its own.
const NOISE: f64 = 1e-6;
/// Steps of the normal distribution that are told apart.
const STEPS: usize = 4_096;

/// Standard normal quantiles in the middle of each step.
static NORMAL: LazyLock<Vec<f64>> = LazyLock::new(|| {
    let middle = |step: usize| (step as f64 + 0.5) / STEPS as f64;
    (0..STEPS).map(|step| quantile(middle(step))).collect()
});

/// What waits for what, in an order in which everything comes behind what it waits for.
#[derive(Clone, Copy, Debug)]
pub struct Course<'g> {
    pub order: &'g [usize],
    pub before: &'g [Vec<usize>],
    /// The task whose worker each one waits for, where workers are few; else empty.
    pub worker: &'g [Option<usize>],
}

/// How lucky each task is in each try, in standard deviations. Each try has one beside it that is as lucky as it
/// is not, so half of them are kept.
pub struct Luck {
    tasks: usize,
    /// Try by try.
    drawn: Vec<f64>,
}

impl Luck {
    pub fn of(tasks: usize, seed: u64) -> Self {
        let pairs = (DRAWS / tasks.max(1)).clamp(FEWEST_TRIES, MOST_TRIES) / 2;
        let mut entropy = Entropy::seeded(seed);
        // The upper 12 bits of 64 are a step.
        let mut draw = || NORMAL[(entropy.next_u64() >> 52) as usize];
        Self {
            tasks,
            drawn: (0..pairs * tasks).map(|_| draw()).collect(),
        }
    }

    fn tries(&self) -> impl Iterator<Item = &[f64]> {
        self.drawn.chunks_exact(self.tasks.max(1))
    }
}

/// The bands of the end of the last task.
pub fn bands(course: Course<'_>, lengths: &[Length], luck: &Luck) -> Bands {
    if course.order.is_empty() {
        return Bands::default();
    }
    let mut finish = vec![0.0; lengths.len()];
    let spread: Vec<(f64, f64)> = lengths
        .iter()
        .map(|length| (length.mean, length.variance.sqrt()))
        .collect();
    let mut ends = Vec::new();
    for drawn in luck.tries() {
        for sign in [1.0, -1.0] {
            ends.push(end(course, &spread, drawn, sign, &mut finish));
        }
    }
    ends.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| {
        let place = (ends.len() as f64 * share).ceil() as usize;
        let minutes = ends[place.clamp(1, ends.len()) - 1];
        (minutes - NOISE).max(0.0).ceil() as u64
    };
    Bands {
        p50: at(0.5),
        p80: at(0.8),
        p95: at(0.95),
    }
}

fn end(
    course: Course<'_>,
    spread: &[(f64, f64)],
    drawn: &[f64],
    sign: f64,
    finish: &mut [f64],
) -> f64 {
    let mut last = 0.0_f64;
    for at in course.order {
        let at = *at;
        let mut begin = 0.0_f64;
        for earlier in &course.before[at] {
            begin = begin.max(finish[*earlier]);
        }
        if let Some(Some(earlier)) = course.worker.get(at) {
            begin = begin.max(finish[*earlier]);
        }
        let (mean, deviation) = spread[at];
        finish[at] = begin + (mean + sign * deviation * drawn[at]).max(0.0);
        last = last.max(finish[at]);
    }
    last
}

/// The standard normal quantile of `share`, by bisection of its distribution: only the table asks.
fn quantile(share: f64) -> f64 {
    let (mut low, mut high) = (-8.0, 8.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        match below(middle) < share {
            true => low = middle,
            false => high = middle,
        }
    }
    0.5 * (low + high)
}

/// The share below `x` (Abramowitz and Stegun 26.2.17, within 7.5e-8).
fn below(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * x.abs());
    let weights = [
        1.330_274_429,
        -1.821_255_978,
        1.781_477_937,
        -0.356_563_782,
        0.319_381_530,
    ];
    let sum = weights.iter().fold(0.0, |sum, weight| (sum + weight) * t);
    let density = (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let tail = density * sum;
    match x < 0.0 {
        true => tail,
        false => 1.0 - tail,
    }
}

#[cfg(test)]
mod tests {
    use super::{Course, Length, Luck, bands, quantile};

    /// `paths` chains of one task each, of mean 100 and deviation 20.
    fn parallel(paths: usize) -> super::Bands {
        let order: Vec<usize> = (0..paths).collect();
        let course = Course {
            order: &order,
            before: &vec![Vec::new(); paths],
            worker: &[],
        };
        let length = Length {
            mean: 100.0,
            variance: 400.0,
        };
        bands(course, &vec![length; paths], &Luck::of(paths, 7))
    }

    /// Whether `found` is `expected`, within three minutes.
    fn is_near(found: u64, expected: f64) -> bool {
        (found as f64 - expected).abs() <= 3.0
    }

    #[test]
    fn quantiles_are_those_of_the_normal_distribution() {
        for (share, expected) in [(0.5, 0.0), (0.8, 0.841_621), (0.95, 1.644_854)] {
            assert!((quantile(share) - expected).abs() < 1e-4, "{share}");
        }
    }

    #[test]
    fn one_path_has_the_bands_of_its_length() {
        let found = parallel(1);
        assert!(is_near(found.p50, 100.0), "{found:?}");
        assert!(is_near(found.p80, 116.8), "{found:?}");
        assert!(is_near(found.p95, 132.9), "{found:?}");
    }

    /// The largest of 50 draws: the share of one is the 50th root of that of all.
    #[test]
    fn many_paths_of_nearly_the_same_length_end_later_than_each_alone() {
        let found = parallel(50);
        let of_all = |share: f64| 100.0 + 20.0 * quantile(share.powf(1.0 / 50.0));
        assert!(is_near(found.p50, of_all(0.5)), "{found:?}");
        assert!(is_near(found.p80, of_all(0.8)), "{found:?}");
        assert!(is_near(found.p95, of_all(0.95)), "{found:?}");
        assert!(found.p50 > parallel(1).p95);
    }

    #[test]
    fn the_same_seed_gives_the_same_bands() {
        assert_eq!(parallel(10), parallel(10));
    }
}
