//! Takes labels through the steps. Semantics after the `relabel_config` section of Prometheus's documentation.

use md5::{Digest, Md5};

use crate::model::LabelsBuilder;

use super::step::{Action, Step};

/// Which step took a label set out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drop {
    /// Index into the list of steps.
    pub step: usize,
    pub action: Action,
}

#[derive(Clone, Debug)]
pub enum Outcome {
    Kept(LabelsBuilder),
    Dropped(Drop),
}

/// Applies the steps in order until one drops the label set.
pub fn apply(steps: &[Step], mut labels: LabelsBuilder) -> Outcome {
    for (at, step) in steps.iter().enumerate() {
        if !keeps(step, &mut labels) {
            return Outcome::Dropped(Drop { step: at, action: step.action });
        }
    }
    Outcome::Kept(labels)
}

/// The values of the source labels, joined; a missing label counts as empty.
fn joined(step: &Step, labels: &LabelsBuilder) -> String {
    let mut text = String::new();
    for (at, name) in step.source_labels.iter().enumerate() {
        if at > 0 {
            text.push_str(&step.separator);
        }
        text.push_str(labels.get(name).unwrap_or(""));
    }
    text
}

fn keeps(step: &Step, labels: &mut LabelsBuilder) -> bool {
    let target = step.target_label.as_str();
    match step.action {
        Action::Drop => return !step.regex.is_match(&joined(step, labels)),
        Action::Keep => return step.regex.is_match(&joined(step, labels)),
        Action::DropEqual => return labels.get(target).unwrap_or("") != joined(step, labels),
        Action::KeepEqual => return labels.get(target).unwrap_or("") == joined(step, labels),
        Action::Replace => replace(step, labels),
        Action::Lowercase => {
            let text = joined(step, labels).chars().map(lower).collect::<String>();
            labels.set(target, &text);
        }
        Action::Uppercase => {
            let text = joined(step, labels).chars().map(upper).collect::<String>();
            labels.set(target, &text);
        }
        Action::HashMod => {
            labels.set(target, &hash_mod(&joined(step, labels), step.modulus).to_string());
        }
        Action::LabelMap => {
            let mapped: Vec<(String, String)> = labels
                .iter()
                .filter_map(|(name, value)| Some((step.regex.expand(name, &step.replacement)?, value.to_owned())))
                .filter(|(name, _)| !name.is_empty())
                .collect();
            for (name, value) in mapped {
                labels.set(&name, &value);
            }
        }
        Action::LabelDrop => {
            labels.retain(|name, _| !step.regex.is_match(name));
        }
        Action::LabelKeep => {
            labels.retain(|name, _| step.regex.is_match(name));
        }
    }
    true
}

fn replace(step: &Step, labels: &mut LabelsBuilder) {
    let value = joined(step, labels);
    let Some(result) = step.regex.expand(&value, &step.replacement) else {
        return;
    };
    if step.target_label.contains('$') {
        // A target that expands to no name is passed over, as Prometheus does.
        if let Some(target) = step.regex.expand(&value, &step.target_label).filter(|target| !target.is_empty()) {
            labels.set(&target, &result);
        }
    } else {
        labels.set(&step.target_label, &result);
    }
}

/// The last eight bytes of the text's MD5, big-endian, modulo `modulus`.
fn hash_mod(text: &str, modulus: u64) -> u64 {
    let digest: [u8; 16] = Md5::digest(text.as_bytes()).into();
    let tail = digest[8..].iter().fold(0u64, |sum, byte| (sum << 8) | u64::from(*byte));
    tail.checked_rem(modulus).unwrap_or(0)
}

/// Go maps rune by rune: where Unicode's full mapping has several letters, the first one or the letter itself stays.
fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

fn upper(c: char) -> char {
    let mut mapped = c.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}
