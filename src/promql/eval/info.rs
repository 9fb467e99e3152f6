//! `info`: adds the labels of info series (such as `target_info`) that share `instance` and `job` with a series.

use hashbrown::{HashMap, HashSet};

use super::collect::Collected;
use super::{Column, Eval, Series, Sink, Steps, Yield, is_absent};
use crate::model::{DurationMs, METRIC_NAME, MatchOp, Matcher, TimestampMs};
use crate::promql::ast::{At, Call, Expr, ExprKind, Length, Modifiers, Selector};
use crate::promql::error::QueryError;
use crate::storage::{LabelPair, Symbol};

/// The labels by which a series and its info series find each other.
const IDENTIFYING: [&str; 2] = ["instance", "job"];
/// What is looked for when the second argument names no metric.
const DEFAULT_INFO: &str = "target_info";

/// One info series with the times of its samples, [`super::series::ABSENT`] where it has none.
struct InfoSeries {
    labels: Vec<LabelPair>,
    name: Option<Symbol>,
    times: Vec<f64>,
}

/// What the second argument asks for.
struct Asked {
    /// Conditions on the info metric's name.
    names: Vec<Matcher>,
    /// Conditions on its labels.
    data: Vec<Matcher>,
    /// Labels to take over; none means all.
    wanted: HashSet<Symbol>,
}

impl Eval<'_> {
    pub(super) fn info(&self, call: &Call, steps: &Steps, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        let asked = self.asked(call.args.get(1))?;
        let base = self.collect(&call.args[0], steps)?;
        let held: usize = base.iter().map(|s| s.column.len()).sum();
        let by_identity = self.info_series(&asked, &call.args[0], steps)?;
        let identifying = IDENTIFYING.map(|name| self.symbols.get(name));
        let needs_match = asked.data.iter().any(|m| !m.matches_empty());
        let mut collected = Collected::default();
        for series in base {
            self.guard.check()?;
            let name = self.symbols.metric_name_of(&series.labels);
            // Info series themselves are left as they are.
            if asked.names.iter().all(|m| m.matches(&name)) {
                collected.add(series)?;
                continue;
            }
            let identity = identity(&series.labels, identifying);
            let candidates = identity.and_then(|identity| by_identity.get(&identity)).map_or(&[][..], Vec::as_slice);
            for enriched in self.enriched(&series, candidates, &asked, needs_match, steps)? {
                collected.add(enriched)?;
            }
        }
        self.guard.release(held);
        collected.series.iter_mut().try_for_each(sink)
    }

    fn asked(&self, selector: Option<&Expr>) -> Result<Asked, QueryError> {
        let matchers = match selector.map(|e| &e.unwrapped().kind) {
            Some(ExprKind::Selector(selector)) => selector.matchers.clone(),
            _ => Vec::new(),
        };
        let (mut names, data): (Vec<Matcher>, Vec<Matcher>) = matchers.into_iter().partition(|m| m.name == METRIC_NAME);
        if names.is_empty() {
            names.push(Matcher::equal(METRIC_NAME, DEFAULT_INFO));
        }
        // A name that is only excluded leaves every metric: those with the ending of info metrics are meant.
        if names.iter().all(|m| matches!(m.op, MatchOp::NotEqual | MatchOp::NotRegex)) {
            names.push(Matcher::new(METRIC_NAME, MatchOp::Regex, ".+_info").map_err(QueryError::Execution)?);
        }
        let wanted = data.iter().map(|m| self.symbols.get(&m.name)).collect();
        Ok(Asked { names, data, wanted })
    }

    /// Info series by what identifies them, looked up at the times that the base series are looked up at.
    fn info_series(&self, asked: &Asked, base: &Expr, steps: &Steps) -> Result<HashMap<Identity, Vec<InfoSeries>>, QueryError> {
        let matchers: Vec<Matcher> = asked.names.iter().chain(&asked.data).cloned().collect();
        let selector =
            Selector { name: None, matchers, modifiers: modifiers_of(base), anchored: false, smoothed: false, statistics_only: false };
        let identifying = IDENTIFYING.map(|name| self.symbols.get(name));
        let mut found: HashMap<Identity, Vec<InfoSeries>> = HashMap::new();
        self.selector(&selector, steps, Yield::Value, &mut |series| {
            if series.column.histograms.iter().any(Option::is_some) {
                let labels = super::join::braced(&self.symbols.to_labels(&series.labels));
                return QueryError::execution(format!("this should be an info metric, with float samples: {labels}"));
            }
            Ok(())
        })?;
        self.selector(&selector, steps, Yield::Time, &mut |series| {
            let Some(identity) = identity(&series.labels, identifying) else { return Ok(()) };
            self.guard.hold(series.column.len())?;
            let labels = std::mem::take(&mut series.labels);
            let name = super::symbols::Symbols::value_of(&labels, self.symbols.metric_name);
            found.entry(identity).or_default().push(InfoSeries { labels, name, times: std::mem::take(&mut series.column.floats) });
            Ok(())
        })?;
        Ok(found)
    }

    /// The series under the labels it has at each step.
    fn enriched(
        &self,
        series: &Series,
        candidates: &[InfoSeries],
        asked: &Asked,
        needs_match: bool,
        steps: &Steps,
    ) -> Result<Vec<Series>, QueryError> {
        let mut results: Vec<Series> = Vec::new();
        // Which info series were current and what came of it, so that labels are put together once.
        let mut known: HashMap<Vec<usize>, Option<usize>> = HashMap::new();
        for step in (0..steps.count).filter(|step| series.column.is_present(*step)) {
            let current = newest_of_each(candidates, step);
            let place = match known.get(&current) {
                Some(place) => *place,
                None => {
                    let place = if current.is_empty() && needs_match {
                        None
                    } else {
                        let labels = self.joined(series, current.iter().map(|at| &candidates[*at]), asked)?;
                        results.push(Series { labels, drop_name: series.drop_name, column: Column::of(steps.count) });
                        Some(results.len() - 1)
                    };
                    known.insert(current, place);
                    place
                }
            };
            if let Some(place) = place {
                results[place].column.set(step, series.column.cell(step));
            }
        }
        Ok(results)
    }

    /// The series' labels with those of its info series; its own win.
    fn joined<'i>(
        &self,
        series: &Series,
        infos: impl Iterator<Item = &'i InfoSeries>,
        asked: &Asked,
    ) -> Result<Vec<LabelPair>, QueryError> {
        let mut added: Vec<LabelPair> = Vec::new();
        for pair in infos.flat_map(|info| &info.labels) {
            let is_own = series.labels.iter().any(|p| p.name == pair.name);
            let is_wanted = asked.wanted.is_empty() || asked.wanted.contains(&pair.name);
            if pair.name == self.symbols.metric_name || is_own || !is_wanted {
                continue;
            }
            match added.iter().find(|p| p.name == pair.name) {
                Some(known) if known.value != pair.value => {
                    return QueryError::execution(format!("conflicting label: {}", self.symbols.text(pair.name)));
                }
                Some(_) => {}
                None => added.push(*pair),
            }
        }
        let mut labels = series.labels.clone();
        for pair in added {
            self.symbols.set_symbol(&mut labels, pair.name, pair.value);
        }
        Ok(labels)
    }
}

