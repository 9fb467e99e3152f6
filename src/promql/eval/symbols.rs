//! The texts of a query: those of the snapshot, and those that the query makes itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::Labels;
use crate::storage::{LabelPair, Snapshot, Symbol};

/// Symbols from here on are the query's own.
const LOCAL: u32 = Symbol::READER_FROM;

/// Equal texts have equal symbols, wherever they come from.
pub struct Symbols<'q> {
    snapshot: &'q dyn Snapshot,
    local: Mutex<Local>,
    pub metric_name: Symbol,
    pub metric_type: Symbol,
    pub metric_unit: Symbol,
    pub le: Symbol,
}

#[derive(Default)]
struct Local {
    texts: Vec<Arc<str>>,
    ids: HashMap<Arc<str>, Symbol>,
    /// Texts of the snapshot that were asked for, so that sorting does not go to the store each time.
    known: HashMap<u32, Arc<str>>,
}

impl Local {
    fn get(&mut self, snapshot: &dyn Snapshot, text: &str) -> Symbol {
        if let Some(symbol) = self.ids.get(text) {
            return *symbol;
        }
        let text = Arc::<str>::from(text);
        let symbol = snapshot.symbol(&text).unwrap_or_else(|| {
            self.texts.push(Arc::clone(&text));
            Symbol(LOCAL + (self.texts.len() - 1) as u32)
        });
        self.ids.insert(text, symbol);
        symbol
    }
}

impl<'q> Symbols<'q> {
    pub fn new(snapshot: &'q dyn Snapshot) -> Self {
        let mut local = Local::default();
        let metric_name = local.get(snapshot, "__name__");
        let metric_type = local.get(snapshot, "__type__");
        let metric_unit = local.get(snapshot, "__unit__");
        let le = local.get(snapshot, "le");
        Self { snapshot, local: Mutex::new(local), metric_name, metric_type, metric_unit, le }
    }

    pub fn get(&self, text: &str) -> Symbol {
        self.local.lock().unwrap_or_else(PoisonError::into_inner).get(self.snapshot, text)
    }

    pub fn text(&self, symbol: Symbol) -> Arc<str> {
        let mut local = self.local.lock().unwrap_or_else(PoisonError::into_inner);
        if symbol.0 >= LOCAL {
            return local.texts.get((symbol.0 - LOCAL) as usize).cloned().unwrap_or_else(|| Arc::from(""));
        }
        Arc::clone(local.known.entry(symbol.0).or_insert_with(|| self.snapshot.text(symbol)))
    }

    /// The value of a label.
    pub fn value_of(labels: &[LabelPair], name: Symbol) -> Option<Symbol> {
        labels.iter().find(|p| p.name == name).map(|p| p.value)
    }

    /// The metric's name as text, empty when there is none.
    pub fn metric_name_of(&self, labels: &[LabelPair]) -> Arc<str> {
        Self::value_of(labels, self.metric_name).map_or_else(|| Arc::from(""), |v| self.text(v))
    }

    /// Sets or (with an empty text) removes a label, keeping the order by name text.
    pub fn set(&self, labels: &mut Vec<LabelPair>, name: Symbol, value: &str) {
        if value.is_empty() {
            labels.retain(|p| p.name != name);
            return;
        }
        self.set_symbol(labels, name, self.get(value));
    }

    pub fn set_symbol(&self, labels: &mut Vec<LabelPair>, name: Symbol, value: Symbol) {
        if let Some(pair) = labels.iter_mut().find(|p| p.name == name) {
            pair.value = value;
            return;
        }
        let text = self.text(name);
        let at = labels.partition_point(|p| *self.text(p.name) < *text);
        labels.insert(at, LabelPair { name, value });
    }

    pub fn to_labels(&self, pairs: &[LabelPair]) -> Labels {
        let texts: Vec<(Arc<str>, Arc<str>)> = pairs.iter().map(|p| (self.text(p.name), self.text(p.value))).collect();
        Labels::from_sorted(texts.iter().map(|(n, v)| (&**n, &**v)))
    }
}
