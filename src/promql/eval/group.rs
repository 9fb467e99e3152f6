//! Grouping: which series of an aggregation belong together, by integer keys.

use hashbrown::HashMap;

use super::Eval;
use crate::promql::ast::Aggregate;
use crate::storage::{LabelPair, Symbol};

/// Group numbers in order of first appearance.
pub(super) struct Groups {
    without: bool,
    names: Vec<Symbol>,
    key: Vec<LabelPair>,
    numbers: HashMap<Box<[LabelPair]>, usize>,
    pub labels: Vec<Vec<LabelPair>>,
    /// Some series of the group had its name marked for removal, and the name is part of the key.
    pub drop_name: Vec<bool>,
    keeps_name: bool,
}

impl Groups {
    pub(super) fn new(eval: &Eval<'_>, aggregate: &Aggregate) -> Self {
        let symbols = &eval.symbols;
        let mut names: Vec<Symbol> = aggregate.grouping.iter().map(|l| symbols.get(l)).collect();
        let keeps_name = !aggregate.without && names.contains(&symbols.metric_name);
        if aggregate.without {
            names.push(symbols.metric_name);
            if eval.features.type_and_unit_labels {
                names.extend([symbols.metric_type, symbols.metric_unit]);
            }
        }
        Self {
            without: aggregate.without,
            names,
            key: Vec::new(),
            numbers: HashMap::new(),
            labels: Vec::new(),
            drop_name: Vec::new(),
            keeps_name,
        }
    }

    /// The group of a series; a new one gets the next number.
    pub(super) fn of(&mut self, labels: &[LabelPair], drop_name: bool) -> usize {
        self.key.clear();
        if !self.names.is_empty() || self.without {
            self.key.extend(labels.iter().filter(|p| self.names.contains(&p.name) != self.without));
        }
        self.number(drop_name)
    }

    /// The group with these labels.
    pub(super) fn of_key(&mut self, key: &[LabelPair], drop_name: bool) -> usize {
        self.key.clear();
        self.key.extend_from_slice(key);
        self.number(drop_name)
    }

    fn number(&mut self, drop_name: bool) -> usize {
        let number = match self.numbers.get(self.key.as_slice()) {
            Some(number) => *number,
            None => {
                let number = self.labels.len();
                self.numbers.insert(self.key.clone().into_boxed_slice(), number);
                self.labels.push(self.key.clone());
                self.drop_name.push(false);
                number
            }
        };
        self.drop_name[number] |= drop_name && self.keeps_name;
        number
    }

    pub(super) fn len(&self) -> usize {
        self.labels.len()
    }
}
