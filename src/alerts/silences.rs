//! Silences: what may be set, what an update does to the id, which ones hold an alert back. Alertmanager's API v2 rules.

use std::collections::BTreeMap;
use std::fmt;

use super::ids::Ids;
use super::limits::{RETENTION, SILENCE_BYTES_MAX, SILENCES_MAX};
use super::routing::all_match;
use super::view::{SilenceState, SilenceView};
use crate::model::{Labels, MatchOp, Matcher, TimestampMs};
use crate::state::SilenceRow;

/// A silence as a client asks for it.
#[derive(Clone, Debug)]
pub struct SilenceRequest {
    /// The silence to change; none or empty for a new one.
    pub id: Option<String>,
    pub matchers: Vec<Matcher>,
    pub starts_at: TimestampMs,
    pub ends_at: TimestampMs,
    pub created_by: String,
    pub comment: String,
    pub annotations: Labels,
}

/// Why a silence was not taken. The words that clients may compare are Alertmanager's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SilenceError {
    NotFound(String),
    Invalid(String),
    TooMany,
    /// The file did not take it.
    NotStored(String),
}

impl fmt::Display for SilenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(_) => f.write_str("silence not found"),
            Self::Invalid(text) => f.write_str(text),
            Self::TooMany => write!(f, "there are {SILENCES_MAX} silences already, the limit: expire some"),
            Self::NotStored(text) => write!(f, "the silence was not stored: {text}"),
        }
    }
}

impl std::error::Error for SilenceError {}

/// What setting a silence does: rows to store, in this order, and the id that the client gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub rows: Vec<SilenceRow>,
    pub id: String,
}

#[derive(Clone, Debug, Default)]
pub struct Silences(BTreeMap<String, SilenceRow>);

pub fn state_at(row: &SilenceRow, now: TimestampMs) -> SilenceState {
    match now {
        now if now < row.starts_at => SilenceState::Pending,
        now if now < row.ends_at => SilenceState::Active,
        _ => SilenceState::Expired,
    }
}

