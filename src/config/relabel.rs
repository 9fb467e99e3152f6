//! `relabel_configs` and its kin: the table of a step, and from a list of them to `relabel::Step`.

use crate::model::Span;
use crate::model::number::quote;
use crate::model::regex::AnchoredRegex;
use crate::relabel::Step;
use crate::relabel::step::Action;
use crate::yaml::{Field, Kind, Node, Print, Problems, Section, Words, field};

const ACTIONS: [(&str, Action); 11] = [
    ("replace", Action::Replace),
    ("keep", Action::Keep),
    ("drop", Action::Drop),
    ("keepequal", Action::KeepEqual),
    ("dropequal", Action::DropEqual),
    ("hashmod", Action::HashMod),
    ("labelmap", Action::LabelMap),
    ("labeldrop", Action::LabelDrop),
    ("labelkeep", Action::LabelKeep),
    ("lowercase", Action::Lowercase),
    ("uppercase", Action::Uppercase),
];

static ACTION: Words = Words {
    name: "relabel action",
    words: &[
        "replace",
        "keep",
        "drop",
        "keepequal",
        "dropequal",
        "hashmod",
        "labelmap",
        "labeldrop",
        "labelkeep",
        "lowercase",
        "uppercase",
    ],
    any_case: true,
};

static FIELDS: &[Field] = &[
    field("source_labels", Kind::List(&Kind::Text)).print(Print::Flow),
    field("separator", Kind::Text).default(";"),
    field("regex", Kind::Regex),
    field("modulus", Kind::Count),
    field("target_label", Kind::Text),
    field("replacement", Kind::Text).default("$1"),
    field("action", Kind::Word(&ACTION)).default("replace"),
];

/// A list item of `relabel_configs` and `metric_relabel_configs`.
pub static STEP: Section = Section { name: "relabel_config", fields: &[FIELDS] };

/// `[a-zA-Z_][a-zA-Z0-9_]*`
pub fn is_legacy_label_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().enumerate().all(|(at, b)| b == b'_' || b.is_ascii_alphabetic() || (at > 0 && b.is_ascii_digit()))
}

/// Any text is a label's name, unless the old character set is asked for.
pub fn is_label_name(name: &str, legacy: bool) -> bool {
    if legacy { is_legacy_label_name(name) } else { !name.is_empty() }
}

/// A target that may hold `$1` or `${name}`, in the old character set.
fn is_target_template(text: &str) -> bool {
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        let behind = &rest[dollar + 1..];
        let word = |text: &str| text.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        let length = match behind.strip_prefix('{') {
            Some(inner) if word(inner) > 0 && inner[word(inner)..].starts_with('}') => word(inner) + 2,
            None if word(behind) > 0 => word(behind),
            _ => return false,
        };
        if !rest[..dollar].bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return false;
        }
        rest = &behind[length..];
    }
    let starts_well = !text.starts_with(|c: char| c.is_ascii_digit());
    !text.is_empty() && starts_well && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// A target where any text goes, but `$` must begin a group's name and braces belong to one.
fn is_target_text(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find(['$', '{', '}']) {
        let plain = |text: &str| text.find(['$', '{', '}']).unwrap_or(text.len());
        let Some(behind) = rest[at..].strip_prefix('$') else { return false };
        let length = match behind.strip_prefix('{') {
            Some(inner) if plain(inner) > 0 && inner[plain(inner)..].starts_with('}') => plain(inner) + 2,
            None if plain(behind) > 0 => plain(behind),
            _ => return false,
        };
        rest = &behind[length..];
    }
    true
}

fn is_target(text: &str, legacy: bool) -> bool {
    if legacy { is_target_template(text) } else { is_target_text(text) }
}

/// The steps of `key`; the rules are Prometheus's, with its sentences. `legacy`: names in the old character set only.
pub fn steps(parent: &Node, key: &str, legacy: bool, problems: &mut Problems<'_>) -> Vec<Step> {
    let Some(list) = parent.get(key) else { return Vec::new() };
    list.items().iter().filter(|item| !item.is_null()).filter_map(|item| step(item, legacy, problems)).collect()
}

fn step(node: &Node, legacy: bool, problems: &mut Problems<'_>) -> Option<Step> {
    let text = |key: &str, default: &str| node.get(key).and_then(Node::as_text).unwrap_or(default).to_owned();
    let action_name = text("action", "replace").to_lowercase();
    let action = ACTIONS.iter().find(|(name, _)| *name == action_name)?.1;
    let pattern = text("regex", "(.*)");
    let step = Step {
        action,
        source_labels: node.texts("source_labels"),
        separator: text("separator", ";"),
        regex: AnchoredRegex::new(&pattern).ok()?,
        modulus: node.unsigned("modulus").unwrap_or(0),
        target_label: text("target_label", ""),
        replacement: text("replacement", "$1"),
    };
    let mut wrong = Vec::new();
    check_target(&step, &action_name, legacy, &mut wrong);
    check_extras(&step, &action_name, &pattern, &mut wrong);
    for (key, message) in &wrong {
        let at: Span = if node.entry(key).is_some() { node.key_span(key) } else { node.span };
        problems.error(at, message.clone());
    }
    wrong.is_empty().then_some(step)
}

/// What each action asks of target and replacement; pairs of the key to point at and the sentence.
fn check_target(step: &Step, action: &str, legacy: bool, wrong: &mut Vec<(&'static str, String)>) {
    use Action::{DropEqual, HashMod, KeepEqual, LabelMap, Lowercase, Replace, Uppercase};
    let target = &step.target_label;
    let named = matches!(step.action, Lowercase | Uppercase | KeepEqual | DropEqual);
    if step.action == HashMod && step.modulus == 0 {
        wrong.push(("modulus", "relabel configuration for hashmod requires non-zero modulus".to_owned()));
    }
    if (named || matches!(step.action, Replace | HashMod)) && target.is_empty() {
        wrong.push(("action", format!("relabel configuration for {action} action requires 'target_label' value")));
    } else {
        let valid = match step.action {
            Replace if target.contains('$') => is_target(target, legacy),
            Replace | HashMod | Lowercase | Uppercase | KeepEqual | DropEqual => is_label_name(target, legacy),
            _ => true,
        };
        if !valid {
            wrong.push(("target_label", format!("{} is invalid 'target_label' for {action} action", quote(target))));
        }
    }
    if named && step.replacement != "$1" {
        wrong.push(("replacement", format!("'replacement' can not be set for {action} action")));
    }
    if step.action == LabelMap && !is_target(&step.replacement, legacy) {
        wrong.push(("replacement", format!("{} is invalid 'replacement' for {action} action", quote(&step.replacement))));
    }
}

/// The actions that take nothing but their own fields.
fn check_extras(step: &Step, action: &str, pattern: &str, wrong: &mut Vec<(&'static str, String)>) {
    let plain = step.modulus == 0 && step.separator == ";" && step.replacement == "$1";
    match step.action {
        Action::DropEqual | Action::KeepEqual if !plain || pattern != "(.*)" => {
            wrong.push(("action", format!("{action} action requires only 'source_labels' and `target_label`, and no other fields")));
        }
        Action::LabelDrop | Action::LabelKeep if !plain || !step.source_labels.is_empty() || !step.target_label.is_empty() => {
            wrong.push(("action", format!("{action} action requires only 'regex', and no other fields")));
        }
        _ => {}
    }
}
