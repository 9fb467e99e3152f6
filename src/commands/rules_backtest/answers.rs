//! What rules ask, answered: whole ranges are asked for in advance and handed out moment by moment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::history::{Folder, History, Refusal};
use super::plan::Source;
use crate::model::{DurationMs, Labels, TimeRange, TimestampMs, Value};
use crate::promql::MatrixSeries;
use crate::rules::{Query, QueryResult, ResultSample};

/// Samples of one answer: of a larger one the next range is shorter.
const ANSWER_SAMPLES: usize = 2_000_000;
/// Evaluations of one rule that may fail.
pub const FAILURES_MAX: u64 = 1_000;

/// What all units ask of.
pub struct Asked {
    pub history: History,
    /// What rules wrote.
    pub own: Folder,
    /// Why nothing more can be asked.
    pub broken: Mutex<Option<String>>,
}

/// What one unit's expressions gave.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Evaluations that gave anything.
    pub answered: u64,
    /// Most series at one time.
    pub series_max: usize,
    pub failed: u64,
    pub first_error: Option<(TimestampMs, String)>,
}

/// How far a unit's ranges may reach at present.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    pub step: DurationMs,
    /// Not behind this.
    pub until: TimestampMs,
}

/// A range that was asked for.
#[derive(Default)]
struct Held {
    labels: Vec<Labels>,
    start: i64,
    step: i64,
    /// For each moment the series that have a value there.
    moments: Vec<Vec<(u32, Value)>>,
    /// How many moments the next range has.
    span: i64,
}

struct State {
    held: HashMap<String, Held>,
    seen: HashMap<String, Seen>,
    reach: Reach,
}

/// The answers of one unit.
#[derive(Clone)]
pub struct Answers {
    asked: Arc<Asked>,
    source: Source,
    state: Arc<Mutex<State>>,
}

impl Answers {
    pub fn new(asked: Arc<Asked>, source: Source, step: DurationMs) -> Self {
        let reach = Reach { step, until: TimestampMs::MIN };
        Self { asked, source, state: Arc::new(Mutex::new(State { held: HashMap::new(), seen: HashMap::new(), reach })) }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ranges may reach to here from now on.
    pub fn extend(&self, until: TimestampMs) {
        self.lock().reach.until = until;
    }

    pub fn seen(&self, expr: &str) -> Seen {
        self.lock().seen.get(expr).cloned().unwrap_or_default()
    }

    /// As rules ask.
    pub fn query(&self) -> Query {
        let answers = self.clone();
        Arc::new(move |text, at| {
            let state = &mut *answers.lock();
            let answer = answers.answer(state, text, at);
            let seen = state.seen.entry(text.to_owned()).or_default();
            match &answer {
                Ok(result) => {
                    let count = match result {
                        QueryResult::Scalar(_) => 1,
                        QueryResult::Vector(samples) => samples.len(),
                    };
                    seen.answered += u64::from(count > 0);
                    seen.series_max = seen.series_max.max(count);
                }
                Err(error) => {
                    seen.failed += 1;
                    seen.first_error.get_or_insert_with(|| (at, error.clone()));
                }
            }
            answer
        })
    }

    fn answer(&self, state: &mut State, text: &str, at: TimestampMs) -> Result<QueryResult, String> {
        if let Some(seen) = state.seen.get(text).filter(|seen| seen.failed >= FAILURES_MAX) {
            return Err(seen.first_error.as_ref().map_or_else(String::new, |(_, error)| error.clone()));
        }
        let answer = match self.source {
            Source::HistoryInTurn => self.asked.history.instant(text, at),
            Source::OwnInTurn => self.asked.own.instant(text, at),
            Source::History | Source::Own => self.in_range(state, text, at),
        };
        answer.map_err(|refusal| match refusal {
            Refusal::Query(error) => error,
            Refusal::Broken(error) => {
                let mut broken = self.asked.broken.lock().unwrap_or_else(PoisonError::into_inner);
                broken.get_or_insert(error).clone()
            }
        })
    }

    fn in_range(&self, state: &mut State, text: &str, at: TimestampMs) -> Result<QueryResult, Refusal> {
        let reach = state.reach;
        if !state.held.contains_key(text) {
            state.held.insert(text.to_owned(), Held { span: i64::MAX, ..Held::default() });
        }
        let Some(held) = state.held.get_mut(text) else { return Ok(QueryResult::Vector(Vec::new())) };
        if held.moment(at).is_none() {
            self.fill(held, text, at, reach)?;
        }
        let Some(moment) = held.moment(at) else { return Ok(QueryResult::Vector(Vec::new())) };
        let sample = |(series, value): &(u32, Value)| ResultSample { labels: held.labels[*series as usize].clone(), value: value.clone() };
        Ok(QueryResult::Vector(moment.iter().map(sample).collect()))
    }

    /// Asks for as long a range as goes through; where not even one moment does, its evaluation fails.
    fn fill(&self, held: &mut Held, text: &str, at: TimestampMs, reach: Reach) -> Result<(), Refusal> {
        let step = reach.step.0.max(1);
        let room = (reach.until - at).0 / step + 1;
        let most = self.asked.history.steps_max();
        held.span = held.span.clamp(1, most);
        loop {
            let count = held.span.min(room).max(1);
            let range = TimeRange::new(at, TimestampMs(at.0 + (count - 1) * step));
            let answer = match self.source {
                Source::Own | Source::OwnInTurn => self.asked.own.range(text, range, reach.step),
                Source::History | Source::HistoryInTurn => self.asked.history.range(text, range, reach.step),
            };
            match answer {
                Ok(series) => {
                    let samples: usize = series.iter().map(|one| one.floats.len() + one.histograms.len()).sum();
                    held.span = if samples > ANSWER_SAMPLES { (held.span / 2).max(1) } else { held.span.saturating_mul(2).min(most) };
                    held.take(series, (at.0, step, count));
                    return Ok(());
                }
                Err(Refusal::Query(_)) if count > 1 => held.span = count / 2,
                Err(refusal) => {
                    held.span = 1;
                    held.moments.clear();
                    return Err(refusal);
                }
            }
        }
    }
}

impl Held {
    fn moment(&self, at: TimestampMs) -> Option<&Vec<(u32, Value)>> {
        let since = at.0 - self.start;
        if self.step == 0 || since < 0 || since % self.step != 0 {
            return None;
        }
        self.moments.get(usize::try_from(since / self.step).ok()?)
    }

    fn take(&mut self, series: Vec<MatrixSeries>, (start, step, count): (i64, i64, i64)) {
        (self.start, self.step) = (start, step);
        self.labels.clear();
        self.moments.clear();
        self.moments.resize_with(usize::try_from(count).unwrap_or_default(), Vec::new);
        for one in series {
            let number = self.labels.len() as u32;
            let floats = one.floats.into_iter().map(|(at, value)| (at, Value::Float(value)));
            let histograms = one.histograms.into_iter().map(|(at, histogram)| (at, Value::Histogram(histogram)));
            for (at, value) in floats.chain(histograms) {
                let place = usize::try_from((at.0 - start) / step).ok();
                if let Some(moment) = place.and_then(|place| self.moments.get_mut(place)) {
                    moment.push((number, value));
                }
            }
            self.labels.push(one.labels);
        }
    }
}
