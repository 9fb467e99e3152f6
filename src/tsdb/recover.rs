//! The start: manifest and footers are read, segments that a crash left open are sealed, the row log is replayed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use super::TsdbOptions;
use super::disk::{Disk, read_all};
use super::error::OpenError;
use super::limits::LOG_HELD_BYTES;
use super::log::replay::{Replay, Replayed};
use super::log::starts::{Flushed, Keyframes};
use super::log::{self, ClosedFile, Header, RowLog};
use super::losses;
use super::manifest::{LogEdit, LogFile, Manifest, Origin, Written};
use super::metrics::Metrics;
use super::segment::seal::{self, Footer};
use super::segment::{OpenSegment, Segment, SegmentFile, id_of_name};
use super::store::{SegmentSet, Store};
use super::tombstones::TombstoneFile;
use crate::clock::Clock;
use crate::telemetry::Registry;

/// Our files in the data folder.
pub const FOLDER: &str = "promlet";

pub fn open(options: TsdbOptions, disk: Arc<dyn Disk>, clock: Clock, registry: &Registry) -> Result<Arc<Store>, OpenError> {
    let folder = options.folder.join(FOLDER);
    disk.create_folder(&folder).map_err(|error| OpenError::io(&folder, "creating", error))?;
    let files = disk.list(&folder).map_err(|error| OpenError::io(&folder, "listing", error))?;
    let ids: BTreeSet<u64> = files.iter().filter_map(|(name, _)| id_of_name(name)).collect();
    for (name, _) in files.iter().filter(|(name, _)| name.starts_with(seal::MERGING)) {
        let path = folder.join(name);
        disk.remove(&path).map_err(|error| OpenError::io(&path, "removing", error))?;
    }
    let (mut manifest, origin) = Manifest::open(disk.clone(), &folder, || rebuild(disk.as_ref(), &folder, &ids))?;
    if origin == Origin::Rebuilt && !files.is_empty() {
        tracing::warn!(
            "{}: missing or damaged, made anew from the segments' footers; whether a file of the row log is missing cannot be told",
            folder.join(super::manifest::NAME).display()
        );
    }
    let losses = losses::find(&folder, &manifest.content, &files);
    losses.iter().for_each(|loss| tracing::error!("{loss}"));
    let sealed = segments(disk.as_ref(), &folder, &ids, &mut manifest)?;
    let said = &manifest.content;
    let next =
        [ids.last(), said.live.last(), said.removed.last(), said.unsealed.keys().last()].into_iter().flatten().max().map_or(1, |id| id + 1);
    let _ = manifest.compact();
    let logs = log_files(disk.as_ref(), &folder, &files)?;
    adopt(disk.as_ref(), &folder, &mut manifest, &logs);
    let tombstones = TombstoneFile::open(disk.clone(), &folder)?;
    let store = assemble(options, folder, disk, clock, registry, manifest, tombstones, sealed, next, logs.clone(), losses);
    replay(&store, &logs)?;
    let newest = store.newest_time.load(Ordering::Acquire);
    if let Err(error) = store.log.rotate(newest).and_then(|()| super::maintain::write_opening(&store)) {
        store.stop_writing("starting a file of the row log", &error, true);
    }
    super::maintain::publish(&store);
    Ok(store)
}

