//! What `tests/state/record_writes.c` wrote down, and what a disk may hold of it after a power cut.

use std::collections::{BTreeMap, HashMap};

use promlet::tsdb::disk::crashing::Dice;

/// What a disk writes whole: SQLite relies on no more than that a write does not harm the sectors beside it.
const SECTOR: usize = 512;

pub type Image = BTreeMap<String, Vec<u8>>;

/// One change, in the order in which they happened.
pub enum Change {
    Open { descriptor: u32, name: String, cut: bool },
    Write { descriptor: u32, offset: u64, bytes: Vec<u8> },
    Resize { descriptor: u32, size: u64 },
    Sync { descriptor: u32 },
    Remove { name: String },
    Rename { from: String, to: String },
}

/// The records of a file; what the process was just writing when it ended is left out.
pub fn parse(mut bytes: &[u8]) -> Vec<Change> {
    let mut changes = Vec::new();
    while let Some((head, rest)) = bytes.split_first_chunk::<21>() {
        let number = |range: std::ops::Range<usize>| head[range].iter().rev().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        let (descriptor, value, length) = (number(1..5) as u32, number(5..13), number(13..21) as usize);
        let Some((payload, after)) = rest.split_at_checked(length) else { break };
        let text = || String::from_utf8(payload.to_vec()).expect("a name");
        changes.push(match head[0] {
            b'o' => Change::Open { descriptor, name: text(), cut: value == 1 },
            b'w' => Change::Write { descriptor, offset: value, bytes: payload.to_vec() },
            b't' => Change::Resize { descriptor, size: value },
            b's' => Change::Sync { descriptor },
            b'u' => Change::Remove { name: text() },
            b'r' => {
                let names = text();
                let (from, to) = names.split_once('\0').expect("two names");
                Change::Rename { from: from.to_owned(), to: to.to_owned() }
            }
            kind => panic!("a record of kind {kind}"),
        });
        bytes = after;
    }
    changes
}

enum Unsynced {
    Write { offset: usize, bytes: Vec<u8> },
    Resize(usize),
}

impl Unsynced {
    fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => {
                to.resize(to.len().max(offset + bytes.len()), 0);
                to[*offset..offset + bytes.len()].copy_from_slice(bytes);
            }
            Self::Resize(size) => to.resize(*size, 0),
        }
    }

    /// The same in pieces that are written whole or not at all.
    fn sectors(&self) -> Vec<Self> {
        let Self::Write { offset, bytes } = self else { return vec![Self::Resize(if let Self::Resize(size) = self { *size } else { 0 })] };
        let (mut pieces, mut at) = (Vec::new(), *offset);
        while at < offset + bytes.len() {
            let end = (at / SECTOR + 1) * SECTOR;
            let piece = &bytes[at - offset..(end - offset).min(bytes.len())];
            pieces.push(Self::Write { offset: at, bytes: piece.to_vec() });
            at += piece.len();
        }
        pieces
    }
}

#[derive(Default)]
struct File {
    safe: Vec<u8>,
    unsynced: Vec<Unsynced>,
}

/// Which unsynced changes the power cut lets through.
#[derive(Clone, Copy)]
enum Fate {
    None,
    All,
    /// Those before one of them, and some sectors of that one.
    First,
    /// Any of them, in whole.
    Some,
    /// Any sectors of any of them.
    Sectors,
    /// As before, and what lies between them at the end of a file is noise.
    Noise,
}

const FATES: [Fate; 6] = [Fate::None, Fate::All, Fate::First, Fate::Some, Fate::Sectors, Fate::Noise];

impl File {
    fn left(&self, fate: Fate, dice: &mut Dice) -> Vec<u8> {
        let mut bytes = self.safe.clone();
        let mut keep = |change: &Unsynced, dice: &mut Dice| {
            if let (Fate::Noise, Unsynced::Write { offset, bytes: written }) = (fate, change) {
                let end = bytes.len().max(offset + written.len());
                bytes.resize_with(end, || dice.roll() as u8);
            }
            change.apply(&mut bytes);
        };
        let first = dice.below(self.unsynced.len() as u64 + 1) as usize;
        for (number, change) in self.unsynced.iter().enumerate() {
            match fate {
                Fate::None => {}
                Fate::All => keep(change, dice),
                Fate::First if number < first => keep(change, dice),
                Fate::First if number > first => {}
                Fate::Some => {
                    if dice.below(2) == 0 {
                        keep(change, dice);
                    }
                }
                Fate::First | Fate::Sectors | Fate::Noise => {
                    change
                        .sectors()
                        .iter()
                        .filter(|_| dice.roll() & 1 == 0)
                        .collect::<Vec<_>>()
                        .into_iter()
                        .for_each(|piece| keep(piece, dice));
                }
            }
        }
        bytes
    }
}

