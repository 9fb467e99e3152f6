//! Go's regular expressions, in linear time: Go's syntax and errors, run by `regex-automata`.
//!
//! The syntax is parsed here, since Rust's differs from Go's in what it accepts and in what `\d`, `\b`, `[a&&b]` mean. Patterns that
//! amount to a set of texts, a prefix, a suffix or a part of the text never run the automaton.

mod class;
mod fast;
mod parser;
mod template;

use std::fmt;
use std::sync::Arc;

use regex_automata::meta;
use regex_automata::util::captures::Captures;
use regex_syntax::hir::{Hir, Look};

use fast::Fast;

/// Longest accepted pattern, in bytes.
pub const PATTERN_BYTES_MAX: usize = 64 * 1024;
/// Largest compiled program, in bytes.
pub const PROGRAM_BYTES_MAX: usize = 10 * 1024 * 1024;

/// A compiled program above this, in bytes, can take long for each text.
const LARGE_PROGRAM_BYTES: usize = 32 * 1024;

/// Which of Go's flags hold at the start of a pattern.
#[derive(Clone, Copy, Debug, Default)]
struct Flags {
    ignore_case: bool,
    multi_line: bool,
    dot_matches_newline: bool,
    swap_greed: bool,
}

fn parsed(pattern: &str, flags: Flags) -> Result<Hir, String> {
    if pattern.len() > PATTERN_BYTES_MAX {
        return Err(format!("regular expression of {} bytes is longer than the limit of {PATTERN_BYTES_MAX} bytes", pattern.len()));
    }
    parser::parse(pattern, flags).map_err(|error| format!("error parsing regexp: {error}"))
}

fn compiled(hir: &Hir) -> Result<meta::Regex, String> {
    meta::Builder::new()
        .configure(meta::Config::new().nfa_size_limit(Some(PROGRAM_BYTES_MAX)))
        .build_from_hir(hir)
        .map_err(|_| "error parsing regexp: expression too large".to_owned())
}

/// What Go says of a pattern that it anchors before it compiles it; `problem` is what is wrong with the bare one.
pub fn within_anchors(pattern: &str, problem: String) -> String {
    GoRegex::new(&format!("^(?:{pattern})$")).err().unwrap_or(problem)
}

/// Says whether it is still worth to match with programs so large that many texts would take long.
#[derive(Clone)]
pub struct Fuse(Arc<dyn Fn() -> bool + Send + Sync>);

impl Fuse {
    /// `is_blown` is asked before each match with a large program. Once it is true, the answers mean nothing.
    pub fn new(is_blown: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(is_blown))
    }

    fn is_blown(&self) -> bool {
        (self.0)()
    }
}

impl fmt::Debug for Fuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fuse")
    }
}

/// A pattern that must match the whole text; `.` matches a newline. Cloning shares the program.
#[derive(Clone, Debug)]
pub struct AnchoredRegex {
    fuse: Option<Fuse>,
    pattern: String,
    fast: Fast,
    program: meta::Regex,
}

impl AnchoredRegex {
    /// The error is Go's sentence.
    pub fn new(pattern: &str) -> Result<Self, String> {
        let hir = parsed(pattern, Flags { dot_matches_newline: true, ..Flags::default() })?;
        let fast = Fast::of(&hir);
        let program = compiled(&Hir::concat(vec![Hir::look(Look::Start), hir, Hir::look(Look::End)]))?;
        Ok(Self { fuse: None, pattern: pattern.to_owned(), fast, program })
    }

    /// The pattern as it was written.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    pub fn is_match(&self, text: &str) -> bool {
        self.fast.decide(text).unwrap_or_else(|| !self.is_blown() && self.program.is_match(text))
    }

    /// Matching ends early, with any answer, once the fuse blows. Small programs are not worth the asking.
    pub fn set_fuse(&mut self, fuse: &Fuse) {
        if self.program.memory_usage() > LARGE_PROGRAM_BYTES {
            self.fuse = Some(fuse.clone());
        }
    }

    fn is_blown(&self) -> bool {
        self.fuse.as_ref().is_some_and(Fuse::is_blown)
    }

    /// All texts that match, sorted, where the pattern is a set of texts.
    pub fn texts(&self) -> Option<&[String]> {
        match &self.fast {
            Fast::Set(texts) => Some(texts),
            _ => None,
        }
    }

    /// What every matching text begins with; empty where there is no such thing.
    pub fn prefix(&self) -> &str {
        self.fast.prefix()
    }

    /// Go's template (`$1`, `${name}`, `$$`) filled in where the whole text matches; none where it does not.
    pub fn expand(&self, text: &str, template: &str) -> Option<String> {
        if self.is_blown() {
            return None;
        }
        let mut captures = self.program.create_captures();
        self.program.captures(text, &mut captures);
        captures.is_match().then(|| template::expand(template, text, &captures))
    }
}

/// A pattern that may match anywhere in the text, as templates use it.
#[derive(Clone, Debug)]
pub struct GoRegex {
    program: meta::Regex,
}

impl GoRegex {
    /// The error is Go's sentence.
    pub fn new(pattern: &str) -> Result<Self, String> {
        Ok(Self { program: compiled(&parsed(pattern, Flags::default())?)? })
    }

    pub fn is_match(&self, text: &str) -> bool {
        self.program.is_match(text)
    }

    /// Replaces every match by Go's template.
    pub fn replace_all(&self, text: &str, template: &str) -> String {
        let (mut out, mut end) = (String::new(), 0);
        for captures in self.program.captures_iter(text) {
            let captures: Captures = captures;
            let Some(found) = captures.get_match() else { continue };
            out.push_str(&text[end..found.start()]);
            out.push_str(&template::expand(template, text, &captures));
            end = found.end();
        }
        out.push_str(&text[end..]);
        out
    }
}

#[cfg(test)]
mod tests;
