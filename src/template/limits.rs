//! What a template may cost: it renders inside the alerting path, so it must end.

/// Longest template text, in bytes.
pub const TEMPLATE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Deepest nesting of blocks and parentheses in a template's text.
pub const NESTING_MAX: usize = 150;
/// Templates calling templates, blocks inside them included.
pub const DEPTH_MAX: usize = 300;
/// Deepest nesting of lists and maps that a template may build.
pub const VALUE_DEPTH_MAX: u16 = 32;
/// Most bytes one render writes, and most bytes of one text inside it.
pub const OUTPUT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Most steps of one render: a node, a call, an operand, or 64 bytes handled is a step.
pub const STEPS_MAX: u64 = 2_000_000;

/// The limits of one render.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub output_bytes: usize,
    pub steps: u64,
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { output_bytes: OUTPUT_BYTES_MAX, steps: STEPS_MAX, depth: DEPTH_MAX }
    }
}
