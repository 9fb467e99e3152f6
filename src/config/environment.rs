//! What the configuration depends on besides the files: environment variables, and the languages that other rooms read.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::model::Span;
use crate::notify::options::RehearsedText;

/// How expressions and templates are checked; given by the caller, so that this room needs neither language.
#[derive(Clone, Copy, Debug)]
pub struct Checkers {
    /// What is wrong with a PromQL expression, each with its place inside the text.
    pub expr: fn(&str) -> Vec<(Span, String)>,
    /// What is wrong with a template of an alerting rule; the first argument is its name in messages (`__alert_NAME`).
    pub template: fn(&str, &str) -> Option<String>,
    /// What is wrong with a template of a notification.
    pub notification: fn(&str) -> Option<String>,
    /// Renders texts of notifications with template files, on made-up alerts.
    pub rehearse: Rehearse,
}

/// For each text what is wrong with it, if anything; or the template files that cannot be used.
pub type Rehearse = fn(&[PathBuf], &[RehearsedText<'_>]) -> Result<Vec<Option<String>>, Vec<String>>;

impl Checkers {
    /// Takes every expression and template as right.
    pub fn none() -> Self {
        Self { expr: |_| Vec::new(), template: |_, _| None, notification: |_| None, rehearse: |_, texts| Ok(vec![None; texts.len()]) }
    }
}

#[derive(Clone, Debug)]
pub struct Environment {
    /// For `$NAME` and `${NAME}` in the values of `external_labels`, the only place where variables count.
    pub variables: BTreeMap<String, String>,
    pub checkers: Checkers,
}

impl Environment {
    /// The variables of this process; one that is not valid UTF-8 counts as unset.
    pub fn of_process(checkers: Checkers) -> Self {
        let variables = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self { variables: variables.collect(), checkers }
    }

    /// Replaces `$NAME` and `${NAME}`; `$$` is a literal dollar. Unset or empty variables become nothing and are returned by name.
    ///
    /// The rules are those of Go's `os.Expand`.
    pub fn expand(&self, text: &str) -> (String, Vec<String>) {
        let (mut out, mut unset) = (String::new(), Vec::new());
        let mut rest = text;
        while let Some(dollar) = rest.find('$') {
            out.push_str(&rest[..dollar]);
            let (name, length) = variable(&rest[dollar + 1..]);
            match name {
                Some("$") => out.push('$'),
                Some(name) => match self.variables.get(name).filter(|value| !value.is_empty()) {
                    Some(value) => out.push_str(value),
                    None => unset.push(name.to_owned()),
                },
                None if length == 0 => out.push('$'),
                None => {}
            }
            rest = &rest[dollar + 1 + length..];
        }
        out.push_str(rest);
        (out, unset)
    }
}

/// The variable's name behind a dollar and how many bytes it takes; a malformed `${` is eaten without a name.
fn variable(rest: &str) -> (Option<&str>, usize) {
    let special = |c: char| "*#$@!?-0123456789".contains(c);
    if let Some(inner) = rest.strip_prefix('{') {
        let Some(end) = inner.find('}') else { return (None, 1) };
        return match &inner[..end] {
            "" => (None, 2),
            name => (Some(name), end + 2),
        };
    }
    if rest.starts_with(special) {
        return (Some(&rest[..1]), 1);
    }
    let length = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
    if length == 0 { (None, 0) } else { (Some(&rest[..length]), length) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expands_as_go_does() {
        let variables = BTreeMap::from([("A".to_owned(), "x".to_owned()), ("B_1".to_owned(), "y".to_owned())]);
        let environment = Environment { variables, checkers: Checkers::none() };
        let expand = |text: &str| environment.expand(text).0;
        assert_eq!(expand("foo${A}bar$B_1-$$A"), "fooxbary-$A");
        assert_eq!(expand("a$"), "a$");
        assert_eq!(expand("a$ b"), "a$ b");
        assert_eq!(expand("${A"), "A");
        assert_eq!(environment.expand("$NO"), (String::new(), vec!["NO".to_owned()]));
    }
}
