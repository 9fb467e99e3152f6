//! What the manifest says must be in the folder and is not, or is shorter than it was: said at the start and by `promlet tsdb verify`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::log;
use super::manifest::{Content, LogFile, Unsealed, Written};
use super::segment::{id_of_name, seal};
use super::tombstones;
use crate::model::TimestampMs;

/// What helps with all of these.
const HELP: &str = "to have it back, stop promlet and restore the file from a backup";

/// One sentence for each loss; `files` are names and sizes of what is in the folder. Damage within a file is found by who reads it.
pub fn find(folder: &Path, said: &Content, files: &[(String, u64)]) -> Vec<String> {
    let logs: BTreeMap<u64, u64> = files.iter().filter_map(|(name, bytes)| Some((log::number_of(name)?, *bytes))).collect();
    let segments: BTreeMap<u64, u64> = files.iter().filter_map(|(name, bytes)| Some((id_of_name(name)?, *bytes))).collect();
    let mut losses = of_segments(folder, &said.live, &segments);
    losses.extend(said.unsealed.iter().filter_map(|(id, unsealed)| of_unsealed(folder, *id, unsealed, segments.get(id).copied())));
    for (number, file) in &said.logs {
        let until = said.logs.range(number + 1..).next().map(|(_, next)| next.after);
        losses.extend(of_log(folder, *number, file, until, logs.get(number).copied()));
    }
    losses.extend(said.tombstones.and_then(|bytes| {
        let found = files.iter().find(|(name, _)| name == tombstones::NAME).map(|(_, found)| *found);
        let what = missing_or_short(found, bytes)?;
        Some(format!(
            "{}: {what}: samples that were deleted are served again; delete them anew; {HELP}",
            folder.join(tombstones::NAME).display()
        ))
    }));
    losses
}

fn of_segments(folder: &Path, live: &BTreeSet<u64>, there: &BTreeMap<u64, u64>) -> Vec<String> {
    let gone = live.iter().filter(|id| !there.contains_key(id));
    gone.map(|id| {
        format!("{}: the manifest names it, but it is not there; its samples are not served; {HELP}", seal::path(folder, *id).display())
    })
    .collect()
}

fn of_unsealed(folder: &Path, id: u64, unsealed: &Unsealed, found: Option<u64>) -> Option<String> {
    let what = missing_or_short(found, unsealed.bytes)?;
    let (path, from, until) = (seal::path(folder, id), TimestampMs(unsealed.min_time).rfc3339(), TimestampMs(unsealed.max_time).rfc3339());
    Some(format!("{}: {what}: samples from {from} to {until} were in it, and what is gone of them is not served; {HELP}", path.display()))
}

fn of_log(folder: &Path, number: u64, file: &LogFile, until: Option<i64>, found: Option<u64>) -> Option<String> {
    let (bytes, has_rows) = match file.written {
        Written::Grows => (log::HEADER as u64, true),
        Written::Closed(bytes) => (bytes, true),
        Written::WithoutRows(bytes) => (bytes, false),
    };
    let what = missing_or_short(found, bytes)?;
    let meaning = if has_rows {
        let from = if file.after == i64::MIN { "the beginning".to_owned() } else { format!("{} on", TimestampMs(file.after).rfc3339()) };
        let until = until.map_or_else(|| "the end of that run".to_owned(), |at| TimestampMs(at).rfc3339());
        format!("samples that came from {from} until {until} and had not reached a segment are not served")
    } else {
        "promlet had been stopped in order, so no sample is missing; metadata of metrics comes again with their next scrape".to_owned()
    };
    Some(format!("{}: this file of the row log {what}: {meaning}; {HELP}", folder.join(log::file_name(number)).display()))
}

fn missing_or_short(found: Option<u64>, bytes: u64) -> Option<String> {
    match found {
        None => Some("is missing".to_owned()),
        Some(found) if found < bytes => Some(format!("has {found} bytes of at least {bytes}")),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_loss_is_said_with_its_file_and_its_time() {
        let closed = LogFile { after: 1_700_000_000_000, written: Written::Closed(900) };
        let grows = LogFile { after: 1_700_000_060_000, written: Written::Grows };
        let unsealed = Unsealed { bytes: 70, min_time: 0, max_time: 5000 };
        let said = Content {
            live: [1, 2].into(),
            logs: [(7, closed), (8, grows)].into(),
            unsealed: [(3, unsealed)].into(),
            tombstones: Some(40),
            ..Content::default()
        };
        let file = |name: &str, bytes: u64| (name.to_owned(), bytes);
        let mut whole: Vec<_> =
            [("segment-00000001", 9), ("segment-00000002", 9), ("segment-00000003", 70)].map(|(n, b)| file(n, b)).into();
        whole.extend([("log-00000007", 900), ("log-00000008", 24), ("tombstones", 41)].map(|(n, b)| file(n, b)));
        assert!(find(Path::new("d"), &said, &whole).is_empty());
        let expected = [
            ("segment-00000001", "its samples are not served"),
            ("segment-00000003", "from 1970-01-01T00:00:00Z to 1970-01-01T00:00:05Z"),
            ("log-00000007", "from 2023-11-14T22:13:20Z on until 2023-11-14T22:14:20Z"),
            ("log-00000008", "from 2023-11-14T22:14:20Z on until the end of that run"),
            ("tombstones", "deleted are served again"),
        ];
        for (name, text) in expected {
            let without: Vec<_> = whole.iter().filter(|(n, _)| n != name).cloned().collect();
            let losses = find(Path::new("d"), &said, &without);
            assert!(matches!(&losses[..], [one] if one.contains(name) && one.contains(text)), "{losses:?}");
        }
        for (name, bytes) in [("segment-00000003", 69), ("log-00000007", 899), ("log-00000008", 23), ("tombstones", 39)] {
            let shorter: Vec<_> = whole.iter().map(|(n, whole)| (n.clone(), if n == name { bytes } else { *whole })).collect();
            let losses = find(Path::new("d"), &said, &shorter);
            assert!(matches!(&losses[..], [one] if one.contains(name) && one.contains(&format!("has {bytes} bytes"))), "{losses:?}");
        }
        let in_order = Content { logs: [(8, LogFile { written: Written::WithoutRows(50), ..grows })].into(), ..Content::default() };
        assert!(find(Path::new("d"), &in_order, &[])[0].contains("no sample is missing"));
    }
}
