//! The admin API's doors into the store: each may take long and runs apart from the sockets.

use std::fmt::Display;

use super::lifecycle::Shared;
use crate::http::state::ask;
use crate::http::{AdminState, Deletion};

pub fn state(shared: &Shared) -> AdminState {
    let (deletes, copies) = (shared.history.clone(), shared.history.clone());
    let (cleans, merges) = (shared.store.clone(), shared.store.clone());
    AdminState {
        enabled: shared.settings.web.enable_admin_api,
        delete: ask(move |Deletion { selectors, range }: Deletion| {
            let history = deletes.clone();
            apart(move || selectors.iter().try_for_each(|matchers| history.delete(matchers, range)))
        }),
        clean: ask(move |()| {
            let store = cleans.clone();
            apart(move || store.clean_tombstones())
        }),
        compact: ask(move |()| {
            let store = merges.clone();
            apart(move || store.compact())
        }),
        snapshot: ask(move |skip_head| {
            let history = copies.clone();
            apart(move || history.snapshot(skip_head))
        }),
    }
}

async fn apart<T: Send + 'static, E: Display + Send + 'static>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, String> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
}
