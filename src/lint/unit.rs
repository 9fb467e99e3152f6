//! What an expression's number counts, as far as names and functions tell.

use super::shape::{all_windowed, number, windowed};
use crate::promql::ast::{Aggregate, Binary, Call};
use crate::promql::token::{Aggregator, Operator};
use crate::promql::{Expr, ExprKind};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// 0 to 1, mostly.
    Ratio,
    /// 0 to 100, mostly.
    Percent,
    Seconds,
    Bytes,
    BytesPerSecond,
    /// Events per second.
    PerSecond,
    /// Events.
    Count,
    /// Unix seconds.
    Time,
}

impl Unit {
    pub fn words(self) -> &'static str {
        match self {
            Self::Ratio => "a ratio (0 to 1)",
            Self::Percent => "a percentage (0 to 100)",
            Self::Seconds => "seconds",
            Self::Bytes => "bytes",
            Self::BytesPerSecond => "bytes per second",
            Self::PerSecond => "events per second",
            Self::Count => "a count",
            Self::Time => "a point in time",
        }
    }
}

pub fn of(expr: &Expr) -> Option<Unit> {
    match &expr.unwrapped().kind {
        ExprKind::Selector(selector) => of_name(selector.metric_name()?),
        ExprKind::Unary(unary) => of(&unary.expr),
        ExprKind::Aggregate(aggregate) => of_aggregate(aggregate),
        ExprKind::Call(call) => of_call(expr, call),
        ExprKind::Binary(binary) => of_binary(binary),
        _ => None,
    }
}

/// Of a value as it stands: a counter's total is a count of what it counts.
fn of_name(name: &str) -> Option<Unit> {
    let (stem, is_counter) = match name.strip_suffix("_total") {
        Some(stem) => (stem, true),
        None => (name, false),
    };
    let ends = |end: &str| stem.ends_with(end);
    let units = [
        ("_timestamp_seconds", Unit::Time),
        ("_created", Unit::Time),
        ("_seconds", Unit::Seconds),
        ("_bytes", Unit::Bytes),
        ("_ratio", Unit::Ratio),
        ("_percent", Unit::Percent),
        ("_percentage", Unit::Percent),
        ("_count", Unit::Count),
    ];
    if ends("_time_seconds") && !is_counter {
        return Some(Unit::Time);
    }
    let named = units.iter().find(|(end, _)| ends(end)).map(|(_, unit)| *unit);
    named.or_else(|| is_counter.then_some(Unit::Count))
}

fn of_aggregate(aggregate: &Aggregate) -> Option<Unit> {
    match aggregate.op {
        Aggregator::Count | Aggregator::CountValues | Aggregator::Group => Some(Unit::Count),
        // A sum of shares is no share.
        Aggregator::Sum => of(&aggregate.expr).filter(|unit| !matches!(unit, Unit::Ratio | Unit::Percent | Unit::Time)),
        Aggregator::Stddev | Aggregator::Stdvar => None,
        _ => of(&aggregate.expr),
    }
}

fn of_call(expr: &Expr, call: &Call) -> Option<Unit> {
    if let Some(part) = windowed(expr.unwrapped()) {
        let name = part.selector.metric_name()?;
        let total = of_name(name);
        return match part.function {
            "rate" | "irate" => match total {
                _ if name.ends_with("_sum") => None,
                Some(Unit::Seconds) => Some(Unit::Ratio),
                Some(Unit::Bytes) => Some(Unit::BytesPerSecond),
                Some(Unit::Count) => Some(Unit::PerSecond),
                _ => None,
            },
            "count_over_time" | "changes" | "resets" => Some(Unit::Count),
            "increase" | "delta" | "idelta" | "predict_linear" | "avg_over_time" | "min_over_time" | "max_over_time" | "last_over_time"
            | "quantile_over_time" => total.filter(|unit| *unit != Unit::Time),
            _ => None,
        };
    }
    match call.function.name {
        "histogram_quantile" => {
            let parts = all_windowed(call.args.get(1)?);
            let name = parts.first()?.selector.metric_name()?;
            of_name(name.strip_suffix("_bucket").unwrap_or(name))
        }
        "time" => Some(Unit::Time),
        "timestamp" => Some(Unit::Time),
        "abs" | "ceil" | "floor" | "round" | "clamp" | "clamp_max" | "clamp_min" | "sort" | "sort_desc" => of(call.args.first()?),
        _ => None,
    }
}

fn of_binary(binary: &Binary) -> Option<Unit> {
    let (left, right) = (of(&binary.left), of(&binary.right));
    let (a, b) = (number(&binary.left), number(&binary.right));
    match binary.op {
        op if op.is_comparison() => {
            if binary.returns_bool {
                None
            } else {
                left.or(if a.is_some() { right } else { None })
            }
        }
        Operator::And | Operator::Unless => left,
        Operator::Or => left.filter(|unit| Some(*unit) == right),
        Operator::Mul => match (left.or(right)?, a.or(b)?) {
            (Unit::Ratio, 100.0) => Some(Unit::Percent),
            _ => None,
        },
        Operator::Div => match (left, right, b) {
            (Some(Unit::Percent), None, Some(100.0)) => Some(Unit::Ratio),
            (Some(Unit::Ratio), Some(Unit::PerSecond), _) | (Some(Unit::Bytes), Some(Unit::BytesPerSecond), _) => Some(Unit::Seconds),
            (Some(x), Some(y), _) if x == y => Some(Unit::Ratio),
            _ => None,
        },
        Operator::Sub | Operator::Add => match (left, right, a) {
            (Some(Unit::Time), Some(Unit::Time), _) => Some(Unit::Seconds),
            (Some(x), Some(y), _) if x == y => Some(x),
            (None, Some(Unit::Ratio), Some(1.0)) => Some(Unit::Ratio),
            (None, Some(Unit::Percent), Some(100.0)) => Some(Unit::Percent),
            _ => None,
        },
        _ => None,
    }
}
