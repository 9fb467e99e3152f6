//! The tree that the parser makes: every node with its place in the text.

use std::sync::Arc;

use super::functions::Function;
use super::token::{Aggregator, Operator};
use crate::model::{DurationMs, METRIC_NAME, MatchOp, Matcher, Span, TimestampMs};

/// One expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
    /// Levels from here to the deepest leaf, this one included.
    pub depth: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    Number(Number),
    Text(Text),
    Selector(Selector),
    Range(Box<RangeSelector>),
    Subquery(Box<Subquery>),
    Unary(Box<Unary>),
    Binary(Box<Binary>),
    Aggregate(Box<Aggregate>),
    Call(Box<Call>),
    Paren(Box<Expr>),
    /// Has the same value at every step: evaluated once. Only the engine makes these.
    Invariant(Box<Expr>),
}

/// The four types of PromQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    Scalar,
    Text,
    Vector,
    Matrix,
}

impl ValueType {
    /// As the HTTP API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Text => "string",
            Self::Vector => "vector",
            Self::Matrix => "matrix",
        }
    }

    /// As the documentation and error texts spell it.
    pub fn documented(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Text => "string",
            Self::Vector => "instant vector",
            Self::Matrix => "range vector",
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Number {
    pub value: f64,
    /// Written as a duration.
    pub is_duration: bool,
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.value.to_bits() == other.value.to_bits() && self.is_duration == other.is_duration
    }
}

/// A string literal. Escapes can form bytes that are no UTF-8; such a text is refused where it becomes a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    pub bytes: Arc<[u8]>,
}

impl Text {
    /// The text, or Go's quoting of it where it is not UTF-8.
    pub fn utf8(&self) -> Result<&str, String> {
        std::str::from_utf8(&self.bytes).map_err(|_| self.quoted())
    }

    /// Go's `%q`: bytes that are not UTF-8 become `\xNN`.
    pub fn quoted(&self) -> String {
        let mut out = String::from("\"");
        for chunk in self.bytes.utf8_chunks() {
            let quoted = crate::model::number::quote(chunk.valid());
            out.push_str(&quoted[1..quoted.len() - 1]);
            for byte in chunk.invalid() {
                out.push_str(&format!("\\x{byte:02x}"));
            }
        }
        out.push('"');
        out
    }
}

/// `offset` and `@`, which selectors and subqueries can have.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Modifiers {
    pub offset: Length,
    pub at: Option<At>,
}

/// What `@` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    Time(TimestampMs),
    Start,
    End,
}

/// A length of time, which may have to be computed when the query's step and range are known.
#[derive(Clone, Debug, PartialEq)]
pub enum Length {
    Fixed(DurationMs),
    Computed(Arc<LengthExpr>),
}

impl Default for Length {
    fn default() -> Self {
        Self::Fixed(DurationMs::ZERO)
    }
}

impl Length {
    /// The length; a computed one must have been resolved (the engine does so first) and counts as zero.
    pub fn fixed(&self) -> DurationMs {
        match self {
            Self::Fixed(length) => *length,
            Self::Computed(_) => DurationMs::ZERO,
        }
    }
}

/// Arithmetic on lengths, in seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct LengthExpr {
    pub kind: LengthKind,
    pub span: Span,
    pub depth: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub enum LengthKind {
    Number(Number),
    Step,
    Range,
    Negative(Box<LengthExpr>),
    Positive(Box<LengthExpr>),
    Paren(Box<LengthExpr>),
    Binary(Operator, Box<LengthExpr>, Box<LengthExpr>),
    MinOf(Box<LengthExpr>, Box<LengthExpr>),
    MaxOf(Box<LengthExpr>, Box<LengthExpr>),
}

/// `name{matchers}` with its modifiers.
#[derive(Clone, Debug, PartialEq)]
pub struct Selector {
    /// The name before the braces; one that is quoted inside them is a matcher only.
    pub name: Option<String>,
    /// All matchers, the one of the name included (last, as Prometheus keeps it).
    pub matchers: Vec<Matcher>,
    pub modifiers: Modifiers,
    pub anchored: bool,
    pub smoothed: bool,
    /// Only count and sum of native histograms are asked for; their reset hints are found on the way. Set by the engine.
    pub statistics_only: bool,
}