impl Silences {
    pub fn put(&mut self, row: SilenceRow) {
        self.0.insert(row.id.clone(), row);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn get(&self, id: &str) -> Option<&SilenceRow> {
        self.0.get(id)
    }

    /// The ids of the silences that hold back an alert with these labels.
    pub fn of(&self, labels: &Labels, now: TimestampMs) -> Vec<String> {
        let active = self.0.values().filter(|row| state_at(row, now) == SilenceState::Active && !row.matchers.is_empty());
        active.filter(|row| all_match(&row.matchers, labels)).map(|row| row.id.clone()).collect()
    }

    /// How many are pending, active, expired.
    pub fn count(&self, now: TimestampMs) -> [usize; 3] {
        let mut counts = [0; 3];
        for row in self.0.values() {
            counts[state_at(row, now) as usize] += 1;
        }
        counts
    }

    /// Active ones first (the next to end first), then pending (the next to start first), then expired (the last ended first).
    pub fn list(&self, now: TimestampMs) -> Vec<SilenceView> {
        let mut views: Vec<SilenceView> = self.0.values().map(|row| view(row, now)).collect();
        views.sort_by_key(|view| match view.state {
            SilenceState::Active => (0, view.ends_at.0),
            SilenceState::Pending => (1, view.starts_at.0),
            SilenceState::Expired => (2, view.ends_at.0.saturating_neg()),
        });
        views
    }

    /// An update keeps its id only where the matchers and, once active, the start stay as they are.
    pub fn plan_set(&self, request: SilenceRequest, now: TimestampMs, ids: &mut Ids) -> Result<Plan, SilenceError> {
        validate(&request, now)?;
        let known = match request.id.as_deref() {
            None | Some("") => None,
            Some(id) => Some(self.0.get(id).ok_or_else(|| SilenceError::NotFound(id.to_owned()))?),
        };
        if let Some(known) = known.filter(|known| keeps_id(known, &request, now)) {
            let id = known.id.clone();
            return Ok(Plan { rows: vec![row(request, id.clone(), now)], id });
        }
        if self.0.len() >= SILENCES_MAX {
            return Err(SilenceError::TooMany);
        }
        let mut rows: Vec<SilenceRow> = known.and_then(|known| expired(known, now)).into_iter().collect();
        let id = ids.next_uuid();
        let starts_at = request.starts_at.max(now);
        rows.push(row(SilenceRequest { starts_at, ..request }, id.clone(), now));
        Ok(Plan { rows, id })
    }

    /// The row to store, or none where the silence has ended already.
    pub fn plan_expire(&self, id: &str, now: TimestampMs) -> Result<Option<SilenceRow>, SilenceError> {
        let known = self.0.get(id).ok_or_else(|| SilenceError::NotFound(id.to_owned()))?;
        Ok(expired(known, now))
    }

    /// Forgets what ended long ago; returns the ids.
    pub fn sweep(&mut self, now: TimestampMs) -> Vec<String> {
        let gone: Vec<String> = self.0.values().filter(|row| row.ends_at + RETENTION < now).map(|row| row.id.clone()).collect();
        for id in &gone {
            self.0.remove(id);
        }
        gone
    }
}

pub fn view(row: &SilenceRow, now: TimestampMs) -> SilenceView {
    SilenceView {
        id: row.id.clone(),
        matchers: row.matchers.clone(),
        starts_at: row.starts_at,
        ends_at: row.ends_at,
        updated_at: row.updated_at,
        created_by: row.created_by.clone(),
        comment: row.comment.clone(),
        annotations: row.annotations.clone(),
        state: state_at(row, now),
    }
}

fn row(request: SilenceRequest, id: String, now: TimestampMs) -> SilenceRow {
    let SilenceRequest { matchers, starts_at, ends_at, created_by, comment, annotations, .. } = request;
    SilenceRow { id, matchers, starts_at, ends_at, updated_at: now, created_by, comment, annotations }
}

fn expired(known: &SilenceRow, now: TimestampMs) -> Option<SilenceRow> {
    match state_at(known, now) {
        SilenceState::Expired => None,
        SilenceState::Active => Some(SilenceRow { ends_at: now, updated_at: now, ..known.clone() }),
        SilenceState::Pending => Some(SilenceRow { starts_at: now, ends_at: now, updated_at: now, ..known.clone() }),
    }
}

fn keeps_id(known: &SilenceRow, request: &SilenceRequest, now: TimestampMs) -> bool {
    let seconds = |at: TimestampMs| at.0.div_euclid(1000);
    known.matchers == request.matchers
        && match state_at(known, now) {
            SilenceState::Active => seconds(known.starts_at) == seconds(request.starts_at) && request.ends_at >= now,
            SilenceState::Pending => request.starts_at >= now,
            SilenceState::Expired => false,
        }
}

fn validate(request: &SilenceRequest, now: TimestampMs) -> Result<(), SilenceError> {
    let invalid = |text: &str| Err(SilenceError::Invalid(text.to_owned()));
    if request.starts_at >= request.ends_at {
        return invalid("Failed to create silence: start time must be before end time");
    }
    if request.ends_at < now {
        return invalid("Failed to create silence: end time can't be in the past");
    }
    if request.matchers.is_empty() {
        return invalid("invalid silence: at least one matcher required");
    }
    if let Some(at) = request.matchers.iter().position(|matcher| matcher.name.is_empty()) {
        return Err(SilenceError::Invalid(format!("invalid silence: invalid label matcher {at} in set 0: invalid label name \"\"")));
    }
    // As in Alertmanager a negative matcher counts as one that does not.
    let positive = |matcher: &Matcher| matches!(matcher.op, MatchOp::Equal | MatchOp::Regex);
    if request.matchers.iter().all(|matcher| positive(matcher) && matcher.matches_empty()) {
        return invalid("invalid silence: matcher set 0: at least one matcher must not match the empty string");
    }
    let matchers: usize = request.matchers.iter().map(|matcher| matcher.name.len() + matcher.value.len()).sum();
    let bytes = matchers + request.comment.len() + request.created_by.len() + request.annotations.size_bytes();
    if bytes > SILENCE_BYTES_MAX {
        return Err(SilenceError::Invalid(format!("invalid silence: {bytes} bytes are more than the limit of {SILENCE_BYTES_MAX} bytes")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: TimestampMs = TimestampMs(1_000_000);

    fn request(id: Option<&str>, value: &str, starts_at: i64, ends_at: i64) -> SilenceRequest {
        SilenceRequest {
            id: id.map(str::to_owned),
            matchers: vec![Matcher::equal("a", value)],
            starts_at: TimestampMs(starts_at),
            ends_at: TimestampMs(ends_at),
            created_by: "me".to_owned(),
            comment: "why".to_owned(),
            annotations: Labels::empty(),
        }
    }

    fn set(silences: &mut Silences, request: SilenceRequest, now: TimestampMs, ids: &mut Ids) -> Result<String, SilenceError> {
        let plan = silences.plan_set(request, now, ids)?;
        plan.rows.into_iter().for_each(|row| silences.put(row));
        Ok(plan.id)
    }

    #[test]
    fn an_active_silence_keeps_its_id_while_matchers_and_start_stay() {
        let (mut silences, mut ids) = (Silences::default(), Ids::seeded(1));
        let first = set(&mut silences, request(None, "1", 0, 2_000_000), NOW, &mut ids).unwrap();
        assert_eq!(silences.get(&first).unwrap().starts_at, NOW, "a start in the past is moved to now");
        let later = set(&mut silences, request(Some(&first), "1", NOW.0, 3_000_000), NOW, &mut ids).unwrap();
        assert_eq!(later, first);
        let other = set(&mut silences, request(Some(&first), "2", NOW.0, 3_000_000), NOW, &mut ids).unwrap();
        assert_ne!(other, first);
        assert_eq!(state_at(silences.get(&first).unwrap(), NOW), SilenceState::Expired);
        assert_eq!(silences.of(&Labels::from_pairs([("a", "2")]), NOW), [other]);
        assert!(silences.of(&Labels::from_pairs([("a", "1")]), NOW).is_empty());
    }

    #[test]
    fn what_makes_no_sense_is_refused_in_alertmanagers_words() {
        let (mut silences, mut ids) = (Silences::default(), Ids::seeded(1));
        let mut error = |request| set(&mut silences, request, NOW, &mut ids).unwrap_err().to_string();
        assert!(error(request(None, "1", 5, 5)).contains("start time must be before end time"));
        assert!(error(request(None, "1", 5, 6)).contains("end time can't be in the past"));
        assert!(error(request(None, "", 5, 2_000_000)).contains("must not match the empty string"));
        assert_eq!(error(request(Some("nope"), "1", 5, 2_000_000)), "silence not found");
    }

    #[test]
    fn expiring_is_idempotent_and_pending_ones_end_before_they_begin() {
        let (mut silences, mut ids) = (Silences::default(), Ids::seeded(1));
        let id = set(&mut silences, request(None, "1", 1_500_000, 2_000_000), NOW, &mut ids).unwrap();
        let row = silences.plan_expire(&id, NOW).unwrap().unwrap();
        assert_eq!((row.starts_at, row.ends_at), (NOW, NOW));
        silences.put(row);
        assert_eq!(silences.plan_expire(&id, NOW).unwrap(), None);
        assert_eq!(silences.sweep(NOW + RETENTION), Vec::<String>::new());
        assert_eq!(silences.sweep(NOW + RETENTION + crate::model::DurationMs(1)), [id]);
    }
}