enum NameChange {
    Set(String, usize),
    Gone(String),
}

#[derive(Clone, Copy)]
enum Opened {
    Folder,
    File(usize),
}

/// One folder on a disk that keeps apart what is synced and what is not.
#[derive(Default)]
pub struct Disk {
    files: Vec<File>,
    names: BTreeMap<String, usize>,
    safe_names: BTreeMap<String, usize>,
    unsynced_names: Vec<NameChange>,
    open: HashMap<u32, Opened>,
}

impl Disk {
    /// A disk that holds these files since long ago.
    pub fn holding(image: &Image) -> Self {
        let mut disk = Self::default();
        for (name, bytes) in image {
            disk.names.insert(name.clone(), disk.files.len());
            disk.files.push(File { safe: bytes.clone(), unsynced: Vec::new() });
        }
        disk.safe_names = disk.names.clone();
        disk
    }

    fn rename(&mut self, change: NameChange) {
        rename(&mut self.names, &change);
        self.unsynced_names.push(change);
    }

    fn change(&mut self, descriptor: u32, change: Unsynced) {
        match self.open.get(&descriptor) {
            Some(Opened::File(number)) => self.files[*number].unsynced.push(change),
            _ => panic!("a file that was not opened is written"),
        }
    }

    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Open { descriptor, name, .. } if name == "." => drop(self.open.insert(*descriptor, Opened::Folder)),
            Change::Open { descriptor, name, cut } => {
                let known = self.names.get(name).copied();
                let number = known.unwrap_or_else(|| {
                    self.files.push(File::default());
                    self.rename(NameChange::Set(name.clone(), self.files.len() - 1));
                    self.files.len() - 1
                });
                self.open.insert(*descriptor, Opened::File(number));
                if *cut && known.is_some() {
                    self.files[number].unsynced.push(Unsynced::Resize(0));
                }
            }
            Change::Write { descriptor, offset, bytes } => {
                self.change(*descriptor, Unsynced::Write { offset: *offset as usize, bytes: bytes.clone() });
            }
            Change::Resize { descriptor, size } => self.change(*descriptor, Unsynced::Resize(*size as usize)),
            Change::Sync { descriptor } => match self.open[descriptor] {
                Opened::Folder => self.unsynced_names.drain(..).for_each(|change| rename(&mut self.safe_names, &change)),
                Opened::File(number) => {
                    let File { safe, unsynced } = &mut self.files[number];
                    unsynced.drain(..).for_each(|change| change.apply(safe));
                }
            },
            Change::Remove { name } => self.rename(NameChange::Gone(name.clone())),
            Change::Rename { from, to } => {
                let number = self.names[from];
                self.rename(NameChange::Gone(from.clone()));
                self.rename(NameChange::Set(to.clone(), number));
            }
        }
    }

    /// What the next start finds when the power goes now. Changes of names come through in their order, as a journal does them.
    pub fn power_cut(&self, dice: &mut Dice) -> Image {
        let fate = FATES[dice.below(FATES.len() as u64) as usize];
        let mut names = self.safe_names.clone();
        let through = match fate {
            Fate::None => 0,
            Fate::All => self.unsynced_names.len(),
            _ => dice.below(self.unsynced_names.len() as u64 + 1) as usize,
        };
        self.unsynced_names[..through].iter().for_each(|change| rename(&mut names, change));
        names.into_iter().map(|(name, number)| (name, self.files[number].left(fate, dice))).collect()
    }

    /// All that was written to a file, synced or not.
    pub fn written(&self, name: &str) -> Vec<u8> {
        let Some(number) = self.names.get(name) else { return Vec::new() };
        let File { safe, unsynced } = &self.files[*number];
        let mut bytes = safe.clone();
        unsynced.iter().for_each(|change| change.apply(&mut bytes));
        bytes
    }
}

fn rename(names: &mut BTreeMap<String, usize>, change: &NameChange) {
    match change {
        NameChange::Set(name, number) => names.insert(name.clone(), *number),
        NameChange::Gone(name) => names.remove(name),
    };
}