#[expect(clippy::too_many_arguments, reason = "called once; each is a part of the store")]
fn assemble(
    options: TsdbOptions,
    folder: std::path::PathBuf,
    disk: Arc<dyn Disk>,
    clock: Clock,
    registry: &Registry,
    manifest: Manifest,
    tombstones: TombstoneFile,
    sealed: Vec<Arc<Segment>>,
    next: u64,
    logs: Vec<ClosedFile>,
    losses: Vec<String>,
) -> Arc<Store> {
    let seed = manifest.content.seed;
    // A number that a missing file had is not given again.
    let last_number = logs.last().map(|file| file.number).into_iter().chain(manifest.content.logs.keys().last().copied()).max();
    let manifest = Arc::new(Mutex::new(manifest));
    let log = RowLog::new(disk.clone(), &folder, options.sizes.log_file_bytes, manifest.clone(), last_number.unwrap_or(0), logs);
    log.set_first_segment(next);
    let open = Arc::new(OpenSegment::new(disk.clone(), folder.clone(), next));
    let newest = sealed.iter().map(|s| s.footer.max_time).max().unwrap_or(i64::MIN);
    let window = options.out_of_order_window.0;
    Arc::new(Store {
        options,
        folder,
        disk,
        clock,
        metrics: Metrics::new(registry, losses.len()),
        seed,
        head: RwLock::default(),
        sources: RwLock::default(),
        log,
        segments: RwLock::new(Arc::new(SegmentSet { sealed, open })),
        indexes: Default::default(),
        manifest,
        losses,
        tombstones,
        budget: OnceLock::new(),
        elders: OnceLock::new(),
        unmergeable: Mutex::default(),
        contested: Mutex::default(),
        metadata: RwLock::default(),
        exemplars: Mutex::default(),
        standings: Mutex::default(),
        sequence: AtomicU64::new(0),
        pins: Mutex::new(BTreeMap::new()),
        versions: Default::default(),
        read_only: RwLock::new(None),
        scratch: Mutex::default(),
        next_segment: AtomicU64::new(next + 1),
        newest_time: AtomicI64::new(newest),
        out_of_order_window: AtomicI64::new(window),
        late_unsynced: AtomicBool::new(false),
        sweep_due: AtomicBool::new(false),
        renumbering: RwLock::default(),
        maintaining: Mutex::default(),
    })
}

/// The row log's files, oldest first.
fn log_files(disk: &dyn Disk, folder: &Path, files: &[(String, u64)]) -> Result<Vec<ClosedFile>, OpenError> {
    let mut logs = Vec::new();
    for (name, bytes) in files {
        let Some(number) = log::number_of(name) else { continue };
        let path = folder.join(name);
        let mut header = vec![0; log::HEADER.min(usize::try_from(*bytes).unwrap_or(usize::MAX))];
        disk.open(&path).and_then(|file| file.read_at(&mut header, 0)).map_err(|error| OpenError::io(&path, "reading", error))?;
        // Without a whole header there is no row in it either.
        let first_segment = Header::read(&header).map_or(u64::MAX, |header| header.first_segment);
        logs.push(ClosedFile { number, bytes: *bytes, first_segment });
    }
    logs.sort_by_key(|file| file.number);
    Ok(logs)
}

/// Files of the row log that an earlier run left grow no more: from now on the manifest knows how long they are.
fn adopt(disk: &dyn Disk, folder: &Path, manifest: &mut Manifest, found: &[ClosedFile]) {
    let mut logs = Vec::new();
    for file in found {
        let known = manifest.content.logs.get(&file.number).copied();
        let LogFile { after, written } = known.unwrap_or(LogFile { after: i64::MIN, written: Written::Grows });
        if written == Written::Grows {
            // The run that wrote it may have ended before its last sync.
            let synced = disk.open(&folder.join(log::file_name(file.number))).and_then(|open| open.sync());
            let written = if synced.is_ok() { Written::Closed(file.bytes) } else { written };
            logs.push((file.number, LogFile { after, written }));
        }
    }
    // A full disk must not keep us from serving: the same is found out again at the next start.
    if let Err(error) = manifest.edit_logs(&LogEdit { logs, ..LogEdit::default() }) {
        tracing::warn!("{}: {error}", folder.join(super::manifest::NAME).display());
    }
}

/// Seed and segments as the footers tell: a merge's inputs are left out.
fn rebuild(disk: &dyn Disk, folder: &Path, ids: &BTreeSet<u64>) -> io::Result<(u64, BTreeSet<u64>)> {
    let mut footers: Vec<Footer> = Vec::new();
    for id in ids {
        footers.extend(Segment::open(disk, folder, *id)?.map(|segment| segment.footer));
    }
    let is_merged = |f: &Footer| {
        let is_newer = |o: &Footer| (o.level, o.id) > (f.level, f.id) && (o.level > 0 || o.id == f.id);
        footers.iter().any(|o| is_newer(o) && o.oldest_input <= f.oldest_input && o.newest_input >= f.newest_input)
    };
    let live = footers.iter().filter(|f| !is_merged(f)).map(|f| f.id).collect();
    let seed = footers.first().map_or_else(|| RandomState::new().build_hasher().finish(), |f| f.seed);
    Ok((seed, live))
}

