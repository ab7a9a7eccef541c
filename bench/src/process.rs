//! What a process costs, as the kernel counts it.

/// Kernel ticks in a second; the same on every Linux that we know of.
const TICKS: f64 = 100.0;

/// Processor time of a process so far, in seconds.
pub fn cpu_seconds(pid: u32) -> f64 {
    stat_seconds(&format!("/proc/{pid}/stat"))
}

/// Processor time of this process's threads so far, in seconds: those whose name begins with
/// `prefix`, and the others.
pub fn own_cpu_seconds(prefix: &str) -> (f64, f64) {
    let (mut named, mut others) = (0.0, 0.0);
    for task in std::fs::read_dir("/proc/self/task").into_iter().flatten() {
        let Ok(task) = task else { continue };
        let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        let seconds = stat_seconds(&task.path().join("stat").display().to_string());
        if name.starts_with(prefix) {
            named += seconds;
        } else {
            others += seconds;
        }
    }
    (named, others)
}

fn stat_seconds(path: &str) -> f64 {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    // The name stands in parentheses and may hold anything.
    let fields = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let tick = |index: usize| {
        let field = fields.split_whitespace().nth(index);
        field
            .and_then(|field| field.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    (tick(11) + tick(12)) / TICKS
}

/// How often the threads of a process went to sleep of themselves so far.
pub fn sleeps(pid: u32) -> f64 {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task"));
    let count = |task: std::fs::DirEntry| {
        let text = std::fs::read_to_string(task.path().join("status")).unwrap_or_default();
        field(&text, "voluntary_ctxt_switches:")
    };
    tasks.into_iter().flatten().flatten().map(count).sum()
}

/// Memory in MiB: resident, and proportional (shared pages counted in part).
pub fn memory_mib(pid: u32) -> (f64, f64) {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    (field(&text, "Rss:") / 1024.0, field(&text, "Pss:") / 1024.0)
}

/// Living children of a process.
pub fn children(parent: u32) -> usize {
    let wanted = parent.to_string();
    let is_child = |entry: &std::fs::DirEntry| {
        let text = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let rest = text.rsplit_once(')').map_or("", |(_, rest)| rest);
        let mut fields = rest.split_whitespace();
        fields.next() != Some("Z") && fields.next() == Some(wanted.as_str())
    };
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.filter(is_child).count()
}

fn field(text: &str, name: &str) -> f64 {
    let line = text.lines().find(|line| line.starts_with(name));
    let value = line.and_then(|line| line.split_whitespace().nth(1));
    value
        .and_then(|value| value.parse().ok())
        .unwrap_or(f64::NAN)
}
