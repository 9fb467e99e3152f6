//! A request's body that outlives its handler: what was refused early is read on for a while and thrown away, so that a client that
//! sends everything before it listens hears the refusal, not a broken connection.

use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::runtime::Handle;

use super::limits::{REFUSED_UPLOAD_BYTES_MAX, REFUSED_UPLOAD_TIME};

pub struct Upload {
    /// Taken when it is dropped.
    body: Option<Incoming>,
    /// The client waits for a word before it sends (`Expect: 100-continue`): there is nothing to throw away before a handler asks.
    waits: bool,
}

impl Upload {
    pub fn new(body: Incoming, waits: bool) -> Self {
        Self { body: Some(body), waits }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.waits = false;
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let Some(body) = self.body.take().filter(|body| !self.waits && !body.is_end_stream()) else { return };
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                // Whoever sends on after that is cut off.
                let _late = tokio::time::timeout(REFUSED_UPLOAD_TIME, throw_away(body)).await;
            });
        }
    }
}

async fn throw_away(mut body: Incoming) {
    let mut read = 0;
    while read < REFUSED_UPLOAD_BYTES_MAX {
        match std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            Some(Ok(frame)) => read += frame.data_ref().map_or(0, Bytes::len),
            Some(Err(_)) | None => return,
        }
    }
}
