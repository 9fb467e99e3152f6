//! Go's regular expressions, fully anchored as Prometheus uses them, in linear time.

use regex_automata::meta;

/// Longest accepted pattern, in bytes.
pub const PATTERN_BYTES_MAX: usize = 64 * 1024;
/// Largest compiled program, in bytes.
pub const PROGRAM_BYTES_MAX: usize = 10 * 1024 * 1024;

/// A compiled pattern that must match the whole text; `.` matches a newline.
#[derive(Clone, Debug)]
pub struct AnchoredRegex {
    pattern: String,
    program: meta::Regex,
}

impl AnchoredRegex {
    /// The error is a sentence that names what is wrong with the pattern.
    pub fn new(pattern: &str) -> Result<Self, String> {
        if pattern.len() > PATTERN_BYTES_MAX {
            return Err(format!("regular expression of {} bytes is longer than the limit of {PATTERN_BYTES_MAX} bytes", pattern.len()));
        }
        let program = meta::Builder::new()
            .configure(meta::Config::new().nfa_size_limit(Some(PROGRAM_BYTES_MAX)))
            .build(&format!("^(?s:{pattern})$"))
            .map_err(|error| format!("error parsing regexp: {error}"))?;
        Ok(Self { pattern: pattern.to_owned(), program })
    }

    /// The pattern as it was written.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    pub fn is_match(&self, text: &str) -> bool {
        self.program.is_match(text)
    }

    /// Replaces by Go's template rules (`$1`, `${name}`, `$$`) where the whole text matches; none where it does not.
    pub fn expand(&self, text: &str, template: &str) -> Option<String> {
        let mut captures = self.program.create_captures();
        self.program.captures(text, &mut captures);
        if !captures.is_match() {
            return None;
        }
        let mut out = String::new();
        captures.interpolate_string_into(text, template, &mut out);
        Some(out)
    }
}

/// Unanchored.
#[derive(Clone, Debug)]
pub struct GoRegex(meta::Regex);

impl GoRegex {
    pub fn new(pattern: &str) -> Result<Self, String> {
        meta::Regex::new(pattern).map(Self).map_err(|error| format!("error parsing regexp: {error}"))
    }

    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}
