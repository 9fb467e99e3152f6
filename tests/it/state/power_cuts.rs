//! `state.db` and power cuts: a child works on the file while `tests/state/record_writes.c`, preloaded, writes down every change and
//! drops every sync; then a seed chooses the moment of the cut and what of the unsynced writes is left, torn or lost. The file must open,
//! and hold all that was acknowledged by then, whole changes in their order, and nothing else.
//!
//! `PROMLET_STATE_SEEDS=from..until` runs other seeds than the usual ones. A seed's hundreds choose the work, the rest the cut. Every second
//! work begins on what a power cut in the one before left, so that recovery is cut, too.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use promlet::model::{Labels, Matcher, TimestampMs};
use promlet::state::{AlertRow, Change, DecisionRow, DeliveryRow, LogRow, SilenceRow, State};
use promlet::telemetry::Registry;
use promlet::tsdb::disk::crashing::Dice;

use super::recorded::{self, Disk, Image};

const SEEDS: Range<u64> = 0..1_000;
const CUTS_PER_WORK: u64 = 100;
const BATCHES: u64 = 60;
const FOLDER: &str = "PROMLET_RECORD_FOLDER";
const SEED: &str = "PROMLET_TEST_STATE_SEED";
/// Where the child says how many batches are acknowledged: recorded among the changes of the database.
const ACKNOWLEDGED: &str = "acknowledged";
/// The silence whose comment is the mark of the last batch.
const LAST: &str = "last";

/// What the file holds, in an order of its own.
#[derive(Clone, Debug, Default, PartialEq)]
struct Content {
    silences: BTreeMap<String, String>,
    alerts: BTreeMap<u64, String>,
    log: BTreeMap<String, String>,
    deliveries: BTreeMap<String, String>,
    /// The newest decision of each alert and group.
    decisions: BTreeMap<(u64, String), String>,
}

impl Content {
    fn read(state: &State) -> Self {
        Self {
            silences: state.silences().unwrap().into_iter().map(|row| (row.id.clone(), format!("{row:?}"))).collect(),
            alerts: state.alerts().unwrap().into_iter().map(|row| (row.fingerprint, format!("{row:?}"))).collect(),
            log: state.notification_log().unwrap().into_iter().map(|row| (row.slot.clone(), format!("{row:?}"))).collect(),
            deliveries: state.deliveries(10_000).unwrap().into_iter().map(|row| (row.id.clone(), format!("{row:?}"))).collect(),
            decisions: state
                .latest_decisions()
                .unwrap()
                .into_iter()
                .map(|row| ((row.fingerprint, row.group_id.to_string()), format!("{row:?}")))
                .collect(),
        }
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::PutSilence(row) => drop(self.silences.insert(row.id.clone(), format!("{row:?}"))),
            Change::DropSilence(id) => drop(self.silences.remove(id)),
            Change::PutAlert(row) => drop(self.alerts.insert(row.fingerprint, format!("{row:?}"))),
            Change::DropAlert(fingerprint) => drop(self.alerts.remove(fingerprint)),
            Change::PutLog(row) => drop(self.log.insert(row.slot.clone(), format!("{row:?}"))),
            Change::DropLog(slot) => drop(self.log.remove(slot)),
            Change::AddDecision(row) => drop(self.decisions.insert((row.fingerprint, row.group_id.to_string()), format!("{row:?}"))),
            Change::PutDelivery(row) => drop(self.deliveries.insert(row.id.clone(), format!("{row:?}"))),
            Change::CloseDelivery { .. } => panic!("no batch closes a delivery"),
        }
    }
}

fn text(dice: &mut Dice) -> String {
    let length = if dice.below(6) == 0 { dice.below(9_000) } else { dice.below(200) };
    (0..length).map(|_| char::from(b' ' + dice.below(94) as u8)).collect()
}

fn labels(number: u64) -> Labels {
    Labels::from_pairs([("alertname", "a"), ("n", number.to_string().as_str())])
}

