//! Who may come in. A bcrypt hash is slow on purpose, so it is computed once for each pair of name and password, one at a time, and what
//! came of it is remembered, as a digest under a key that only this process has.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use ring::hmac;
use ring::rand::SystemRandom;
use tokio::sync::Mutex as TurnLock;

use crate::model::Secret;

/// Good logins that are remembered, and as many bad ones: those of strangers never push out good ones.
const REMEMBERED_MAX: usize = 100;
/// Salt and hash of nobody: what is compared for a name that does not exist, so that it takes as long as for one that does.
const NOBODY: &str = "....................................................O";
/// As long as Prometheus's own stand-in takes.
const USUAL_COST: &str = "10";

type Digest = Vec<u8>;

pub(super) struct Logins {
    key: hmac::Key,
    turn: Arc<TurnLock<()>>,
    good: Mutex<Remembered>,
    bad: Mutex<Remembered>,
}

#[derive(Default)]
struct Remembered {
    known: HashSet<Digest>,
    order: VecDeque<Digest>,
}

impl Remembered {
    fn add(&mut self, digest: Digest) {
        if !self.known.insert(digest.clone()) {
            return;
        }
        self.order.push_back(digest);
        if self.order.len() > REMEMBERED_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

impl Logins {
    pub(super) fn new() -> Result<Self, String> {
        let key =
            hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).map_err(|_| "the system gives no random numbers".to_owned())?;
        Ok(Self { key, turn: Arc::default(), good: Mutex::default(), bad: Mutex::default() })
    }

    /// A hash that the file no longer has counts no longer, since it is part of what is remembered.
    pub(super) async fn admits(&self, users: &[(String, Secret)], name: String, password: Vec<u8>) -> bool {
        let found = users.iter().find(|(known, _)| *known == name);
        let hash = found.map_or_else(|| stand_in(users), |(_, hash)| hash.expose().to_owned());
        let digest = self.digest(&[name.as_bytes(), hash.as_bytes(), &password]);
        if let Some(known) = self.recall(&digest) {
            return known && found.is_some();
        }
        let turn = self.turn.clone().lock_owned().await;
        // Another request with the same may have had its turn meanwhile.
        if let Some(known) = self.recall(&digest) {
            return known && found.is_some();
        }
        // The turn ends with the work, even where nobody waits for it any more.
        let compare = move || {
            let _turn = turn;
            bcrypt::verify(password, &hash).unwrap_or(false)
        };
        let is_good = tokio::task::spawn_blocking(compare).await.unwrap_or(false) && found.is_some();
        let remembered = if is_good { &self.good } else { &self.bad };
        remembered.lock().unwrap_or_else(PoisonError::into_inner).add(digest);
        is_good
    }

    fn recall(&self, digest: &Digest) -> Option<bool> {
        let has = |remembered: &Mutex<Remembered>| remembered.lock().unwrap_or_else(PoisonError::into_inner).known.contains(digest);
        if has(&self.good) { Some(true) } else { has(&self.bad).then_some(false) }
    }

    /// Each part with its length, so that no two lists of parts look the same.
    fn digest(&self, parts: &[&[u8]]) -> Digest {
        let mut context = hmac::Context::with_key(&self.key);
        for part in parts {
            context.update(&(part.len() as u64).to_le_bytes());
            context.update(part);
        }
        context.sign().as_ref().to_vec()
    }
}

/// As slow as the first user's hash.
fn stand_in(users: &[(String, Secret)]) -> String {
    let cost = users.first().and_then(|(_, hash)| hash.expose().split('$').nth(2)).unwrap_or(USUAL_COST);
    format!("$2y${cost}${NOBODY}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2y$04$abcdefghijklmnopqrstuu";

    #[tokio::test]
    async fn a_good_login_is_remembered_and_a_removed_one_is_not() {
        let logins = Logins::new().unwrap();
        let hash = bcrypt::hash("right", 4).unwrap();
        let users = [("me".to_owned(), Secret::new(hash))];
        let admits = async |users: &[(String, Secret)], name: &str, password: &str| {
            logins.admits(users, name.to_owned(), password.as_bytes().to_vec()).await
        };
        for _ in 0..2 {
            assert!(admits(&users, "me", "right").await);
            assert!(!admits(&users, "me", "wrong").await);
            assert!(!admits(&users, "you", "right").await);
            assert!(!admits(&users, "", "").await);
        }
        let changed = [("me".to_owned(), Secret::new(bcrypt::hash("other", 4).unwrap()))];
        assert!(!admits(&changed, "me", "right").await);
        assert!(admits(&changed, "me", "other").await);
        for number in 0..2 * REMEMBERED_MAX {
            admits(&changed, "x", &number.to_string()).await;
        }
        assert_eq!(logins.bad.lock().unwrap().known.len(), REMEMBERED_MAX);
        assert_eq!(logins.recall(&logins.digest(&[b"me", changed[0].1.expose().as_bytes(), b"other"])), Some(true));
    }

    #[test]
    fn the_stand_in_is_a_hash_of_the_same_cost() {
        let hash = stand_in(&[("me".to_owned(), Secret::new(HASH))]);
        assert!(hash.starts_with("$2y$04$"));
        assert_eq!(bcrypt::verify("anything", &hash).ok(), Some(false));
        assert_eq!(bcrypt::verify("anything", &stand_in(&[])).ok(), Some(false));
    }
}
