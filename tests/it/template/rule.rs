//! Rule templates against what Prometheus 3.5.3 made of them: texts, texts of failures, and refusals at load.

use std::sync::Arc;

use promlet::model::{Labels, TimestampMs};
use promlet::template::rule_functions::rule_functions;
use promlet::template::{QuerySample, RuleData, RuleTemplate, TemplateQuery, check_rule};

/// The answers that its engine gave on the series `m{instance="b:1",job="j"} 2.5` and `m{instance="a:1",job="k"} 1`.
fn query() -> TemplateQuery {
    let sample = |pairs: &[(&str, &str)], value| QuerySample { labels: Labels::from_pairs(pairs.iter().copied()), value };
    let both = vec![
        sample(&[("__name__", "m"), ("instance", "b:1"), ("job", "j")], 2.5),
        sample(&[("__name__", "m"), ("instance", "a:1"), ("job", "k")], 1.0),
    ];
    Arc::new(move |expr| match expr {
        "m" => Ok(both.clone()),
        "sum(m)" => Ok(vec![QuerySample { labels: Labels::empty(), value: 3.5 }]),
        "m > 1000" => Ok(Vec::new()),
        "scalar(sum(m))" => Ok(vec![QuerySample { labels: Labels::empty(), value: 3.5 }]),
        "m >" => Err("1:4: parse error: unexpected end of input".to_owned()),
        other => panic!("no answer for {other}"),
    })
}

#[test]
fn rules_as_prometheus() {
    let url = "http://p.example:9090/prom";
    let functions = rule_functions(query(), TimestampMs(60_000), url);
    let data = RuleData {
        labels: Labels::from_pairs([("__name__", "m"), ("instance", "b:1"), ("job", "j")]),
        external_labels: Labels::from_pairs([("site", "home")]),
        external_url: url.to_owned(),
        value: 2.5,
    };
    let data = data.to_value();
    let mut wrong = Vec::new();
    for case in super::read("rule.json")["cases"].as_array().unwrap() {
        let text = case["template"].as_str().unwrap();
        let (got, expected) = match case["load_error"].as_str() {
            Some(error) => (check_rule("__alert_A", text).err().unwrap_or_default(), error),
            None => {
                let expanded = RuleTemplate::parse("A", text, &functions).expand(&data, &functions);
                let got = expanded.unwrap_or_else(|error| format!("<error expanding template: {error}>"));
                (got, case["text"].as_str().unwrap())
            }
        };
        if got != expected {
            wrong.push(format!("{text:?}\n  ours   {got:?}\n  theirs {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} vectors differ:\n{}", wrong.len(), wrong.join("\n"));
}
