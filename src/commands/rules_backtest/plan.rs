//! What is evaluated in which order: a rule's units, after those whose results it reads.
//!
//! A rule that reads the history only is asked of it for a whole range at a time; one that reads what rules of the same files write is asked
//! of that, behind them in time; one that reads both is cut into parts that read the history (made recording rules of their own) and the rest.
//! Rules that read each other, themselves or a later rule of their group go through time together, evaluation by evaluation.

use std::collections::HashSet;

use crate::lint::{Threshold, decisive};
use crate::model::{DurationMs, Labels, Span};
use crate::promql::ast::{At, Length, Modifiers, Selector};
use crate::promql::token::Operator;
use crate::promql::{self, Expr, ExprKind, Features, ValueType};
use crate::rules::{GroupOptions, RuleOptions};

/// Most rules of one backtest.
pub const RULES_MAX: usize = 2_000;
/// The names of parts that are recorded on the way.
const PART: &str = "promlet_backtest_part_";

/// Where a unit's expressions are evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The history, a range at a time.
    History,
    /// The history, one moment at a time.
    HistoryInTurn,
    /// What rules wrote, a range at a time.
    Own,
    /// What rules wrote, one moment at a time.
    OwnInTurn,
}

/// Rules that go through time together: one, mostly.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Groups with the rules of this unit only.
    pub groups: Vec<GroupOptions>,
    pub source: Source,
    /// Some other rule reads what it writes.
    pub is_read: bool,
    /// The rules' places in [`Plan::rules`], group after group; none for parts.
    pub rules: Vec<Option<usize>>,
}

/// A rule as the report names it.
#[derive(Clone, Debug)]
pub struct Planned {
    pub name: String,
    pub file: String,
    pub line: usize,
    pub group: String,
    pub interval: DurationMs,
    pub expr: String,
    pub hold: DurationMs,
    pub is_alert: bool,
    pub threshold: Option<(Operator, f64)>,
    /// The selectors that read the history, as text.
    pub selectors: Vec<String>,
}

#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub rules: Vec<Planned>,
    pub units: Vec<Unit>,
    /// How far before a moment rules look at what other rules wrote.
    pub own_reach: DurationMs,
    /// The longest `for` and `keep_firing_for`.
    pub hold_max: DurationMs,
}

/// A group with the lines of its rules.
pub struct Given {
    pub group: GroupOptions,
    pub lines: Vec<usize>,
}

/// One rule while the order is found.
struct Node {
    group: usize,
    place: usize,
    expr: Expr,
    text: String,
    /// Rules that it reads.
    reads: Vec<usize>,
    reads_history: bool,
}

/// What rules write.
struct Written<'g> {
    name: String,
    alert: Option<&'g str>,
}

pub fn plan(given: &[Given], features: Features, lookback: DurationMs) -> Result<Plan, String> {
    let mut plan = Plan::default();
    let mut nodes = read(given, features)?;
    let written: Vec<Written<'_>> = nodes.iter().map(|node| Written::of(&given[node.group].group.rules[node.place])).collect();
    for node in &mut nodes {
        let Some(group) = given.get(node.group) else { continue };
        let (mut reads, mut reads_history, mut selectors) = (Vec::new(), false, Vec::new());
        each_selector(&node.expr, &mut |selector| match producers(selector, &written) {
            found if found.is_empty() => {
                reads_history = true;
                selectors.push(shown(selector));
            }
            found => reads.extend(found),
        });
        node.reads_history = reads_history;
        reads.sort_unstable();
        reads.dedup();
        node.reads = reads;
        plan.hold_max = plan.hold_max.max(hold_of(&group.group.rules[node.place]));
        plan.rules.push(planned(group, node, selectors));
        if !node.reads.is_empty() {
            plan.own_reach = DurationMs(plan.own_reach.0.saturating_add(reach(&node.expr).0));
        }
    }
    plan.own_reach = DurationMs(plan.own_reach.0.saturating_add(lookback.0));
    let is_read: HashSet<usize> = nodes.iter().flat_map(|node| node.reads.iter().copied()).collect();
    for members in in_order(&nodes) {
        add_unit(&mut plan, given, &nodes, &members, &written, &is_read)?;
    }
    Ok(plan)
}

fn read(given: &[Given], features: Features) -> Result<Vec<Node>, String> {
    let mut nodes = Vec::new();
    for (group, one) in given.iter().enumerate() {
        for (place, rule) in one.group.rules.iter().enumerate() {
            let text = expression(rule).to_owned();
            let said = |errors: Vec<promql::ParseError>| errors.first().map_or_else(String::new, |error| error.message.clone());
            let expr = promql::parse(&text, features).map_err(|errors| format!("{text}: {}", said(errors)))?;
            nodes.push(Node { group, place, expr, text, reads: Vec::new(), reads_history: false });
        }
    }
    match nodes.len() {
        0 => Err("these files have no rules".to_owned()),
        count if count > RULES_MAX => Err(format!("{count} rules are more than the limit of {RULES_MAX}; give fewer files at a time")),
        _ => Ok(nodes),
    }
}

