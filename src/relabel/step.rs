//! One step of a `relabel_configs` list, checked.

use crate::model::regex::AnchoredRegex;

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
