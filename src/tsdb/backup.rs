//! A snapshot on disk: a folder beside the data that opens as a data folder, made of links to segments that never change.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::delete::AdminError;
use super::log::{self, Header};
use super::manifest::{LogFile, Written};
use super::segment::seal;
use super::store::{Store, lock};
use super::{maintain, manifest, recover, tombstones};
use crate::model::TimestampMs;

/// Where snapshots are, in the data folder.
pub const FOLDER: &str = "snapshots";

/// Makes a snapshot of everything, or of what is in segments already; its name is the folder's.
pub fn snapshot(store: &Arc<Store>, skip_head: bool) -> Result<String, AdminError> {
    let _schedule = lock(&store.maintaining);
    let name = name(store.clock.now(), RandomState::new().build_hasher().finish());
    let folder = store.options.folder.join(FOLDER).join(&name).join(recover::FOLDER);
    if !skip_head {
        store.check_writable().map_err(|error| AdminError::ReadOnly(error.to_string()))?;
        let failed = |error| AdminError::Io(store.stop_writing("sealing for a snapshot", &error, true).to_string());
        maintain::into_segments(store).map_err(failed)?;
    }
    copy(store, &folder).map_err(|error| AdminError::Io(format!("writing the snapshot {}: {error}", folder.display())))?;
    Ok(name)
}

fn copy(store: &Store, folder: &Path) -> io::Result<()> {
    let disk = store.disk.as_ref();
    disk.create_folder(folder)?;
    let segments = store.segments();
    let ids: BTreeSet<u64> = segments.sealed.iter().map(|segment| segment.footer.id).collect();
    for id in &ids {
        disk.link(&seal::path(&store.folder, *id), &seal::path(folder, *id))?;
    }
    let deleted = store.tombstones.current();
    let mut tombstones = None;
    if !deleted.is_empty() {
        tombstones = Some(tombstones::write_new(disk, folder, &deleted)?.size()?);
    }
    // What is known of metric families stands in the log alone.
    let header = Header { number: 1, first_segment: ids.last().map_or(1, |newest| newest + 1) };
    let file = disk.create(&folder.join(log::file_name(header.number)))?;
    file.append(&header.bytes())?;
    file.append(&maintain::opening(store))?;
    file.sync()?;
    let log = LogFile { after: store.newest_time.load(Ordering::Acquire), written: Written::WithoutRows(file.size()?) };
    let content = manifest::Content { seed: store.seed, live: ids, logs: [(header.number, log)].into(), tombstones, ..Default::default() };
    manifest::write_new(disk, folder, &content)?;
    folder.ancestors().skip(1).take(3).try_for_each(|above| disk.sync_folder(above))
}

/// `20171210T211224Z-2be650b6d019eb54`: the time and something random.
fn name(at: TimestampMs, random: u64) -> String {
    let (days, seconds) = (at.0.div_euclid(86_400_000), at.0.rem_euclid(86_400_000) / 1000);
    let (year, month, day) = date(days);
    format!("{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z-{random:016x}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// Year, month and day of a day counted from 1970-01-01 (Hinnant, "chrono-compatible low-level date algorithms").
fn date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, of_year - (153 * shifted_month + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_when() {
        assert_eq!(name(TimestampMs(1_512_940_344_000), 0x2be6_50b6_d019_eb54), "20171210T211224Z-2be650b6d019eb54");
        assert_eq!(name(TimestampMs(0), 1), "19700101T000000Z-0000000000000001");
        assert_eq!(name(TimestampMs(951_782_400_000), 0), "20000229T000000Z-0000000000000000");
    }
}
