//! What may stand at the cursor: a metric or function, a label, or a label's value.

/// Texts that completion needs from the server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Wanted {
    Metrics,
    /// Labels of one metric, or of all.
    Labels(Option<String>),
    /// Values of one label, of one metric or of all.
    Values {
        label: String,
        metric: Option<String>,
    },
}

/// Candidates offered at one time.
const CANDIDATES_MAX: usize = 200;
const AGGREGATORS: [&str; 14] = [
    "avg",
    "bottomk",
    "count",
    "count_values",
    "group",
    "limitk",
    "limit_ratio",
    "max",
    "min",
    "quantile",
    "stddev",
    "stdvar",
    "sum",
    "topk",
];
const LABEL_LISTS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

/// What stands at the end of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cursor {
    wanted: Wanted,
    /// Where the word to complete begins.
    start: usize,
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == ':'
}

/// Reads the text up to the cursor from left to right.
fn cursor(before: &str) -> Cursor {
    // each open bracket with the word before it
    let mut open: Vec<(char, &str)> = Vec::new();
    let (mut quote, mut quote_start, mut word, mut word_start, mut in_word, mut label) = (None, 0, "", 0, false, "");
    let mut escaped = false;
    for (at, c) in before.char_indices() {
        if let Some(end) = quote {
            if escaped {
                escaped = false;
            } else if c == '\\' && end != '`' {
                escaped = true;
            } else if c == end {
                quote = None;
            }
            continue;
        }
        if is_word(c) {
            if !in_word {
                word_start = at;
            }
            in_word = true;
            word = &before[word_start..at + c.len_utf8()];
            continue;
        }
        in_word = false;
        match c {
            '"' | '\'' | '`' => (quote, quote_start) = (Some(c), at + 1),
            '(' | '{' | '[' => {
                open.push((c, word));
                word = "";
            }
            ')' | '}' | ']' => {
                open.pop();
                word = "";
            }
            '=' | '!' if !word.is_empty() => label = word,
            c if c.is_whitespace() => {}
            _ => word = "",
        }
    }
    let start = if quote.is_some() {
        quote_start
    } else if in_word {
        word_start
    } else {
        before.len()
    };
    let wanted = match open.last() {
        Some(('{', metric)) => {
            let metric = (!metric.is_empty()).then(|| (*metric).to_owned());
            if quote.is_some() { Wanted::Values { label: label.to_owned(), metric } } else { Wanted::Labels(metric) }
        }
        Some(('(', list)) if LABEL_LISTS.contains(list) => Wanted::Labels(None),
        _ => Wanted::Metrics,
    };
    Cursor { wanted, start }
}

/// Where the word begins and what may stand there, best first. `known` answers from the server or a cache; `functions` are names.
pub fn candidates(before: &str, functions: &[&str], known: &dyn Fn(&Wanted) -> Vec<String>) -> (usize, Vec<String>) {
    let Cursor { wanted, start } = cursor(before);
    let typed = before[start..].to_lowercase();
    let mut all = known(&wanted);
    if wanted == Wanted::Metrics && !typed.is_empty() {
        all.extend(functions.iter().chain(&AGGREGATORS).map(|name| (*name).to_owned()));
    }
    all.sort();
    all.dedup();
    let (mut first, mut later): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for candidate in all {
        let lower = candidate.to_lowercase();
        if lower.starts_with(&typed) {
            first.push(candidate);
        } else if lower.contains(&typed) {
            later.push(candidate);
        }
    }
    first.extend(later);
    first.truncate(CANDIDATES_MAX);
    (start, first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(before: &str) -> (Wanted, &str) {
        let Cursor { wanted, start } = cursor(before);
        (wanted, &before[start..])
    }

    #[test]
    fn knows_where_it_stands() {
        let labels = |metric: Option<&str>| Wanted::Labels(metric.map(str::to_owned));
        let values = |label: &str, metric: Option<&str>| Wanted::Values { label: label.to_owned(), metric: metric.map(str::to_owned) };
        assert_eq!(at("sum(rate(node_c"), (Wanted::Metrics, "node_c"));
        assert_eq!(at("up{"), (labels(Some("up")), ""));
        assert_eq!(at("up{job=\"a\", ins"), (labels(Some("up")), "ins"));
        assert_eq!(at("up{job=\"a"), (values("job", Some("up")), "a"));
        assert_eq!(at("{job!~'a b"), (values("job", None), "a b"));
        assert_eq!(at("sum by (jo"), (labels(None), "jo"));
        assert_eq!(at("a / on(job, in"), (labels(None), "in"));
        assert_eq!(at("sum by (job) (u"), (Wanted::Metrics, "u"));
        assert_eq!(at("up{job=\"a\"} + "), (Wanted::Metrics, ""));
    }

    #[test]
    fn beginnings_come_before_middles() {
        let known = |_: &Wanted| ["b_rate", "rate_b", "other"].map(str::to_owned).to_vec();
        let (start, found) = candidates("sum(rat", &["rate", "irate"], &known);
        assert_eq!((start, found), (4, ["rate", "rate_b", "b_rate", "irate", "limit_ratio"].map(str::to_owned).to_vec()));
    }
}