/// Opens what belongs to the store, seals what a crash left open, removes what a crash left behind.
fn segments(disk: &dyn Disk, folder: &Path, ids: &BTreeSet<u64>, manifest: &mut Manifest) -> Result<Vec<Arc<Segment>>, OpenError> {
    let (mut sealed, mut added) = (Vec::new(), Vec::new());
    for id in ids {
        let path = seal::path(folder, *id);
        let failed = |error| OpenError::io(&path, "opening", error);
        if manifest.content.removed.contains(id) {
            disk.remove(&path).map_err(failed)?;
            continue;
        }
        let is_known = manifest.content.live.contains(id);
        match Segment::open(disk, folder, *id).map_err(failed)? {
            Some(segment) if is_known => sealed.push(Arc::new(segment)),
            // A merge that was not finished: its inputs are all there.
            Some(segment) if segment.footer.level > 0 => disk.remove(&path).map_err(failed)?,
            Some(segment) => {
                added.push(*id);
                sealed.push(Arc::new(segment));
            }
            None => {
                if let Some(segment) = salvage(disk, folder, *id, manifest.content.seed).map_err(failed)? {
                    if is_known {
                        // A full disk leaves it so, too: then all of it is whole.
                        tracing::warn!(
                            "{}: it has no whole end (a full disk, or lost since); what is whole in it is served",
                            path.display()
                        );
                    } else {
                        added.push(*id);
                    }
                    sealed.push(Arc::new(segment));
                }
            }
        }
    }
    let content = &manifest.content;
    let missing: Vec<u64> =
        content.live.iter().chain(content.unsealed.keys()).copied().filter(|id| !sealed.iter().any(|s| s.footer.id == *id)).collect();
    for id in missing.iter().filter(|id| ids.contains(id)) {
        tracing::error!("{}: nothing of it can be read; its samples are not served", seal::path(folder, *id).display());
    }
    if !added.is_empty() || !missing.is_empty() {
        // A full disk must not keep us from serving: the same is found out again at the next start.
        if let Err(error) = manifest.edit(&added, &missing) {
            tracing::warn!("{}: {error}", folder.join(super::manifest::NAME).display());
        }
    }
    sealed.sort_by_key(|segment| (segment.footer.min_time, segment.footer.id));
    Ok(sealed)
}

fn salvage(disk: &dyn Disk, folder: &Path, id: u64, seed: u64) -> io::Result<Option<Segment>> {
    let path = seal::path(folder, id);
    let file = disk.open(&path)?;
    let salvaged = seal::salvage(&read_all(file.as_ref())?, seed);
    if salvaged.damaged > 0 {
        tracing::error!("{}: {} damaged stretches; what was whole around them is served", path.display(), salvaged.damaged);
    }
    if salvaged.index.groups.iter().all(|group| group.stripes.is_empty()) {
        disk.remove(&path)?;
        return Ok(None);
    }
    let (footer, written) = seal::seal_salvaged(&file, &salvaged, id);
    if let Err(error) = written.and_then(|()| disk.sync_folder(folder)) {
        // A full disk: what is there is served all the same, and sealed at the next start.
        tracing::warn!("{}: {error}; it is sealed at the next start", path.display());
        let (bytes, salvaged_version, held) = (salvaged.size, salvaged.version, Some(Arc::new(salvaged.index)));
        return Ok(Some(Segment { footer, file: Arc::new(SegmentFile::new(path, file, salvaged_version)), bytes, held }));
    }
    Segment::open(disk, folder, id)
}