fn silence(id: String, comment: String) -> Change {
    let at = TimestampMs(1_000);
    let matchers = vec![Matcher::equal("n", id.clone())];
    Change::PutSilence(SilenceRow {
        id,
        matchers,
        starts_at: at,
        ends_at: at,
        updated_at: at,
        created_by: "me".to_owned(),
        comment,
        annotations: Labels::empty(),
    })
}

fn alert(number: u64, dice: &mut Dice) -> Change {
    let at = TimestampMs(dice.below(1 << 40) as i64);
    Change::PutAlert(AlertRow {
        fingerprint: number,
        labels: labels(number),
        annotations: Labels::from_pairs([("summary", text(dice))]),
        starts_at: at,
        ends_at: at,
        updated_at: at,
        timed_out: dice.below(2) == 0,
        generator_url: text(dice),
        value: Some(number as f64 / 3.0),
    })
}

fn log(number: u64, dice: &mut Dice) -> Change {
    Change::PutLog(LogRow {
        slot: format!("slot {number}"),
        receiver: text(dice),
        integration: "webhook[0]".to_owned(),
        told_at: Some(TimestampMs(dice.below(1 << 40) as i64)),
        expires_at: TimestampMs(1),
        firing: (0..dice.below(400)).collect(),
        resolved: BTreeSet::from([number]),
        announced: BTreeSet::new(),
        owed: None,
        memo: (dice.below(2) == 0).then(|| text(dice)),
    })
}

fn decision(number: u64, dice: &mut Dice) -> Change {
    Change::AddDecision(DecisionRow {
        at: TimestampMs(5),
        fingerprint: number,
        labels: labels(number),
        group_id: format!("group {}", dice.below(3)).into(),
        receiver: "r".into(),
        decision: "notified".into(),
        detail: text(dice).into(),
    })
}

fn delivery(number: u64, dice: &mut Dice) -> Change {
    Change::PutDelivery(DeliveryRow {
        id: format!("delivery {number}"),
        at: TimestampMs(5),
        receiver: "r".to_owned(),
        integration: "webhook[0]".to_owned(),
        group_labels: labels(number),
        status: "firing".to_owned(),
        reason: text(dice),
        alerts: (0..dice.below(20)).map(labels).collect(),
        outcome: "delivered".to_owned(),
        attempts: 1,
        detail: text(dice),
    })
}

/// Grows from batch to batch, and from work to work.
fn mark(work: u64, number: u64) -> u64 {
    work * 1_000 + number
}

/// The batch of this number, which bears its mark.
fn batch(work: u64, number: u64) -> Vec<Change> {
    let mut dice = Dice(work << 32 | number);
    let length = if dice.below(8) == 0 { 60 } else { 1 + dice.below(4) };
    let mut changes = vec![silence(LAST.to_owned(), mark(work, number).to_string())];
    for _ in 0..length {
        let row = dice.below(40);
        changes.push(match dice.below(10) {
            0 => silence(row.to_string(), text(&mut dice)),
            1 => Change::DropSilence(row.to_string()),
            2 | 3 => alert(row, &mut dice),
            4 => Change::DropAlert(row),
            5 => log(row, &mut dice),
            6 => Change::DropLog(format!("slot {row}")),
            7 | 8 => decision(row, &mut dice),
            _ => delivery(row, &mut dice),
        });
    }
    changes
}

