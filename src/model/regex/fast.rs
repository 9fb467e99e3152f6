//! Shapes of patterns that need no automaton.

use regex_syntax::hir::{Class, Hir, HirKind};

/// Most texts that a pattern is unfolded into.
const TEXTS_MAX: usize = 1024;

/// How a pattern that must match the whole text can be decided.
#[derive(Clone, Debug)]
pub enum Fast {
    /// Any text.
    Anything,
    /// Any text that is not empty.
    NotEmpty,
    /// One of these, sorted.
    Set(Vec<String>),
    /// This, then any text; of at least so many bytes in all.
    Prefix(String, usize),
    Suffix(String, usize),
    Contains(String),
    /// The automaton decides, after the prefix was compared.
    Run(String),
}

/// A piece of a pattern.
enum Piece {
    Text(String),
    /// `.*`
    Any,
    /// `.+`
    Some,
    Other,
}

impl Fast {
    pub fn of(hir: &Hir) -> Self {
        if let Some(mut texts) = texts(hir) {
            texts.sort();
            texts.dedup();
            return Self::Set(texts);
        }
        let pieces: Vec<Piece> = match hir.kind() {
            HirKind::Concat(parts) => parts.iter().map(piece).collect(),
            _ => vec![piece(hir)],
        };
        match pieces.as_slice() {
            [Piece::Any] => Self::Anything,
            [Piece::Some] => Self::NotEmpty,
            [Piece::Text(text), Piece::Any] => Self::Prefix(text.clone(), text.len()),
            [Piece::Text(text), Piece::Some] => Self::Prefix(text.clone(), text.len() + 1),
            [Piece::Any, Piece::Text(text)] => Self::Suffix(text.clone(), text.len()),
            [Piece::Some, Piece::Text(text)] => Self::Suffix(text.clone(), text.len() + 1),
            [Piece::Any, Piece::Text(text), Piece::Any] => Self::Contains(text.clone()),
            [Piece::Text(text), ..] => Self::Run(text.clone()),
            _ => Self::Run(String::new()),
        }
    }

    /// None where the automaton has to run.
    pub fn decide(&self, text: &str) -> Option<bool> {
        match self {
            Self::Anything => Some(true),
            Self::NotEmpty => Some(!text.is_empty()),
            Self::Set(texts) => Some(texts.binary_search_by(|t| t.as_str().cmp(text)).is_ok()),
            Self::Prefix(prefix, least) => Some(text.len() >= *least && text.starts_with(prefix)),
            Self::Suffix(suffix, least) => Some(text.len() >= *least && text.ends_with(suffix)),
            Self::Contains(part) => Some(text.contains(part)),
            Self::Run(prefix) => (!text.starts_with(prefix)).then_some(false),
        }
    }

    pub fn prefix(&self) -> &str {
        match self {
            Self::Prefix(prefix, _) | Self::Run(prefix) => prefix,
            Self::Set(texts) if texts.len() == 1 => &texts[0],
            _ => "",
        }
    }
}

fn piece(hir: &Hir) -> Piece {
    match hir.kind() {
        HirKind::Literal(literal) => std::str::from_utf8(&literal.0).map_or(Piece::Other, |t| Piece::Text(t.to_owned())),
        HirKind::Capture(capture) => piece(&capture.sub),
        HirKind::Repetition(repetition) if repetition.max.is_none() && is_any_char(&repetition.sub) => match repetition.min {
            0 => Piece::Any,
            1 => Piece::Some,
            _ => Piece::Other,
        },
        _ => Piece::Other,
    }
}

fn is_any_char(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Class(Class::Unicode(class)) => matches!(class.ranges(), [all] if all.start() == '\0' && all.end() == char::MAX),
        HirKind::Capture(capture) => is_any_char(&capture.sub),
        _ => false,
    }
}

/// All texts that a pattern matches, if they are few.
fn texts(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Empty => Some(vec![String::new()]),
        HirKind::Literal(literal) => String::from_utf8(literal.0.to_vec()).ok().map(|t| vec![t]),
        HirKind::Capture(capture) => texts(&capture.sub),
        HirKind::Class(Class::Unicode(class)) => {
            let count: usize = class.ranges().iter().map(|r| r.len()).sum();
            let chars = || class.ranges().iter().flat_map(|r| r.start()..=r.end());
            (count <= TEXTS_MAX).then(|| chars().map(String::from).collect())
        }
        HirKind::Repetition(repetition) if repetition.min == 0 && repetition.max == Some(1) => {
            let mut all = texts(&repetition.sub)?;
            all.push(String::new());
            Some(all)
        }
        HirKind::Concat(parts) => {
            let mut all = vec![String::new()];
            for part in parts {
                let ends = texts(part)?;
                if all.len() * ends.len() > TEXTS_MAX {
                    return None;
                }
                all = all.iter().flat_map(|start| ends.iter().map(move |end| format!("{start}{end}"))).collect();
            }
            Some(all)
        }
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(texts(part)?);
                if all.len() > TEXTS_MAX {
                    return None;
                }
            }
            Some(all)
        }
        _ => None,
    }
}
