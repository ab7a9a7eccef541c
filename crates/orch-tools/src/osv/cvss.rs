//! The base score of a CVSS 3 vector, as its specification computes it.

/// The score, 0 to 10; none for what is no such vector.
pub(super) fn score(vector: &str) -> Option<f64> {
    if let Ok(plain) = vector.parse::<f64>() {
        return (0.0..=10.0).contains(&plain).then_some(plain);
    }
    let rest = vector.strip_prefix("CVSS:3.")?;
    let (_, metrics) = rest.split_once('/')?;
    let value = |name: &str| {
        let pairs = metrics.split('/').filter_map(|pair| pair.split_once(':'));
        pairs
            .into_iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    };
    let changed = value("S")? == "C";
    let way = match value("AV")? {
        "N" => 0.85,
        "A" => 0.62,
        "L" => 0.55,
        "P" => 0.2,
        _ => return None,
    };
    let complexity = match value("AC")? {
        "L" => 0.77,
        "H" => 0.44,
        _ => return None,
    };
    let rights = match (value("PR")?, changed) {
        ("N", _) => 0.85,
        ("L", false) => 0.62,
        ("L", true) => 0.68,
        ("H", false) => 0.27,
        ("H", true) => 0.5,
        _ => return None,
    };
    let user = match value("UI")? {
        "N" => 0.85,
        "R" => 0.62,
        _ => return None,
    };
    let loss = |name: &str| match value(name)? {
        "H" => Some(0.56),
        "L" => Some(0.22),
        "N" => Some(0.0),
        _ => None,
    };
    let kept = (1.0 - loss("C")?) * (1.0 - loss("I")?) * (1.0 - loss("A")?);
    let lost: f64 = 1.0 - kept;
    let impact = match changed {
        true => 7.52 * (lost - 0.029) - 3.25 * (lost - 0.02).powi(15),
        false => 6.42 * lost,
    };
    if impact <= 0.0 {
        return Some(0.0);
    }
    let exploitability = 8.22 * way * complexity * rights * user;
    let sum = match changed {
        true => 1.08 * (impact + exploitability),
        false => impact + exploitability,
    };
    // Rounded up to one decimal, free of what floating numbers add.
    let whole = (sum.min(10.0) * 100_000.0).round();
    Some((whole / 10_000.0).ceil() / 10.0)
}