/// Does nothing in an ordinary run; as a child of the test below it works on the file and says what is acknowledged.
#[test]
fn works_while_it_is_recorded() {
    let (Ok(folder), Ok(seed)) = (std::env::var(FOLDER), std::env::var(SEED)) else { return };
    let work: u64 = seed.parse().unwrap();
    let mut dice = Dice(work);
    let open = || State::open(folder.as_ref(), &Registry::default()).unwrap();
    let mut state = open();
    let acknowledged = Arc::new(Mutex::new(fs::File::create(Path::new(&folder).join(ACKNOWLEDGED)).unwrap()));
    for number in 1..=BATCHES {
        let note = acknowledged.clone();
        let done = move |result: Result<(), _>| {
            result.unwrap();
            std::io::Write::write_all(&mut *note.lock().unwrap(), &number.to_le_bytes()).unwrap();
        };
        if dice.below(3) == 0 {
            // Not waited for: the next one may be committed with it.
            state.apply(batch(work, number), done);
        } else {
            state.apply_and_wait(batch(work, number)).unwrap();
            done(Ok(()));
        }
        if dice.below(30) == 0 {
            drop(state);
            state = open();
        }
    }
    drop(state);
}

/// What the child changed, on a disk that held `before`.
fn record(work: u64, before: &Image, recorder: &Path) -> Vec<recorded::Change> {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().canonicalize().unwrap().join("promlet");
    put(before, &inside);
    let to = folder.path().join("record");
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["state::power_cuts::works_while_it_is_recorded", "--exact", "--nocapture", "--test-threads=1"])
        .env(FOLDER, &inside)
        .env(SEED, work.to_string())
        .env("PROMLET_RECORD_TO", &to)
        .env("LD_PRELOAD", recorder)
        .output()
        .unwrap();
    assert!(output.status.success(), "work {work}: {}", String::from_utf8_lossy(&output.stderr));
    let changes = recorded::parse(&fs::read(to).unwrap());
    assert!(changes.len() > BATCHES as usize * 3, "work {work}: only {} changes were recorded", changes.len());
    changes
}

/// In memory where there is such a place: what syncs would do there is not the question here.
fn quick_folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn put(image: &Image, folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    image.iter().for_each(|(name, bytes)| fs::write(folder.join(name), bytes).unwrap());
}

/// Opens what is left of the file and holds it against the content that it must have after the batch that it says was the last.
fn check(image: &Image, work: u64, acknowledged: u64, contents: &BTreeMap<u64, Content>) -> Result<u64, String> {
    let folder = quick_folder();
    put(image, folder.path());
    let open = || State::open(folder.path(), &Registry::default()).map_err(|error| format!("does not open: {error}"));
    let state = open()?;
    let found = Content::read(&state);
    if !state.losses().is_empty() {
        return Err(format!("it says a loss that is none: {:?}", state.losses()));
    }
    let last = state.silences().unwrap().into_iter().find(|row| row.id == LAST).map_or(0, |row| row.comment.parse().unwrap());
    if last < acknowledged {
        return Err(format!("batch {acknowledged} was acknowledged, {last} is the last that is there"));
    }
    if contents.get(&last) != Some(&found) {
        return Err(format!("after batch {last} it holds something else than was written: {found:?}"));
    }
    // It goes on from there.
    let (mut expected, more) = (found, batch(work, BATCHES + 1));
    more.iter().for_each(|change| expected.apply(change));
    state.apply_and_wait(more).map_err(|error| error.to_string())?;
    drop(state);
    if Content::read(&open()?) == expected { Ok(last) } else { Err("it does not go on".to_owned()) }
}

/// One child's work: what it began on, what it changed, and what the file holds after each batch.
struct Work {
    number: u64,
    before: Image,
    first: u64,
    changes: Vec<recorded::Change>,
    contents: BTreeMap<u64, Content>,
}

impl Work {
    fn new(number: u64, recorder: &Path) -> Self {
        let (before, first, mut content) =
            if number.is_multiple_of(2) { (Image::new(), 0, Content::default()) } else { Self::new(number - 1, recorder).cut() };
        let mut contents = BTreeMap::from([(first, content.clone())]);
        for batch_number in 1..=BATCHES {
            batch(number, batch_number).iter().for_each(|change| content.apply(change));
            contents.insert(mark(number, batch_number), content.clone());
        }
        Self { number, changes: record(number, &before, recorder), before, first, contents }
    }

