//! One rule as lints see it.

use crate::model::{DurationMs, Labels};
use crate::promql::Expr;
use crate::rules::options::{GroupOptions, RuleOptions};

/// A rule's expression, read.
pub struct Parsed {
    pub expr: Expr,
}

impl Parsed {
    /// For each rule of a group; None where the expression does not parse.
    pub fn all(group: &GroupOptions, parse: impl Fn(&str) -> Option<Expr>) -> Vec<Option<Self>> {
        let text = |rule: &RuleOptions| match rule {
            RuleOptions::Recording { expr, .. } | RuleOptions::Alerting { expr, .. } => expr.clone(),
        };
        group.rules.iter().map(|rule| parse(&text(rule)).map(|expr| Self { expr })).collect()
    }
}

/// One rule in its group.
pub struct Subject<'a> {
    pub group: &'a GroupOptions,
    /// Of the whole group.
    pub parsed: &'a [Option<Parsed>],
    pub place: usize,
    pub expr: &'a Expr,
}

/// What an alerting rule has beside its expression.
#[derive(Clone, Copy)]
pub struct Alert<'a> {
    pub hold: DurationMs,
    pub labels: &'a Labels,
    pub annotations: &'a Labels,
}

impl<'a> Subject<'a> {
    pub fn new(group: &'a GroupOptions, parsed: &'a [Option<Parsed>], place: usize) -> Option<Self> {
        Some(Self { group, parsed, place, expr: &parsed.get(place)?.as_ref()?.expr })
    }

    pub fn rule(&self) -> &'a RuleOptions {
        &self.group.rules[self.place]
    }

    /// None for a recording rule.
    pub fn alert(&self) -> Option<Alert<'a>> {
        match self.rule() {
            RuleOptions::Alerting { hold, labels, annotations, .. } => Some(Alert { hold: *hold, labels, annotations }),
            RuleOptions::Recording { .. } => None,
        }
    }
}