impl<'g> Written<'g> {
    fn of(rule: &'g RuleOptions) -> Self {
        match rule {
            RuleOptions::Recording { record, .. } => Self { name: record.clone(), alert: None },
            RuleOptions::Alerting { alert, .. } => Self { name: String::new(), alert: Some(alert) },
        }
    }
}

/// The rules that write what a selector reads. One without a metric's name reads the history.
fn producers(selector: &Selector, written: &[Written<'_>]) -> Vec<usize> {
    let Some(name) = selector.metric_name() else { return Vec::new() };
    let is_state = matches!(name, "ALERTS" | "ALERTS_FOR_STATE");
    let of_alert =
        |alert: &str| selector.matchers.iter().filter(|matcher| matcher.name == "alertname").all(|matcher| matcher.matches(alert));
    let writes = |one: &Written<'_>| match one.alert {
        Some(alert) => is_state && of_alert(alert),
        None => one.name == name,
    };
    written.iter().enumerate().filter(|(_, one)| writes(one)).map(|(at, _)| at).collect()
}

fn each_selector<'e>(expr: &'e Expr, visit: &mut dyn FnMut(&'e Selector)) {
    expr.walk(&mut |expr| match &expr.kind {
        ExprKind::Selector(selector) => visit(selector),
        ExprKind::Range(range) => visit(&range.selector),
        _ => {}
    });
}

/// A selector without `offset` and `@`.
fn shown(selector: &Selector) -> String {
    let plain = Selector { modifiers: Modifiers::default(), anchored: false, smoothed: false, ..selector.clone() };
    promql::print(&Expr::new(ExprKind::Selector(plain), Span::default()))
}

fn expression(rule: &RuleOptions) -> &str {
    match rule {
        RuleOptions::Recording { expr, .. } | RuleOptions::Alerting { expr, .. } => expr,
    }
}

fn hold_of(rule: &RuleOptions) -> DurationMs {
    match rule {
        RuleOptions::Recording { .. } => DurationMs::ZERO,
        RuleOptions::Alerting { hold, keep_firing_for, .. } => DurationMs(hold.0.saturating_add(keep_firing_for.0)),
    }
}

fn planned(given: &Given, node: &Node, selectors: Vec<String>) -> Planned {
    let rule = &given.group.rules[node.place];
    let (name, hold, is_alert) = match rule {
        RuleOptions::Recording { record, .. } => (record, DurationMs::ZERO, false),
        RuleOptions::Alerting { alert, hold, .. } => (alert, *hold, true),
    };
    Planned {
        name: name.clone(),
        file: given.group.file.display().to_string(),
        line: given.lines.get(node.place).copied().unwrap_or_default(),
        group: given.group.name.clone(),
        interval: given.group.interval,
        expr: node.text.clone(),
        hold,
        is_alert,
        threshold: decisive(&node.expr).map(|Threshold { op, number, .. }| (op, number)),
        selectors,
    }
}

/// The lengths of all windows and offsets together: at least as far as an expression looks back.
fn reach(expr: &Expr) -> DurationMs {
    let mut total = 0i64;
    let mut add = |length: &Length| total = total.saturating_add(length.fixed().0.max(0));
    expr.walk(&mut |expr| match &expr.kind {
        ExprKind::Selector(selector) => add(&selector.modifiers.offset),
        ExprKind::Range(range) => [&range.range, &range.selector.modifiers.offset].into_iter().for_each(&mut add),
        ExprKind::Subquery(subquery) => [&subquery.range, &subquery.modifiers.offset].into_iter().for_each(&mut add),
        _ => {}
    });
    DurationMs(total)
}

/// Rules that must be evaluated together, those that are read first.
fn in_order(nodes: &[Node]) -> Vec<Vec<usize>> {
    // One that reads a later rule of its group sees the evaluation before: it cannot come behind that one.
    let mut after: Vec<Vec<usize>> = nodes.iter().map(|node| node.reads.clone()).collect();
    for (at, node) in nodes.iter().enumerate() {
        for read in node.reads.iter().filter(|read| **read > at && nodes[**read].group == node.group) {
            after[*read].push(at);
        }
    }
    let reached: Vec<HashSet<usize>> = (0..nodes.len()).map(|from| reachable(&after, from)).collect();
    let mut left: Vec<usize> = (0..nodes.len()).collect();
    let (mut units, mut done) = (Vec::new(), HashSet::new());
    while let Some(first) = left.iter().copied().find(|at| reached[*at].iter().all(|to| done.contains(to) || reached[*to].contains(at))) {
        let members: Vec<usize> =
            left.iter().copied().filter(|at| *at == first || (reached[first].contains(at) && reached[*at].contains(&first))).collect();
        left.retain(|at| !members.contains(at));
        done.extend(members.iter().copied());
        units.push(members);
    }
    units
}

fn reachable(after: &[Vec<usize>], from: usize) -> HashSet<usize> {
    let (mut found, mut open) = (HashSet::new(), after[from].clone());
    while let Some(next) = open.pop() {
        if found.insert(next) {
            open.extend(&after[next]);
        }
    }
    found
}

