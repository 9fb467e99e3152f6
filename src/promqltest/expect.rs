//! What a case expects: values, or a failure, and annotations.

use crate::model::regex::GoRegex;
use crate::model::{DurationMs, Labels, TimestampMs};
use crate::promql::series::Values;

/// One text that is expected.
#[derive(Clone, Debug)]
pub enum Wanted {
    Any,
    Text(String),
    Pattern(GoRegex),
}

impl Wanted {
    pub fn pattern(text: &str) -> Result<Self, String> {
        GoRegex::new(text).map(Self::Pattern)
    }

    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Text(wanted) => wanted == text,
            Self::Pattern(pattern) => pattern.is_match(text),
        }
    }
}

/// What is expected of the warnings, or of the infos.
#[derive(Clone, Debug, Default)]
pub struct Annotations {
    pub none: bool,
    pub wanted: Vec<Wanted>,
}

impl Annotations {
    pub fn any() -> Self {
        Self { none: false, wanted: vec![Wanted::Any] }
    }

    /// What is wrong with those that came.
    pub fn check(&self, kind: &str, found: &[String]) -> Result<(), String> {
        if self.none && !found.is_empty() {
            return Err(format!("expected no {kind} annotations, got {found:?}"));
        }
        if self.wanted.is_empty() {
            return Ok(());
        }
        if let Some(extra) = found.iter().find(|text| !self.wanted.iter().any(|w| w.matches(text))) {
            return Err(format!("unexpected {kind} annotation: {extra}"));
        }
        match self.wanted.iter().find(|w| !found.iter().any(|text| w.matches(text))) {
            Some(missing) => Err(format!("expected {kind} annotation {missing:?}, got {found:?}")),
            None => Ok(()),
        }
    }
}

/// The lines below an `eval`.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    pub fail: Option<Wanted>,
    pub warnings: Annotations,
    pub infos: Annotations,
    pub ordered: bool,
    pub text: Option<String>,
    pub scalar: Option<f64>,
    pub range_vector: Option<(TimestampMs, DurationMs)>,
    pub series: Vec<(Labels, Values)>,
}

impl Expected {
    /// What follows `expect`.
    pub fn directive(&mut self, line: &str) -> Result<(), String> {
        let (word, rest) = line.split_at(line.find(char::is_whitespace).unwrap_or(line.len()));
        let rest = rest.trim();
        match word {
            "fail" => self.fail = Some(wanted(rest)?),
            "warn" => self.warnings.wanted.push(wanted(rest)?),
            "info" => self.infos.wanted.push(wanted(rest)?),
            "no_warn" => self.warnings.none = true,
            "no_info" => self.infos.none = true,
            "ordered" => self.ordered = true,
            "string" => {
                let literal = crate::promql::parse(rest, crate::promql::Features::default()).ok().map(|e| e.kind);
                let Some(crate::promql::ExprKind::Text(text)) = literal else {
                    return Err("expect string needs a quoted text".to_owned());
                };
                self.text = Some(String::from_utf8_lossy(&text.bytes).into_owned());
            }
            "range" => self.range_vector(rest)?,
            other => return Err(format!("unknown expectation {other:?}")),
        }
        Ok(())
    }

    /// `vector from A to B step S`.
    fn range_vector(&mut self, rest: &str) -> Result<(), String> {
        let words: Vec<&str> = rest.split_whitespace().collect();
        let ["vector", "from", start, "to", end, "step", step] = words.as_slice() else {
            return Err("expect range vector from A to B step S".to_owned());
        };
        super::script::duration(end)?;
        self.range_vector = Some((TimestampMs(super::script::duration(start)?.0), super::script::duration(step)?));
        Ok(())
    }
}

/// Nothing, `msg: text` or `regex: pattern`.
fn wanted(rest: &str) -> Result<Wanted, String> {
    if rest.is_empty() {
        return Ok(Wanted::Any);
    }
    if let Some(text) = rest.strip_prefix("msg:") {
        return Ok(Wanted::Text(text.trim().to_owned()));
    }
    match rest.strip_prefix("regex:") {
        Some(pattern) => Wanted::pattern(pattern.trim()),
        None => Err(format!("msg: or regex:, not {rest:?}")),
    }
}
