//! One step of a `relabel_configs` list, and what Prometheus says of a wrong one.

use std::fmt;

use crate::model::number::quote;
use crate::model::regex::AnchoredRegex;

pub const DEFAULT_SEPARATOR: &str = ";";
pub const DEFAULT_REGEX: &str = "(.*)";
pub const DEFAULT_REPLACEMENT: &str = "$1";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Replace,
    Keep,
    Drop,
    KeepEqual,
    DropEqual,
    HashMod,
    LabelMap,
    LabelDrop,
    LabelKeep,
    Lowercase,
    Uppercase,
}

const ACTIONS: [Action; 11] = [
    Action::Replace,
    Action::Keep,
    Action::Drop,
    Action::KeepEqual,
    Action::DropEqual,
    Action::HashMod,
    Action::LabelMap,
    Action::LabelDrop,
    Action::LabelKeep,
    Action::Lowercase,
    Action::Uppercase,
];

impl Action {
    /// Any case; the error is Prometheus's.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        ACTIONS.into_iter().find(|action| action.as_str() == lower).ok_or_else(|| format!("unknown relabel action {}", quote(text)))
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Replace => "replace",
            Self::Keep => "keep",
            Self::Drop => "drop",
            Self::KeepEqual => "keepequal",
            Self::DropEqual => "dropequal",
            Self::HashMod => "hashmod",
            Self::LabelMap => "labelmap",
            Self::LabelDrop => "labeldrop",
            Self::LabelKeep => "labelkeep",
            Self::Lowercase => "lowercase",
            Self::Uppercase => "uppercase",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Defaults: separator `;`, regex `(.*)`, replacement `$1`, action replace.
#[derive(Clone, Debug)]
pub struct Step {
    pub action: Action,
    pub source_labels: Vec<String>,
    pub separator: String,
    pub regex: AnchoredRegex,
    pub modulus: u64,
    pub target_label: String,
    pub replacement: String,
}

impl Default for Step {
    fn default() -> Self {
        Self {
            action: Action::Replace,
            source_labels: Vec::new(),
            separator: DEFAULT_SEPARATOR.to_owned(),
            regex: AnchoredRegex::new(DEFAULT_REGEX).unwrap_or_else(|_| unreachable!("the default pattern is valid")),
            modulus: 0,
            target_label: String::new(),
            replacement: DEFAULT_REPLACEMENT.to_owned(),
        }
    }
}

impl PartialEq for Step {
    fn eq(&self, other: &Self) -> bool {
        self.action == other.action
            && self.source_labels == other.source_labels
            && self.separator == other.separator
            && self.regex.pattern() == other.regex.pattern()
            && self.modulus == other.modulus
            && self.target_label == other.target_label
            && self.replacement == other.replacement
    }
}

impl Eq for Step {}

impl Step {
    /// Whether the fields fit the action; `legacy_names` as in the job's options. The error is Prometheus's sentence.
    pub fn check(&self, legacy_names: bool) -> Result<(), String> {
        use Action::{DropEqual, HashMod, KeepEqual, LabelDrop, LabelKeep, LabelMap, Lowercase, Replace, Uppercase};
        let action = self.action;
        if action == HashMod && self.modulus == 0 {
            return Err("relabel configuration for hashmod requires non-zero modulus".to_owned());
        }
        let names_target = matches!(action, Replace | KeepEqual | DropEqual | HashMod | Lowercase | Uppercase);
        if names_target && self.target_label.is_empty() {
            return Err(format!("relabel configuration for {action} action requires 'target_label' value"));
        }
        let target_fits = match action {
            Replace => is_name_template(&self.target_label, legacy_names),
            _ => is_label_name(&self.target_label, legacy_names),
        };
        if names_target && !target_fits {
            return Err(format!("{} is invalid 'target_label' for {action} action", quote(&self.target_label)));
        }
        let plain_replacement = self.replacement == DEFAULT_REPLACEMENT;
        if matches!(action, Lowercase | Uppercase | KeepEqual | DropEqual) && !plain_replacement {
            return Err(format!("'replacement' can not be set for {action} action"));
        }
        if action == LabelMap && !is_name_template(&self.replacement, legacy_names) {
            return Err(format!("{} is invalid 'replacement' for {action} action", quote(&self.replacement)));
        }
        let plain_rest = self.modulus == 0 && self.separator == DEFAULT_SEPARATOR && plain_replacement;
        if matches!(action, DropEqual | KeepEqual) && !(plain_rest && self.regex.pattern() == DEFAULT_REGEX) {
            return Err(format!("{action} action requires only 'source_labels' and `target_label`, and no other fields"));
        }
        let names_labels = !self.source_labels.is_empty() || !self.target_label.is_empty();
        if matches!(action, LabelDrop | LabelKeep) && (names_labels || !plain_rest) {
            return Err(format!("{action} action requires only 'regex', and no other fields"));
        }
        Ok(())
    }
}

/// Whether a text can be a label's name: `[a-zA-Z_][a-zA-Z0-9_]*` for legacy names, else any text.
pub fn is_label_name(text: &str, legacy_names: bool) -> bool {
    let starts = |b: u8| b.is_ascii_alphabetic() || b == b'_';
    let plain = || text.bytes().enumerate().all(|(at, b)| starts(b) || (at > 0 && b.is_ascii_digit()));
    !text.is_empty() && (!legacy_names || plain())
}

/// A label name in which `$1`, `$name` or `${name}` may stand.
fn is_name_template(text: &str, legacy_names: bool) -> bool {
    if !legacy_names {
        return !text.is_empty();
    }
    let (mut rest, mut bare) = (text, String::new());
    while let Some(at) = rest.find('$') {
        bare.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let word = |text: &str| text.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        if let Some(inner) = rest.strip_prefix('{') {
            let length = word(inner);
            if length == 0 || inner.as_bytes().get(length) != Some(&b'}') {
                return false;
            }
            rest = &inner[length + 1..];
        } else {
            let length = word(rest);
            if length == 0 {
                return false;
            }
            rest = &rest[length..];
        }
        bare.push('_');
    }
    bare.push_str(rest);
    is_label_name(&bare, true)
}
