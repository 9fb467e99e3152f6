//! Tokens of the language, and how Prometheus names them in its messages.

use crate::model::Span;
use crate::model::number::quote;

/// What a token is. Words of the language are recognised in any case.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Eof,
    /// The text cannot be read on: the message is complete.
    Error(String),
    Comma,
    LeftParen,
    RightParen,
    LeftBrace,
    RightBrace,
    LeftBracket,
    RightBracket,
    Colon,
    At,
    /// `=`, which only matchers use.
    Assign,
    RegexMatch,
    RegexNotMatch,
    Operator(Operator),
    Aggregator(Aggregator),
    Keyword(Keyword),
    Identifier,
    MetricIdentifier,
    /// A quoted string, still with its quotes and escapes.
    Text,
    Number,
    Duration,
}

/// The binary operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Atan2,
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterEqual,
    LessEqual,
    /// `</`: keeps of a native histogram what lies below.
    TrimUpper,
    /// `>/`: keeps of a native histogram what lies above.
    TrimLower,
    And,
    Or,
    Unless,
}

impl Operator {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::Pow => "^",
            Self::Atan2 => "atan2",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Greater => ">",
            Self::Less => "<",
            Self::GreaterEqual => ">=",
            Self::LessEqual => "<=",
            Self::TrimUpper => "</",
            Self::TrimLower => ">/",
            Self::And => "and",
            Self::Or => "or",
            Self::Unless => "unless",
        }
    }

    pub fn is_comparison(self) -> bool {
        matches!(self, Self::Equal | Self::NotEqual | Self::Greater | Self::Less | Self::GreaterEqual | Self::LessEqual)
    }

    pub fn is_set(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Unless)
    }

    pub fn is_trim(self) -> bool {
        matches!(self, Self::TrimUpper | Self::TrimLower)
    }

    /// Higher binds tighter.
    pub fn precedence(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And | Self::Unless => 2,
            Self::Add | Self::Sub => 4,
            Self::Mul | Self::Div | Self::Mod | Self::Atan2 => 5,
            Self::Pow => 6,
            _ => 3,
        }
    }

    /// Whether the operator is written as a word.
    fn is_word(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Unless | Self::Atan2)
    }
}

/// The aggregation operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Aggregator {
    Sum,
    Avg,
    Count,
    Min,
    Max,
    Group,
    Stddev,
    Stdvar,
    Topk,
    Bottomk,
    CountValues,
    Quantile,
    Limitk,
    LimitRatio,
}

impl Aggregator {
    pub const ALL: [Self; 14] = [
        Self::Sum,
        Self::Avg,
        Self::Count,
        Self::Min,
        Self::Max,
        Self::Group,
        Self::Stddev,
        Self::Stdvar,
        Self::Topk,
        Self::Bottomk,
        Self::CountValues,
        Self::Quantile,
        Self::Limitk,
        Self::LimitRatio,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Avg => "avg",
            Self::Count => "count",
            Self::Min => "min",
            Self::Max => "max",
            Self::Group => "group",
            Self::Stddev => "stddev",
            Self::Stdvar => "stdvar",
            Self::Topk => "topk",
            Self::Bottomk => "bottomk",
            Self::CountValues => "count_values",
            Self::Quantile => "quantile",
            Self::Limitk => "limitk",
            Self::LimitRatio => "limit_ratio",
        }
    }

    /// Whether it takes a parameter before the vector.
    pub fn has_parameter(self) -> bool {
        matches!(self, Self::Topk | Self::Bottomk | Self::CountValues | Self::Quantile | Self::Limitk | Self::LimitRatio)
    }

    /// Whether it is behind `promql-experimental-functions`.
    pub fn is_experimental(self) -> bool {
        matches!(self, Self::Limitk | Self::LimitRatio)
    }
}

/// The other words of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Keyword {
    Offset,
    By,
    Without,
    On,
    Ignoring,
    GroupLeft,
    GroupRight,
    Bool,
    Start,
    End,
    Step,
    Range,
    Anchored,
    Smoothed,
    Fill,
    FillLeft,
    FillRight,
}

