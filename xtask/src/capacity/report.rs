//! The results as a table, in words, or as JSON.

use std::fmt::Write as _;

use super::limits::{Break, Knob, Limits, Remedy};
use super::load::{Load, float};
use super::model::Expected;
use super::simulate::Counted;

/// One load and what comes of it.
pub(crate) struct Row {
    pub(crate) load: Load,
    pub(crate) expected: Expected,
    pub(crate) counted: Option<Counted>,
    pub(crate) breaks: Vec<Break>,
    pub(crate) remedy: Remedy,
}

pub(crate) fn table(rows: &[Row], limits: &Limits) -> String {
    let mut titles = vec![
        "tenants",
        "items/s",
        "KMS/s",
        "of quota",
        "hot key reads/s",
        "restart KMS/s",
        "entries",
        "$/month",
        "aws-kms of quota",
        "aws-kms $/month",
        "breaks",
    ];
    let simulated = rows.iter().any(|row| row.counted.is_some());
    if simulated {
        titles.extend(["counted KMS/s", "differs by"]);
    }
    let mut lines = vec![titles.into_iter().map(ToOwned::to_owned).collect::<Vec<_>>()];
    lines.extend(rows.iter().map(|row| cells(row, limits)));
    let mut out = aligned(&lines);
    out.push_str(LEGEND);
    for row in rows.iter().filter(|row| !row.breaks.is_empty()) {
        let _ = write!(
            out,
            "\n{} tenants, {} items/s: {}.\n  ",
            grouped(float(row.load.tenants)),
            grouped(row.load.rate),
            why(row, limits)
        );
        out.push_str(&remedy(row));
    }
    out.push('\n');
    out
}

pub(crate) fn json(rows: &[Row], limits: &Limits) -> String {
    let objects: Vec<_> = rows.iter().map(|row| object(row, limits)).collect();
    format!("[\n{}\n]\n", objects.join(",\n"))
}

fn cells(row: &Row, limits: &Limits) -> Vec<String> {
    let Row { load, expected, .. } = row;
    let breaks: Vec<_> = row.breaks.iter().map(|which| which.word()).collect();
    let mut cells = vec![
        grouped(float(load.tenants)),
        grouped(load.rate),
        grouped(expected.fetches),
        format!("{} %", grouped(100.0 * expected.fetches / limits.kms)),
        grouped(expected.hottest),
        grouped(expected.cold),
        format!("{}{}", grouped(expected.entries), if expected.full { " (full)" } else { "" }),
        grouped(limits.cost(expected)),
        format!("{} %", grouped(100.0 * load.rate / limits.kms)),
        grouped(limits.cost_without_cache(load)),
        if breaks.is_empty() { "-".to_owned() } else { breaks.join(" ") },
    ];
    if let Some(counted) = row.counted {
        cells.push(grouped(counted.fetches));
        cells.push(format!("{:+.1} %", 100.0 * (counted.fetches / expected.fetches - 1.0)));
    }
    cells
}

fn why(row: &Row, limits: &Limits) -> String {
    let Expected { fetches, hottest, cold, entries, full } = row.expected;
    let reasons = row.breaks.iter().map(|which| match which {
        Break::Kms => format!("KMS is asked {} times a second and allows {}", grouped(fetches), grouped(limits.kms)),
        Break::Partition => {
            format!("the busiest branch key is read {} times a second, more than a partition serves", grouped(hottest))
        }
        Break::Table => format!("the key store is read {} times a second, more than a table's quota", grouped(fetches)),
        Break::Restart => {
            format!("if all processes start at once, {} keys are fetched in the first second", grouped(cold))
        }
    });
    let mut why = reasons.collect::<Vec<_>>().join("; ");
    if full {
        let _ = write!(
            why,
            "; a cache holds {} entries of the {} in use",
            grouped(float(row.load.capacity)),
            grouped(entries)
        );
    }
    why
}

fn remedy(Row { load, remedy, breaks, .. }: &Row) -> String {
    let listed = |knobs: &[Knob], between| knobs.iter().map(|knob| words(knob, load)).collect::<Vec<_>>().join(between);
    let mut sentences = Vec::new();
    if !remedy.alone.is_empty() {
        sentences.push(format!("Enough by itself: {}.", listed(&remedy.alone, "; or ")));
    } else if !remedy.together.is_empty() {
        sentences.push(format!("Enough together: {}.", listed(&remedy.together, "; and ")));
    } else if breaks.iter().any(|&which| which != Break::Restart) {
        sentences.push(NOTHING.to_owned());
    }
    match remedy.start {
        Some(0) => sentences.push("Let the load of each process grow over some seconds when it starts.".to_owned()),
        Some(1) => sentences.push("Start one process after another.".to_owned()),
        Some(count) => sentences.push(format!("Start at most {count} processes in the same second.")),
        None => {}
    }
    sentences.join(" ")
}