/// Values of the identifying labels.
type Identity = [Option<Symbol>; 2];

/// None without any of them.
fn identity(labels: &[LabelPair], identifying: [Symbol; 2]) -> Option<Identity> {
    let identity = identifying.map(|name| super::symbols::Symbols::value_of(labels, name));
    identity.iter().any(Option::is_some).then_some(identity)
}

/// For each info metric the series with the newest sample at a step, in order of the list.
fn newest_of_each(candidates: &[InfoSeries], step: usize) -> Vec<usize> {
    let mut newest: Vec<usize> = Vec::new();
    for (at, info) in candidates.iter().enumerate().filter(|(_, info)| !is_absent(info.times[step])) {
        match newest.iter_mut().find(|known| candidates[**known].name == info.name) {
            Some(known) if info.times[step] > candidates[*known].times[step] => *known = at,
            Some(_) => {}
            None => newest.push(at),
        }
    }
    newest
}

/// The `@` and `offset` that the samples of an expression's first selector are subject to, taken together.
fn modifiers_of(expr: &Expr) -> Modifiers {
    let (mut at, mut offset) = (None, 0i64);
    let mut node = Some(expr);
    while let Some(current) = node {
        let modifiers = match &current.kind {
            ExprKind::Selector(selector) => Some(&selector.modifiers),
            ExprKind::Range(range) => Some(&range.selector.modifiers),
            ExprKind::Subquery(subquery) => Some(&subquery.modifiers),
            _ => None,
        };
        if let Some(modifiers) = modifiers {
            if let Some(At::Time(TimestampMs(fixed))) = modifiers.at {
                (at, offset) = (Some(fixed), 0);
            }
            offset = offset.saturating_add(modifiers.offset.fixed().0);
        }
        node = current.children().into_iter().find(|child| reads(child));
    }
    Modifiers { offset: Length::Fixed(DurationMs(offset)), at: at.map(|at| At::Time(TimestampMs(at))) }
}

fn reads(expr: &Expr) -> bool {
    let mut reads = false;
    expr.walk(&mut |e| reads |= matches!(e.kind, ExprKind::Selector(_) | ExprKind::Range(_)));
    reads
}