impl Kind {
    /// The kind of a bare word.
    pub fn of_word(word: &str) -> Self {
        let lower = word.to_ascii_lowercase();
        if let Some(aggregator) = Aggregator::ALL.into_iter().find(|a| a.as_str() == lower) {
            return Self::Aggregator(aggregator);
        }
        match lower.as_str() {
            "and" => Self::Operator(Operator::And),
            "or" => Self::Operator(Operator::Or),
            "unless" => Self::Operator(Operator::Unless),
            "atan2" => Self::Operator(Operator::Atan2),
            "offset" => Self::Keyword(Keyword::Offset),
            "by" => Self::Keyword(Keyword::By),
            "without" => Self::Keyword(Keyword::Without),
            "on" => Self::Keyword(Keyword::On),
            "ignoring" => Self::Keyword(Keyword::Ignoring),
            "group_left" => Self::Keyword(Keyword::GroupLeft),
            "group_right" => Self::Keyword(Keyword::GroupRight),
            "bool" => Self::Keyword(Keyword::Bool),
            "start" => Self::Keyword(Keyword::Start),
            "end" => Self::Keyword(Keyword::End),
            "step" => Self::Keyword(Keyword::Step),
            "range" => Self::Keyword(Keyword::Range),
            "anchored" => Self::Keyword(Keyword::Anchored),
            "smoothed" => Self::Keyword(Keyword::Smoothed),
            "fill" => Self::Keyword(Keyword::Fill),
            "fill_left" => Self::Keyword(Keyword::FillLeft),
            "fill_right" => Self::Keyword(Keyword::FillRight),
            "inf" | "nan" => Self::Number,
            _ if word.contains(':') => Self::MetricIdentifier,
            _ => Self::Identifier,
        }
    }

    /// Whether a label may have this word as its name without quotes.
    pub fn is_label_word(&self) -> bool {
        match self {
            Self::Identifier | Self::Aggregator(_) | Self::Keyword(_) => true,
            Self::Operator(operator) => operator.is_word(),
            _ => false,
        }
    }

    /// Whether an expression can begin with it.
    pub fn starts_expr(&self) -> bool {
        let sign = matches!(self, Self::Operator(Operator::Add | Operator::Sub));
        let leaf = matches!(self, Self::Number | Self::Duration | Self::Text | Self::LeftParen | Self::LeftBrace | Self::Aggregator(_));
        sign || leaf || self.is_metric_word()
    }

    /// Whether a metric may have this word as its name without quotes.
    pub fn is_metric_word(&self) -> bool {
        match self {
            Self::Identifier | Self::MetricIdentifier | Self::Aggregator(_) => true,
            Self::Keyword(keyword) => {
                !matches!(keyword, Keyword::Bool | Keyword::On | Keyword::Ignoring | Keyword::GroupLeft | Keyword::GroupRight)
            }
            Self::Operator(operator) => matches!(operator, Operator::And | Operator::Or | Operator::Unless),
            _ => false,
        }
    }
}

/// One token and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    pub kind: Kind,
    pub span: Span,
}

impl Token {
    pub fn text<'s>(&self, source: &'s str) -> &'s str {
        &source[self.span.start..self.span.end]
    }

    /// The token as Prometheus names it after "unexpected".
    pub fn describe(&self, source: &str) -> String {
        let text = self.text(source);
        match &self.kind {
            Kind::Eof => "end of input".to_owned(),
            Kind::Error(message) => message.clone(),
            // These two are no keywords in Prometheus's table.
            Kind::Keyword(Keyword::Start | Keyword::End) => quote(text),
            Kind::Keyword(_) => format!("<{text}>"),
            Kind::Aggregator(_) => format!("<aggr:{text}>"),
            Kind::Operator(_) | Kind::RegexMatch | Kind::RegexNotMatch => format!("<op:{text}>"),
            Kind::Identifier => format!("identifier {}", quote(text)),
            Kind::MetricIdentifier => format!("metric identifier {}", quote(text)),
            Kind::Text => format!("string {}", shortened(text)),
            Kind::Number => format!("number {}", shortened(text)),
            Kind::Duration => format!("duration {}", shortened(text)),
            _ => shortened(text),
        }
    }
}

/// Quoted; of more than ten bytes the first ten characters.
fn shortened(text: &str) -> String {
    if text.len() <= 10 { quote(text) } else { format!("{}...", quote(&text.chars().take(10).collect::<String>())) }
}