fn words(knob: &Knob, load: &Load) -> String {
    match knob {
        Knob::Ttl(ttl) => format!("cache_ttl = {ttl} instead of {}", load.ttl),
        Knob::Capacity(capacity) => format!("cache_capacity = {capacity} instead of {}", load.capacity),
        Knob::OldVersions(count) => {
            format!(
                "{count} old versions in use instead of {} (write anew what lies under the others)",
                load.old_versions
            )
        }
        Knob::Spread(spread) => format!("each tenant on {spread} processes instead of {}", load.spread),
    }
}

fn object(row: &Row, limits: &Limits) -> String {
    let Row { load, expected, .. } = row;
    let breaks: Vec<_> = row.breaks.iter().map(|which| format!("\"{}\"", which.word())).collect();
    let mut members = vec![
        ("rate", load.rate.to_string()),
        ("tenants", load.tenants.to_string()),
        ("processes", load.processes.to_string()),
        ("spread", load.spread.to_string()),
        ("reads", load.reads.to_string()),
        ("old_versions", load.old_versions.to_string()),
        ("old_reads", load.old_reads.to_string()),
        ("zipf", load.zipf.to_string()),
        ("cache_ttl", load.ttl.to_string()),
        ("cache_capacity", load.capacity.to_string()),
        ("cache_refresh_early", load.early.to_string()),
        ("kms_quota", limits.kms.to_string()),
        ("kms_per_second", expected.fetches.to_string()),
        ("key_store_reads_per_second", expected.fetches.to_string()),
        ("hot_key_reads_per_second", expected.hottest.to_string()),
        ("restart_kms_per_second", expected.cold.to_string()),
        ("entries", expected.entries.to_string()),
        ("cache_full", expected.full.to_string()),
        ("dollars_per_month", limits.cost(expected).to_string()),
        ("aws_kms_per_second", load.rate.to_string()),
        ("aws_kms_dollars_per_month", limits.cost_without_cache(load).to_string()),
        ("breaks", format!("[{}]", breaks.join(", "))),
    ];
    for (name, knobs) in [("enough_alone", &row.remedy.alone), ("enough_together", &row.remedy.together)] {
        let knobs: Vec<_> = knobs.iter().map(setting).collect();
        members.push((name, format!("{{{}}}", knobs.join(", "))));
    }
    members.push(("start_at_once", row.remedy.start.unwrap_or(load.processes).to_string()));
    if let Some(counted) = row.counted {
        members.push(("counted_requests", counted.requests.to_string()));
        members.push(("counted_kms_per_second", counted.fetches.to_string()));
        members.push(("counted_hot_key_reads_per_second", counted.hottest.to_string()));
    }
    let members: Vec<_> = members.into_iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
    format!("  {{ {} }}", members.join(", "))
}

fn setting(knob: &Knob) -> String {
    match knob {
        Knob::Ttl(ttl) => format!("\"cache_ttl\": {ttl}"),
        Knob::Capacity(capacity) => format!("\"cache_capacity\": {capacity}"),
        Knob::Spread(spread) => format!("\"spread\": {spread}"),
        Knob::OldVersions(count) => format!("\"old_versions\": {count}"),
    }
}

/// Columns as wide as they must be.
fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<_> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
    let mut out = String::new();
    for line in lines {
        let cells: Vec<_> = line.iter().zip(&widths).map(|(cell, &width)| format!("{cell:>width$}")).collect();
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
    }
    out
}

/// A number as people read it: two digits after the point if it is small, groups of three if it is large.
pub(crate) fn grouped(number: f64) -> String {
    if number > 0.0 && number < 0.005 {
        return "<0.01".to_owned();
    }
    if number < 100.0 {
        let text = format!("{number:.2}");
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    let digits = format!("{number:.0}");
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

const LEGEND: &str = "
KMS/s            Decrypt requests of all processes in the long run; the key store is read as often (1 unit each)
hot key reads/s  those of the busiest branch key; a partition serves 3,000 units
restart KMS/s    in the first second, if all processes start at once with empty caches
entries          branch-key versions in use within one cache_ttl in each process
aws-kms          the key ring that asks KMS once for each item: GenerateDataKey to seal, Decrypt to open
";
const NOTHING: &str = "No setting is enough: ask AWS for a higher quota, or divide the tenants between accounts.";
