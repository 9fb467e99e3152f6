//! Signals as requests to the lifecycle: SIGHUP reloads, SIGINT and SIGTERM stop.

use std::future::poll_fn;
use std::io;
use std::task::Poll;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::lifecycle::Request;

/// Signals that end the process.
pub struct Ends(Vec<(&'static str, Signal)>);

impl Ends {
    /// From here on SIGINT and SIGTERM, and SIGHUP where nothing can be read again, are noted instead of ending the process at once.
    pub fn listen(with_hangup: bool) -> io::Result<Self> {
        let mut ends = vec![("SIGINT", signal(SignalKind::interrupt())?), ("SIGTERM", signal(SignalKind::terminate())?)];
        if with_hangup {
            ends.push(("SIGHUP", signal(SignalKind::hangup())?));
        }
        Ok(Self(ends))
    }

    /// Resolves when one of them comes, or came since `listen`.
    pub async fn come(&mut self) {
        let name = poll_fn(|context| {
            let came = self.0.iter_mut().find_map(|(name, signal)| signal.poll_recv(context).is_ready().then_some(*name));
            came.map_or(Poll::Pending, Poll::Ready)
        })
        .await;
        tracing::info!(signal = name, "asked to stop");
    }
}

/// Turns this process's signals into requests, until it is aborted.
pub fn forward(requests: mpsc::Sender<Request>) -> io::Result<JoinHandle<()>> {
    let mut hangup = signal(SignalKind::hangup())?;
    let mut ends = Ends::listen(false)?;
    Ok(tokio::spawn(async move {
        loop {
            let request = tokio::select! {
                () = ends.come() => Request::Quit,
                _ = hangup.recv() => Request::Reload(oneshot::channel().0),
            };
            // Once nobody receives, the stop is under way.
            if requests.send(request).await.is_err() {
                return;
            }
        }
    }))
}
