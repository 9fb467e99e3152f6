//! Rules through time: each unit's groups are evaluated at their own moments, slice by slice of the window, those first that others read.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::answers::{Answers, Asked, Seen};
use super::episodes::Episodes;
use super::history::{Folder, History};
use super::plan::{Plan, Source, Unit};
use super::settings::Globals;
use super::text::moment;
use super::told::Told;
use crate::clock::Clock;
use crate::commands::tsdb::progress::Progress;
use crate::model::{Alert, DurationMs, Labels, Metadata, TimestampMs};
use crate::promql::Engine;
use crate::rules::options::RuleTimings;
use crate::rules::schedule::Schedule;
use crate::rules::{AlertSink, RuleGroups, RulesOptions, RulesParts};
use crate::storage::memory::MemoryStore;
use crate::storage::{Append, AppendError, Column, GroupKey, Row, RowReport, RowWriter};
use crate::telemetry::Registry;

/// How much of the window is lived through at a time.
const SLICE: DurationMs = DurationMs(3_600_000);
/// Most evaluations of a rule in a slice of slow rules' groups: at least so many.
const SLICE_EVALUATIONS: i64 = 60;
/// Alerts that wait for routing; with more the slices become shorter.
const POSTS_MAX: usize = 100_000;
/// Samples of recorded series that are held for the rules that read them.
const OWN_SAMPLES_MAX: usize = 20_000_000;

/// The time that is gone through.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Evaluation begins here, so that what is pending or recorded at `from` is known.
    pub start: TimestampMs,
    pub from: TimestampMs,
    pub to: TimestampMs,
}

/// What came of one rule.
#[derive(Clone, Debug)]
pub struct RuleOutcome {
    /// None for a recording rule.
    pub episodes: Option<Episodes>,
    pub seen: Seen,
    pub first_evaluation: TimestampMs,
    pub last_error: String,
}

pub struct Outcome {
    /// In the order of the plan's rules.
    pub rules: Vec<RuleOutcome>,
    pub evaluations: u64,
}

/// A group's moments.
struct Grid {
    file: PathBuf,
    name: String,
    interval: DurationMs,
    next: TimestampMs,
    first: TimestampMs,
}

struct Running {
    unit: Unit,
    groups: RuleGroups,
    clock: Clock,
    answers: Answers,
    grids: Vec<Grid>,
    posts: Arc<Mutex<Vec<Alert>>>,
    /// One for each of the unit's rules.
    episodes: Vec<Option<Episodes>>,
}

/// Alerts in order of time, then of the rules.
type Posts = Vec<(TimestampMs, Vec<Alert>)>;

/// Everything a trial is made of.
pub struct Trial<'p> {
    pub plan: &'p Plan,
    pub globals: &'p Globals,
    pub window: Window,
    pub history: History,
    /// For what rules wrote.
    pub engine: Arc<Engine>,
}

impl Trial<'_> {
    /// Goes through the whole window; the error is one of the history.
    pub fn run(self, told: &mut Told, clock: &Clock) -> Result<Outcome, String> {
        let own = MemoryStore::default();
        let folder = Folder::of(Arc::new(own.clone()), self.engine.clone());
        let asked = Arc::new(Asked { history: self.history, own: folder, broken: Mutex::default() });
        let setting = Setting { plan: self.plan, globals: self.globals, window: self.window, asked: &asked, own: &own };
        let mut running: Vec<Running> = self.plan.units.iter().map(|unit| Running::new(unit, &setting)).collect();
        let longest = self.plan.rules.iter().map(|rule| rule.interval.0).max().unwrap_or(1).max(1);
        let mut slice = SLICE.0.max(longest.saturating_mul(SLICE_EVALUATIONS));
        let window = self.window;
        let mut progress = Progress::counting("evaluations", (window.to - window.start).0.unsigned_abs(), clock);
        let (mut at, mut evaluations) = (window.start, 0);
        while at < window.to {
            let until = TimestampMs((at.0 + slice).min(window.to.0));
            let mut posts = Posts::new();
            for one in &mut running {
                evaluations += one.live(until, window.to, &mut posts);
                if let Some(error) = asked.broken.lock().unwrap_or_else(PoisonError::into_inner).take() {
                    progress.finish();
                    return Err(error);
                }
                progress.step((at - window.start).0.unsigned_abs(), &moment(at), evaluations);
            }
            posts.sort_by_key(|(at, _)| *at);
            if posts.iter().map(|(_, alerts)| alerts.len()).sum::<usize>() > POSTS_MAX {
                slice = (slice / 2).max(longest);
            }
            told.live(posts, until);
            if own.forget_before(until - self.plan.own_reach) > OWN_SAMPLES_MAX {
                progress.finish();
                return Err(format!(
                    "the series that are recorded and read by other rules have more than {OWN_SAMPLES_MAX} samples at a time, the limit; \
                     a longer --step makes them fewer"
                ));
            }
            at = until;
        }
        progress.finish();
        Ok(Outcome { rules: outcomes(self.plan, running, window.to), evaluations })
    }
}

