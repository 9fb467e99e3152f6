//! `promlet.yml`: what promlet has and stock files have no word for. Optional.

use std::path::Path;

use crate::model::Problem;
use crate::yaml::{self, Kind, Problems, Section, Source, field};

use super::Loaded;

static NOTIFICATIONS: Section = Section { name: "notifications", fields: &[&[field("upstream_texts", Kind::Bool)]] };
static PROMLET: Section = Section { name: "promlet.yml", fields: &[&[field("notifications", Kind::Section(&NOTIFICATIONS))]] };

#[derive(Clone, Debug, Default)]
pub struct PromletConfig {
    /// Alertmanager's own default texts in messages instead of promlet's.
    pub upstream_texts: bool,
    pub notes: Vec<Problem>,
}

/// Reads the file; the caller decides whether a missing one matters.
pub fn load_promlet(path: &Path) -> Loaded<PromletConfig> {
    let source = Source::read(path).map_err(|problem| vec![problem])?;
    let mut problems = Problems::new(&source);
    let Some(root) = yaml::parse(&source, &mut problems).filter(|root| !root.is_null()) else {
        let (errors, notes) = problems.finish();
        return if errors.is_empty() { Ok(PromletConfig { notes, ..PromletConfig::default() }) } else { Err(errors) };
    };
    yaml::check(&root, &PROMLET, &mut problems);
    let upstream_texts = root.get("notifications").and_then(|section| section.flag("upstream_texts")).unwrap_or(false);
    let (errors, notes) = problems.finish();
    if errors.is_empty() { Ok(PromletConfig { upstream_texts, notes }) } else { Err(errors) }
}
