//! The text formats of metrics pages: bytes to entries (text 0.0.4, OpenMetrics 1.0), and families back to text.
//!
//! Grammar after the "Exposition formats" page of the Prometheus documentation, the OpenMetrics 1.0 specification and,
//! where these leave room, what Prometheus 3 takes and refuses.

mod entry;
mod hint;
mod metric;
mod number;
mod scanner;
mod tail;
mod write;

pub use entry::{Entry, ExemplarText, Format, ParseError, SeriesLine, Tail};
pub use hint::{not_metrics, with_hint};
pub use number::{NORMAL_NAN, read_float};
pub use scanner::Scanner;
pub use write::{FamilyText, OPEN_METRICS_CONTENT_TYPE, TEXT_CONTENT_TYPE, write_end, write_family, write_page, write_sample};

/// Reads a page entry by entry; the first error ends it. Prometheus fails the whole scrape then.
pub fn parse(format: Format, text: &[u8]) -> Scanner<'_> {
    Scanner::new(format, text)
}

#[cfg(test)]
mod tests;