fn outcomes(plan: &Plan, running: Vec<Running>, to: TimestampMs) -> Vec<RuleOutcome> {
    let mut found: Vec<Option<RuleOutcome>> = vec![None; plan.rules.len()];
    for mut one in running {
        let views = one.groups.view();
        let views = views.iter().zip(&one.grids).flat_map(|(group, grid)| group.rules.iter().map(move |rule| (rule, grid)));
        for (place, (view, grid)) in views.enumerate() {
            let Some(Some(number)) = one.unit.rules.get(place).copied() else { continue };
            let mut episodes = one.episodes.get_mut(place).and_then(Option::take);
            if let Some(episodes) = &mut episodes {
                episodes.finish(to);
            }
            let seen = one.answers.seen(&view.query);
            found[number] = Some(RuleOutcome { episodes, seen, first_evaluation: grid.first, last_error: view.last_error.clone() });
        }
    }
    found.into_iter().flatten().collect()
}

struct Setting<'s> {
    plan: &'s Plan,
    globals: &'s Globals,
    window: Window,
    asked: &'s Arc<Asked>,
    own: &'s MemoryStore,
}

impl Running {
    fn new(unit: &Unit, setting: &Setting<'_>) -> Self {
        let start = setting.window.start;
        let clock = Clock::manual(start);
        let step = unit.groups.first().map_or(DurationMs(1), |group| group.interval);
        let answers = Answers::new(setting.asked.clone(), unit.source, step);
        let posts: Arc<Mutex<Vec<Alert>>> = Arc::default();
        let inbox = posts.clone();
        let sink: AlertSink = Arc::new(move |alerts| inbox.lock().unwrap_or_else(PoisonError::into_inner).extend(alerts));
        let append: Arc<dyn Append> = if unit.is_read { Arc::new(setting.own.clone()) } else { Arc::new(Nowhere) };
        let groups = RuleGroups::new(RulesParts {
            clock: clock.clone(),
            registry: Registry::default(),
            query: answers.query(),
            append,
            select: Arc::new(setting.own.clone()),
            alerts: sink,
        });
        // Groups of a later configuration look for no state of an earlier process.
        groups.apply(RulesOptions::default());
        groups.apply(RulesOptions {
            groups: unit.groups.clone(),
            external_labels: setting.globals.external_labels.clone(),
            external_url: String::new(),
            limits: RuleTimings { resend_delay: setting.globals.resend_delay, ..RuleTimings::default() },
        });
        let grid = |group: &crate::rules::GroupOptions| {
            let schedule = Schedule::new(&group.file, &group.name, group.interval);
            let before = schedule.tick_before(start);
            let first = if before == start { before } else { before + schedule.interval };
            Grid { file: group.file.clone(), name: group.name.clone(), interval: schedule.interval, next: first, first }
        };
        let episodes = unit.rules.iter().map(|rule| {
            let rule = rule.map(|number| &setting.plan.rules[number]).filter(|rule| rule.is_alert)?;
            Some(Episodes::new(rule.threshold.map(|(op, _)| op), setting.window.from))
        });
        Self {
            grids: unit.groups.iter().map(grid).collect(),
            episodes: episodes.collect(),
            unit: unit.clone(),
            groups,
            clock,
            answers,
            posts,
        }
    }

    /// Evaluates up to a time; the answer is how many evaluations of rules that were.
    fn live(&mut self, until: TimestampMs, window_end: TimestampMs, posts: &mut Posts) -> u64 {
        let of_history = matches!(self.unit.source, Source::History | Source::HistoryInTurn);
        self.answers.extend(if of_history { window_end } else { until });
        let mut evaluations = 0;
        while let Some(grid) = self.grids.iter_mut().filter(|grid| grid.next <= until).min_by_key(|grid| grid.next) {
            let at = grid.next;
            grid.next = at + grid.interval;
            self.clock.set(at);
            self.groups.evaluate_group(&grid.file, &grid.name, at);
            let name = grid.name.clone();
            evaluations += self.look(at, &name);
            let due = std::mem::take(&mut *self.posts.lock().unwrap_or_else(PoisonError::into_inner));
            if !due.is_empty() {
                posts.push((at, due));
            }
        }
        evaluations
    }

    /// Notes what the alerts of a group are after an evaluation.
    fn look(&mut self, at: TimestampMs, group: &str) -> u64 {
        let views = self.groups.view();
        let mut evaluations = 0;
        let rules = views.iter().flat_map(|view| view.rules.iter().map(move |rule| (view.name == group, rule)));
        for ((is_due, rule), episodes) in rules.zip(&mut self.episodes).filter(|((is_due, _), _)| *is_due) {
            evaluations += u64::from(is_due);
            if let (Some(episodes), Some(alerting)) = (episodes, &rule.alerting) {
                episodes.see(at, &alerting.alerts);
            }
        }
        evaluations
    }
}

/// Takes what no rule reads.
struct Nowhere;

impl Append for Nowhere {
    fn writer(&self, _: &GroupKey) -> Result<Box<dyn RowWriter>, AppendError> {
        Ok(Box::new(Forgetful::default()))
    }
}

#[derive(Default)]
struct Forgetful(std::collections::HashMap<Labels, Column>);

impl RowWriter for Forgetful {
    fn column(&mut self, labels: &Labels) -> Result<Column, AppendError> {
        let next = Column(self.0.len() as u32);
        Ok(*self.0.entry(labels.clone()).or_insert(next))
    }

    fn describe(&mut self, _: &str, _: &Metadata) -> Result<(), AppendError> {
        Ok(())
    }

    fn commit(&mut self, row: &Row) -> Result<RowReport, AppendError> {
        Ok(RowReport { accepted: row.cells.len(), rejected: Vec::new() })
    }
}
