//! What targets say about their metric families, kept once for all targets that say the same.

use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::{HashMap, HashSet};

use crate::exposition::Entry;
use crate::model::Metadata;

/// Texts of families that nobody uses are looked for when so many more were added.
const SWEEP_AFTER: usize = 1024;

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Family {
    pub name: String,
    pub metadata: Metadata,
}

/// A page's families, by name.
pub(super) type Families = Arc<[Arc<Family>]>;

/// All families of all targets.
#[derive(Debug, Default)]
pub(super) struct FamilyTable(Mutex<Shared>);

#[derive(Debug, Default)]
struct Shared {
    families: HashSet<Arc<Family>>,
    sweep_at: usize,
}

impl FamilyTable {
    fn share(&self, family: Family) -> Arc<Family> {
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = shared.families.get(&family) {
            return found.clone();
        }
        if shared.families.len() >= shared.sweep_at {
            shared.families.retain(|family| Arc::strong_count(family) > 1);
            shared.sweep_at = shared.families.len() * 2 + SWEEP_AFTER;
        }
        let family = Arc::new(family);
        shared.families.insert(family.clone());
        family
    }
}

/// The families of one page while it is read.
#[derive(Debug, Default)]
pub(super) struct PageFamilies {
    families: Vec<Family>,
    places: HashMap<String, usize>,
}

impl PageFamilies {
    /// Takes a comment entry; samples are passed over.
    pub(super) fn take(&mut self, entry: Entry<'_>) {
        let (Entry::Help { family, .. } | Entry::Type { family, .. } | Entry::Unit { family, .. }) = &entry else { return };
        let place = match self.families.last() {
            Some(last) if last.name == **family => self.families.len() - 1,
            _ => *self.places.entry(family.clone().into_owned()).or_insert_with_key(|name| {
                self.families.push(Family { name: name.clone(), metadata: Metadata::default() });
                self.families.len() - 1
            }),
        };
        let metadata = &mut self.families[place].metadata;
        match entry {
            Entry::Help { text, .. } => metadata.help = text.into_owned(),
            Entry::Type { metric_type, .. } => metadata.metric_type = metric_type,
            Entry::Unit { unit, .. } => metadata.unit = unit.into_owned(),
            Entry::Series(_) => {}
        }
    }

    /// Sorted by name, and shared with other targets.
    pub(super) fn finish(mut self, table: &FamilyTable) -> Families {
        self.families.sort_by(|a, b| a.name.cmp(&b.name));
        self.families.into_iter().map(|family| table.share(family)).collect()
    }
}
