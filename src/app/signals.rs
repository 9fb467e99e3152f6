//! Signals as requests to the lifecycle: SIGHUP reloads, SIGINT and SIGTERM stop.

use std::future::poll_fn;
use std::io;
use std::task::Poll;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::lifecycle::Request;

/// Signals that end the process.
pub struct Ends(Vec<Signal>);

impl Ends {
    /// From here on these signals are noted instead of ending the process at once.
    pub fn listen(kinds: &[SignalKind]) -> io::Result<Self> {
        kinds.iter().map(|kind| signal(*kind)).collect::<io::Result<Vec<_>>>().map(Self)
    }

    /// Resolves when one of them comes, or came since `listen`.
    pub async fn come(&mut self) {
        poll_fn(|context| {
            let came = self.0.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
            if came { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// Turns this process's signals into requests, until it is aborted.
pub fn forward(requests: mpsc::Sender<Request>) -> io::Result<JoinHandle<()>> {
    let mut hangup = signal(SignalKind::hangup())?;
    let mut ends = Ends::listen(&[SignalKind::interrupt(), SignalKind::terminate()])?;
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