impl Selector {
    /// The metric's name, where an equality matcher fixes it.
    pub fn metric_name(&self) -> Option<&str> {
        self.matchers.iter().find(|m| m.name == METRIC_NAME && m.op == MatchOp::Equal).map(|m| m.value.as_str())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct RangeSelector {
    pub selector: Selector,
    /// Of the selector alone, without the brackets.
    pub selector_span: Span,
    pub range: Length,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Subquery {
    pub expr: Expr,
    pub range: Length,
    /// Absent: the engine's default.
    pub step: Option<Length>,
    pub modifiers: Modifiers,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Unary {
    /// `-`; otherwise `+`.
    pub negative: bool,
    pub expr: Expr,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Binary {
    pub op: Operator,
    pub op_span: Span,
    pub left: Expr,
    pub right: Expr,
    /// `bool`: a comparison yields 0 and 1 instead of filtering.
    pub returns_bool: bool,
    /// How series find each other; absent where one side is a scalar.
    pub matching: Option<Matching>,
}

/// How the series of two vectors find each other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matching {
    pub cardinality: Cardinality,
    /// `on`: only these labels count; otherwise all but these.
    pub on: bool,
    pub labels: Vec<String>,
    /// Labels that the "one" side gives to the result.
    pub include: Vec<String>,
    pub fill_left: Option<f64>,
    pub fill_right: Option<f64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cardinality {
    #[default]
    OneToOne,
    /// `group_left`.
    ManyToOne,
    /// `group_right`.
    OneToMany,
    /// The set operators.
    ManyToMany,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    pub op: Aggregator,
    pub expr: Expr,
    pub parameter: Option<Expr>,
    pub without: bool,
    pub grouping: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub function: &'static Function,
    pub args: Vec<Expr>,
}

impl Expr {
    pub fn new(kind: ExprKind, span: Span) -> Self {
        let mut expr = Self { kind, span, depth: 1 };
        expr.depth += expr.children().iter().map(|c| c.depth).max().unwrap_or(0);
        expr
    }

    pub fn value_type(&self) -> ValueType {
        match &self.kind {
            ExprKind::Number(_) => ValueType::Scalar,
            ExprKind::Text(_) => ValueType::Text,
            ExprKind::Selector(_) | ExprKind::Aggregate(_) => ValueType::Vector,
            ExprKind::Range(_) | ExprKind::Subquery(_) => ValueType::Matrix,
            ExprKind::Unary(unary) => unary.expr.value_type(),
            ExprKind::Binary(binary) => match (binary.left.value_type(), binary.right.value_type()) {
                (ValueType::Scalar, ValueType::Scalar) => ValueType::Scalar,
                _ => ValueType::Vector,
            },
            ExprKind::Call(call) => call.function.returns,
            ExprKind::Paren(inner) | ExprKind::Invariant(inner) => inner.value_type(),
        }
    }

    pub fn children(&self) -> Vec<&Expr> {
        match &self.kind {
            ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Selector(_) | ExprKind::Range(_) => Vec::new(),
            ExprKind::Subquery(subquery) => vec![&subquery.expr],
            ExprKind::Unary(unary) => vec![&unary.expr],
            ExprKind::Binary(binary) => vec![&binary.left, &binary.right],
            ExprKind::Aggregate(aggregate) => aggregate.parameter.iter().chain([&aggregate.expr]).collect(),
            ExprKind::Call(call) => call.args.iter().collect(),
            ExprKind::Paren(inner) | ExprKind::Invariant(inner) => vec![inner],
        }
    }

    /// The expression without parentheses and the engine's marks around it.
    pub fn unwrapped(&self) -> &Expr {
        match &self.kind {
            ExprKind::Paren(inner) | ExprKind::Invariant(inner) => inner.unwrapped(),
            _ => self,
        }
    }

    /// The place of an argument as annotations name it: without parentheses around it, unless the engine evaluates all of it once.
    pub fn argument_span(&self) -> Span {
        let mut inner = self;
        while let ExprKind::Paren(next) = &inner.kind {
            inner = next;
        }
        if matches!(inner.kind, ExprKind::Invariant(_)) { self.span } else { inner.span }
    }

    /// Calls `visit` for each expression of the tree, parents first.
    pub fn walk<'e>(&'e self, visit: &mut dyn FnMut(&'e Expr)) {
        visit(self);
        for child in self.children() {
            child.walk(visit);
        }
    }
}