fn replay(store: &Arc<Store>, logs: &[ClosedFile]) -> Result<(), OpenError> {
    let read = |file: &ClosedFile| {
        let path = store.folder.join(log::file_name(file.number));
        let failed = |error| OpenError::io(&path, "reading", error);
        store.disk.open(&path).and_then(|file| read_all(file.as_ref())).map_err(failed)
    };
    let (mut flushed, mut keyframes, mut held) = (HashMap::new(), Keyframes::default(), HashMap::new());
    let is_short = logs.iter().map(|file| file.bytes).sum::<u64>() <= LOG_HELD_BYTES;
    for file in logs {
        let bytes = read(file)?;
        if let Some(header) = Header::read(&bytes) {
            keyframes.look(header.number, &bytes);
            flushed.insert(header.number, flushed_rows(store, header));
        } else {
            let (path, size) = (store.folder.join(log::file_name(file.number)), bytes.len());
            tracing::warn!("{}: {size} bytes that do not begin as a row log: just begun at a power cut, or lost since", path.display());
        }
        if is_short {
            held.insert(file.number, bytes);
        }
    }
    let starts = keyframes.starts(&flushed);
    store.head.write().unwrap_or_else(PoisonError::into_inner).index.is_filling = true;
    for file in logs {
        let bytes = held.remove(&file.number).map_or_else(|| read(file), Ok)?;
        let Some(header) = Header::read(&bytes) else { continue };
        let Some(flushed) = flushed.get(&header.number) else { continue };
        let found = Replay::new(store, header, flushed, &starts).file(&bytes);
        store.metrics.log_damaged.add(found.damaged);
        store.metrics.log_lost.add(found.lost);
        say(&store.folder.join(log::file_name(file.number)), &found);
    }
    store.head.write().unwrap_or_else(PoisonError::into_inner).index.cover();
    catch_up(store, logs);
    for source in store.source_list() {
        let state = &mut *super::store::lock(&source.state);
        state.slots.rebuild(&state.groups);
    }
    store.sequence.store(1, Ordering::Release);
    Ok(())
}

/// What of a log file could not be used.
fn say(path: &Path, found: &Replayed) {
    if found.damaged > 0 || found.lost > 0 {
        tracing::error!(
            "{}: {} damaged stretches ({}); {} rows after them could not be used",
            path.display(),
            found.damaged,
            found.first_damage.unwrap_or("rows are missing"),
            found.lost
        );
    }
    if found.torn > 0 {
        tracing::warn!(
            "{}: its last {} bytes are no whole record, as a power cut leaves them; they are not used",
            path.display(),
            found.torn
        );
    }
}

/// After a power cut stripes may hold rows that the log has lost: such groups go on after those.
fn catch_up(store: &Arc<Store>, logs: &[ClosedFile]) {
    let Some(first_segment) = logs.iter().map(|file| file.first_segment).min() else { return };
    let mut stood: HashMap<u64, (u64, i64)> = HashMap::new();
    for segment in store.segments().sealed.iter().filter(|s| s.footer.newest_input >= first_segment) {
        let Ok(index) = store.indexes.get(segment) else { continue };
        for group in &index.groups {
            let known = stood.entry(group.id).or_insert((0, i64::MIN));
            let newest = group.stripes.iter().map(|s| s.max_time).max().unwrap_or(i64::MIN);
            *known = (known.0.max(group.next_row), known.1.max(newest));
        }
    }
    let mut scratch = store.take_scratch();
    for source in store.source_list() {
        for group in &mut super::store::lock(&source.state).groups {
            let Some((next_row, newest)) = stood.get(&group.id).copied() else { continue };
            if next_row > group.next_row || newest > group.last_time {
                // On a full disk the tail stays: it is read all the same, and nothing is written anyway.
                if store.flush(group, &source.key, &mut scratch).is_err() {
                    continue;
                }
                group.stood_at(next_row, newest);
            }
        }
    }
    store.give_scratch(scratch);
}

/// For each group the rows of a log file that the segments hold.
fn flushed_rows(store: &Store, header: Header) -> Flushed {
    let mut rows = Flushed::new();
    for segment in &store.segments().sealed {
        if segment.footer.newest_input < header.first_segment {
            continue;
        }
        match store.indexes.get(segment) {
            Ok(index) => {
                for group in &index.groups {
                    let of_stripes = group.stripes.iter().map(|s| (s.first_row, s.first_row + u64::from(s.rows)));
                    rows.entry(group.id).or_default().extend(of_stripes);
                }
            }
            Err(error) => tracing::error!("{error}"),
        }
    }
    rows
}
