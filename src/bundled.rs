//! The shipped `rules/` and `dashboards/`, embedded, for a promlet that finds none beside its configuration.

/// A shipped file: its name and its text.
#[derive(Clone, Copy, Debug)]
pub struct File {
    pub name: &'static str,
    pub text: &'static str,
}

macro_rules! shipped {
    ($folder:literal: $($name:literal),+ $(,)?) => {
        &[$(File { name: $name, text: include_str!(concat!("../", $folder, "/", $name)) }),+]
    };
}

/// Loaded by default; `rules/documented` is not.
pub const RULES: &[File] = shipped!("rules": "grpo.yml", "training.yml", "gpu.yml");

pub const DASHBOARDS: &[File] =
    shipped!("dashboards": "grpo-overview.json", "grpo-performance.json", "grpo-budget.json", "grpo-progress.json", "gpu.json");