    /// The disk after a cut in the second half, the mark of the last batch on it, and what it holds.
    fn cut(mut self) -> (Image, u64, Content) {
        let (mut disk, mut dice) = (Disk::holding(&self.before), Dice(self.number));
        let half = self.changes.len() / 2;
        let at = half + dice.below(half as u64) as usize;
        self.changes[..at].iter().for_each(|change| disk.apply(change));
        let image = what_counts(disk.power_cut(&mut dice));
        let last = check(&image, self.number, 0, &self.contents).unwrap();
        (image, last, self.contents.remove(&last).unwrap())
    }

    /// All these cuts; what fails, with its seed.
    fn cuts(&self, cuts: &[u64]) -> Vec<String> {
        let moment = |cut: &u64| {
            let mut dice = Dice(self.number * CUTS_PER_WORK + cut);
            (dice.below(self.changes.len() as u64 + 1) as usize, *cut, dice)
        };
        let mut moments: Vec<_> = cuts.iter().map(moment).collect();
        moments.sort_by_key(|(at, ..)| *at);
        let (mut disk, mut applied, mut failed) = (Disk::holding(&self.before), 0, Vec::new());
        for (at, cut, mut dice) in moments {
            self.changes[applied..at].iter().for_each(|change| disk.apply(change));
            applied = at;
            let acknowledged = disk.written(ACKNOWLEDGED).chunks_exact(8).map(|n| u64::from_le_bytes(n.try_into().unwrap())).max();
            let acknowledged = acknowledged.map_or(self.first, |number| mark(self.number, number));
            let mut image = what_counts(disk.power_cut(&mut dice));
            if dice.below(2) == 0 {
                // What is left of shared memory may be anything.
                image.insert("state.db-shm".to_owned(), (0..32_768).map(|_| dice.roll() as u8).collect());
            }
            if let Err(why) = check(&image, self.number, acknowledged, &self.contents) {
                let (seed, why) = (self.number * CUTS_PER_WORK + cut, why.chars().take(400).collect::<String>());
                failed.push(format!(
                    "change {at} of {}: {why}\n  replay: PROMLET_STATE_SEEDS={seed}..{} cargo test --test it state::power_cuts",
                    self.changes.len(),
                    seed + 1
                ));
            }
        }
        failed
    }
}

/// The database's own files.
fn what_counts(mut image: Image) -> Image {
    image.retain(|name, _| name.starts_with("state."));
    image
}

fn seeds() -> Range<u64> {
    let asked = std::env::var("PROMLET_STATE_SEEDS").ok();
    let parse = |text: &str| Some(text.split_once("..")?.0.parse().ok()?..text.split_once("..")?.1.parse().ok()?);
    asked.and_then(|text| parse(&text)).unwrap_or(SEEDS)
}

#[test]
fn nothing_acknowledged_is_lost_when_the_power_goes() {
    let folder = tempfile::tempdir().unwrap();
    let recorder = folder.path().join("recorder.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/state/record_writes.c");
    // The compiler that built SQLite.
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let built = Command::new(compiler).args(["-shared", "-fPIC", "-O1", "-o"]).args([&recorder, &source]).status().unwrap();
    assert!(built.success(), "the recorder did not compile");
    let mut works: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    seeds().for_each(|seed| works.entry(seed / CUTS_PER_WORK).or_default().push(seed % CUTS_PER_WORK));
    let works: Vec<_> = works.into_iter().collect();
    let failed: Vec<String> = std::thread::scope(|scope| {
        let share = |worker: usize| {
            let (works, recorder) = (&works, &recorder);
            scope.spawn(move || {
                works
                    .iter()
                    .skip(worker)
                    .step_by(4)
                    .flat_map(|(work, numbers)| Work::new(*work, recorder).cuts(numbers))
                    .take(3)
                    .collect::<Vec<_>>()
            })
        };
        let threads: Vec<_> = (0..4).map(share).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a work panicked")).collect()
    });
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
