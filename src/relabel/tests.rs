//! All actions, as tables: steps, labels in, labels out (or the drop).

use super::*;
use crate::model::Labels;
use crate::model::regex::AnchoredRegex;

fn step(action: &str, fields: &[(&str, &str)]) -> Step {
    let mut step = Step { action: Action::parse(action).unwrap(), ..Step::default() };
    for (field, value) in fields {
        match *field {
            "source" => step.source_labels = value.split(',').map(str::to_owned).collect(),
            "separator" => step.separator = (*value).to_owned(),
            "regex" => step.regex = AnchoredRegex::new(value).unwrap(),
            "modulus" => step.modulus = value.parse().unwrap(),
            "target" => step.target_label = (*value).to_owned(),
            "replacement" => step.replacement = (*value).to_owned(),
            other => panic!("no field {other}"),
        }
    }
    step
}

fn run(steps: &[Step], labels: &[(&str, &str)]) -> String {
    match apply(steps, Labels::from_pairs(labels.iter().copied()).to_builder()) {
        Outcome::Kept(labels) => labels.build().to_string(),
        Outcome::Dropped(drop) => format!("dropped by {} {}", drop.step, drop.action),
    }
}

const ABC: [(&str, &str); 3] = [("a", "foo"), ("b", "bar"), ("c", "baz")];

#[test]
fn every_action_does_what_prometheus_does() {
    let cases: Vec<(Step, &str)> = vec![
        (
            step("replace", &[("source", "a"), ("regex", "f(.*)"), ("target", "d"), ("replacement", "ch${1}-ch${1}")]),
            "{a=\"foo\", b=\"bar\", c=\"baz\", d=\"choo-choo\"}",
        ),
        (
            step("replace", &[("source", "a,b"), ("regex", "f(.*);(.*)r"), ("target", "a"), ("replacement", "b${1}${2}m")]),
            "{a=\"boobam\", b=\"bar\", c=\"baz\"}",
        ),
        (step("replace", &[("source", "a"), ("regex", "oo"), ("target", "d")]), "{a=\"foo\", b=\"bar\", c=\"baz\"}"),
        (step("replace", &[("source", "a"), ("target", "b"), ("replacement", "")]), "{a=\"foo\", c=\"baz\"}"),
        (
            step("replace", &[("source", "a"), ("regex", "(f)oo"), ("target", "x_$1"), ("replacement", "y")]),
            "{a=\"foo\", b=\"bar\", c=\"baz\", x_f=\"y\"}",
        ),
        (
            step("replace", &[("source", "a"), ("regex", "(f)oo"), ("target", "x_${1}"), ("replacement", "$$1")]),
            "{a=\"foo\", b=\"bar\", c=\"baz\", x_f=\"$1\"}",
        ),
        (
            step("replace", &[("source", "none"), ("target", "d"), ("replacement", "static")]),
            "{a=\"foo\", b=\"bar\", c=\"baz\", d=\"static\"}",
        ),
        (step("keep", &[("source", "a"), ("regex", "foo")]), "{a=\"foo\", b=\"bar\", c=\"baz\"}"),
        (step("keep", &[("source", "a"), ("regex", "fo")]), "dropped by 0 keep"),
        (step("drop", &[("source", "a,c"), ("separator", "-"), ("regex", "foo-baz")]), "dropped by 0 drop"),
        (step("drop", &[("source", "a"), ("regex", "o$")]), "{a=\"foo\", b=\"bar\", c=\"baz\"}"),
        (step("KeepEqual", &[("source", "a"), ("target", "b")]), "dropped by 0 keepequal"),
        (step("dropequal", &[("source", "none"), ("target", "missing")]), "dropped by 0 dropequal"),
        (step("hashmod", &[("source", "c"), ("target", "d"), ("modulus", "1000")]), "{a=\"foo\", b=\"bar\", c=\"baz\", d=\"976\"}"),
        (
            step("labelmap", &[("regex", "(b|c)"), ("replacement", "meta_$1")]),
            "{a=\"foo\", b=\"bar\", c=\"baz\", meta_b=\"bar\", meta_c=\"baz\"}",
        ),
        (step("labeldrop", &[("regex", "(b.*)")]), "{a=\"foo\", c=\"baz\"}"),
        (step("labelkeep", &[("regex", "b")]), "{b=\"bar\"}"),
        (
            step("uppercase", &[("source", "a,b"), ("separator", "\u{df}\u{e9}"), ("target", "u")]),
            "{a=\"foo\", b=\"bar\", c=\"baz\", u=\"FOO\u{df}\u{c9}BAR\"}",
        ),
        (step("lowercase", &[("source", "none"), ("target", "a")]), "{b=\"bar\", c=\"baz\"}"),
    ];
    for (step, expected) in cases {
        assert!(step.check(false).is_ok(), "{step:?}");
        assert_eq!(run(std::slice::from_ref(&step), &ABC), expected, "{step:?}");
    }
}

#[test]
fn steps_follow_one_another_until_a_drop() {
    let steps = [
        step("replace", &[("source", "a"), ("target", "d"), ("replacement", "$1\n$1")]),
        step("keep", &[("source", "d"), ("regex", "foo.foo")]),
        step("drop", &[("source", "d"), ("regex", "foo.*")]),
    ];
    assert_eq!(run(&steps, &ABC), "dropped by 2 drop");
}

#[test]
fn wrong_fields_get_prometheus_sentences() {
    for (step, expected) in [
        (step("hashmod", &[("source", "a"), ("target", "d")]), "relabel configuration for hashmod requires non-zero modulus"),
        (step("replace", &[]), "relabel configuration for replace action requires 'target_label' value"),
        (step("lowercase", &[("target", "a"), ("replacement", "b")]), "'replacement' can not be set for lowercase action"),
        (step("labeldrop", &[("source", "a")]), "labeldrop action requires only 'regex', and no other fields"),
        (
            step("keepequal", &[("target", "a"), ("regex", "x")]),
            "keepequal action requires only 'source_labels' and `target_label`, and no other fields",
        ),
        (step("hashmod", &[("target", "0a"), ("modulus", "8")]), "\"0a\" is invalid 'target_label' for hashmod action"),
        (step("replace", &[("target", "${3"), ("replacement", "x")]), "\"${3\" is invalid 'target_label' for replace action"),
        (step("labelmap", &[("replacement", "-${1}")]), "\"-${1}\" is invalid 'replacement' for labelmap action"),
    ] {
        assert_eq!(step.check(true), Err(expected.to_owned()));
    }
    assert_eq!(Action::parse("keep it"), Err("unknown relabel action \"keep it\"".to_owned()));
    assert!(step("replace", &[("target", "a_$1_${name}")]).check(true).is_ok());
}