fn add_unit(
    plan: &mut Plan,
    given: &[Given],
    nodes: &[Node],
    members: &[usize],
    written: &[Written<'_>],
    is_read: &HashSet<usize>,
) -> Result<(), String> {
    let in_turn = members.len() > 1 || members.iter().any(|at| nodes[*at].reads.contains(at));
    let own = members.iter().any(|at| !nodes[*at].reads.is_empty());
    let (mut groups, mut rules, mut plain): (Vec<GroupOptions>, Vec<Option<usize>>, bool) = (Vec::new(), Vec::new(), true);
    for at in members {
        let node = &nodes[*at];
        let from = &given[node.group].group;
        plain &= is_plain(&node.expr, !node.reads.is_empty());
        let text = match own && node.reads_history {
            true => cut(plan, node, from, written)?,
            false => node.text.clone(),
        };
        let rule = with_expression(&from.rules[node.place], text);
        match groups.iter_mut().find(|group| group.file == from.file && group.name == from.name) {
            Some(group) => group.rules.push(rule),
            None => groups.push(GroupOptions { rules: vec![rule], ..from.clone() }),
        }
        rules.push(Some(*at));
    }
    let source = match (own, in_turn || !plain) {
        (false, false) => Source::History,
        (false, true) => Source::HistoryInTurn,
        (true, false) => Source::Own,
        (true, true) => Source::OwnInTurn,
    };
    plan.units.push(Unit { groups, source, is_read: members.iter().any(|at| is_read.contains(at)), rules });
    Ok(())
}

/// The texts of alerts decide nothing: they are left out.
fn with_expression(rule: &RuleOptions, expr: String) -> RuleOptions {
    let mut rule = rule.clone();
    match &mut rule {
        RuleOptions::Recording { expr: own, .. } => *own = expr,
        RuleOptions::Alerting { expr: own, annotations, .. } => {
            *own = expr;
            *annotations = Labels::empty();
        }
    }
    rule
}

/// Whether an expression means the same at one moment and in a range.
fn is_plain(expr: &Expr, reads_own: bool) -> bool {
    let mut plain = true;
    let mut check = |modifiers: &Modifiers| {
        plain &= !matches!(modifiers.at, Some(At::Start | At::End)) && matches!(modifiers.offset, Length::Fixed(_));
        // What rules wrote is there up to the moment only.
        plain &= !reads_own || (modifiers.at.is_none() && modifiers.offset.fixed() >= DurationMs::ZERO);
    };
    let mut fixed = true;
    expr.walk(&mut |expr| match &expr.kind {
        ExprKind::Selector(selector) => check(&selector.modifiers),
        ExprKind::Range(range) => {
            check(&range.selector.modifiers);
            fixed &= matches!(range.range, Length::Fixed(_));
        }
        ExprKind::Subquery(subquery) => {
            check(&subquery.modifiers);
            fixed &= matches!(subquery.range, Length::Fixed(_)) && !matches!(subquery.step, Some(Length::Computed(_)));
        }
        _ => {}
    });
    plain && fixed
}

/// Makes what reads the history a recording rule of its own; the answer is the rest of the expression, which reads what rules wrote.
fn cut(plan: &mut Plan, node: &Node, group: &GroupOptions, written: &[Written<'_>]) -> Result<String, String> {
    let mut parts = Vec::new();
    find_parts(&node.expr, written, &mut parts).map_err(|()| {
        format!("{}: a window over both recorded and other series cannot be followed; record what is inside it first", node.text)
    })?;
    parts.sort_by_key(|part| std::cmp::Reverse(part.span.start));
    let mut rest = node.text.clone();
    for part in parts {
        let (start, end) = (part.span.start, part.span.end);
        let text = node.text.get(start..end).unwrap_or_default();
        let name = format!("{PART}{}", plan.units.len());
        let rule = RuleOptions::Recording { record: name.clone(), expr: text.to_owned(), labels: Labels::empty() };
        let source = if is_plain(part, false) { Source::History } else { Source::HistoryInTurn };
        let group = GroupOptions { rules: vec![rule], labels: Labels::empty(), limit: 0, ..group.clone() };
        plan.units.push(Unit { groups: vec![group], source, is_read: true, rules: vec![None] });
        let stand_in = if part.value_type() == ValueType::Scalar { format!("scalar({name})") } else { name };
        rest.replace_range(start..end, &stand_in);
    }
    Ok(rest)
}

/// The largest parts that read the history and give one value a moment. Fails where a window is over both.
fn find_parts<'e>(expr: &'e Expr, written: &[Written<'_>], parts: &mut Vec<&'e Expr>) -> Result<(), ()> {
    let (mut own, mut history) = (false, false);
    each_selector(expr, &mut |selector| match producers(selector, written).is_empty() {
        true => history = true,
        false => own = true,
    });
    match (own, history) {
        (_, false) => Ok(()),
        (false, true) if matches!(expr.value_type(), ValueType::Vector | ValueType::Scalar) => {
            parts.push(expr);
            Ok(())
        }
        _ if matches!(expr.kind, ExprKind::Subquery(_)) => Err(()),
        _ => expr.children().into_iter().try_for_each(|child| find_parts(child, written, parts)),
    }
}
