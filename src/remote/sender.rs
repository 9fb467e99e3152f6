//! One sender's groups and the places of its series.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::error::WriteError;
use super::group::PushGroup;
use super::limits::GROUPS_MAX;
use super::place::Places;
use crate::model::Labels;
use crate::storage::{Append, Column, GroupKey, GroupSource};

/// A group that may be in use by several requests at a time.
pub struct Shared {
    group: Mutex<PushGroup>,
    /// Since the last sweep, and in the interval before it.
    used: AtomicBool,
    used_before: AtomicBool,
}

impl Shared {
    pub fn lock(&self) -> MutexGuard<'_, PushGroup> {
        self.used.store(true, Ordering::Relaxed);
        self.group.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
struct Groups {
    /// By the number in a [`super::place::Place`]; a number is free again when its group was idle for two sweeps, for then no place names it.
    slots: Vec<Option<Arc<Shared>>>,
    by_labels: HashMap<Labels, u32>,
}

pub struct Sender {
    name: String,
    places: RwLock<Places>,
    groups: RwLock<Groups>,
}

impl Sender {
    pub fn new(name: String) -> Self {
        Self { name, places: RwLock::default(), groups: RwLock::default() }
    }

    pub fn places(&self) -> RwLockReadGuard<'_, Places> {
        self.places.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn places_mut(&self) -> RwLockWriteGuard<'_, Places> {
        self.places.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn group(&self, number: u32) -> Option<Arc<Shared>> {
        let groups = self.groups.read().unwrap_or_else(PoisonError::into_inner);
        groups.slots.get(number as usize)?.clone()
    }

    /// The group of these labels (`job` and `instance`, or fewer), opened on first use.
    pub fn group_of(&self, store: &dyn Append, labels: &Labels) -> Result<(u32, Arc<Shared>), WriteError> {
        let mut groups = self.groups.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = groups.by_labels.get(labels).copied()
            && let Some(Some(group)) = groups.slots.get(number as usize)
        {
            return Ok((number, Arc::clone(group)));
        }
        let free = groups.slots.iter().position(Option::is_none).unwrap_or(groups.slots.len());
        let number = u32::try_from(free).ok().filter(|_| free < GROUPS_MAX).ok_or_else(|| {
            WriteError::Limit(format!("{} pushes more than {GROUPS_MAX} pairs of job and instance; the rest is not taken", self.name))
        })?;
        let key = GroupKey { source: GroupSource::Push, name: self.name.clone(), labels: labels.clone() };
        let group = PushGroup::new(store.writer(&key)?);
        let shared = Arc::new(Shared { group: Mutex::new(group), used: AtomicBool::new(true), used_before: AtomicBool::new(false) });
        if free == groups.slots.len() {
            groups.slots.push(None);
        }
        groups.slots[free] = Some(Arc::clone(&shared));
        groups.by_labels.insert(labels.clone(), number);
        Ok((number, shared))
    }

    /// Forgets what was idle; false when nothing is left.
    pub fn sweep(&self) -> bool {
        let mut forgotten: HashMap<u32, Vec<Column>> = HashMap::new();
        for place in self.places_mut().turn() {
            forgotten.entry(place.group).or_default().push(place.column);
        }
        let mut groups = self.groups.write().unwrap_or_else(PoisonError::into_inner);
        let Groups { slots, by_labels } = &mut *groups;
        // No request that is under way can have met these: it would be as old as two sweeps.
        for (number, columns) in forgotten {
            if let Some(Some(shared)) = slots.get(number as usize) {
                shared.group.lock().unwrap_or_else(PoisonError::into_inner).retire(&columns);
            }
        }
        for slot in slots.iter_mut() {
            let Some(group) = slot else { continue };
            let used = group.used.swap(false, Ordering::Relaxed);
            let used_before = group.used_before.swap(used, Ordering::Relaxed);
            if !used && !used_before {
                *slot = None;
            }
        }
        by_labels.retain(|_, number| slots.get(*number as usize).is_some_and(Option::is_some));
        !by_labels.is_empty()
    }
}
