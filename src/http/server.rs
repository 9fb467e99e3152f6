//! The accept loop: a bounded number of connections, each with deadlines for its head and for a reader that stalls; a stop that lets requests end.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::ServiceExt;

use super::limits::{CONNECTIONS_MAX, HEADER_BYTES_MAX, HEADER_TIMEOUT, STOP_GRACE, WRITE_STALL};
use super::refusal::Refusing;
use super::stall::Stalling;
use super::upload::Upload;
use crate::telemetry::{Counter, Registry};

/// Who sent a request: in every request's extensions.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// How connections are served; one server may listen on several addresses.
#[derive(Clone)]
pub struct Server {
    router: Router,
    connections: Arc<Semaphore>,
    connections_max: usize,
    was_full: Arc<AtomicBool>,
    at_limit: Counter,
    failed_accepts: Counter,
    refused_heads: Counter,
}

/// The pause after a failed accept (no file descriptors left, mostly), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

impl Server {
    /// `connections_max` (`--web.max-connections`) holds over all addresses; 0 means [`CONNECTIONS_MAX`].
    pub fn new(router: Router, connections_max: usize, registry: &Registry) -> Self {
        let connections_max = if connections_max == 0 { CONNECTIONS_MAX } else { connections_max };
        Self {
            router,
            connections: Arc::new(Semaphore::new(connections_max)),
            connections_max,
            was_full: Arc::default(),
            at_limit: registry.counter(
                "promlet_http_connections_waited_total",
                "Connections that had to wait because as many as allowed were open.",
                &[],
            ),
            failed_accepts: registry.counter("promlet_http_accept_failures_total", "Connections that could not be accepted.", &[]),
            refused_heads: registry.counter("promlet_http_heads_refused_total", "Requests whose address or headers were too long.", &[]),
        }
    }

    /// Serves until `stop` resolves, then waits for requests in flight, at most [`STOP_GRACE`].
    pub async fn run(&self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let graceful = GracefulShutdown::new();
        tokio::pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => break,
                accepted = self.accept(&listener) => accepted,
            };
            let (stream, peer, permit) = accepted;
            let router = self.router.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let waits = request.headers().contains_key(header::EXPECT);
                let mut request = request.map(|body| Body::new(Upload::new(body, waits)));
                request.extensions_mut().insert(Peer(peer.ip()));
                router.clone().oneshot(request)
            });
            let mut protocol = http1::Builder::new();
            protocol.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(HEADER_BYTES_MAX).half_close(false);
            let stream = Refusing::new(Stalling::new(stream, WRITE_STALL), self.refused_heads.clone());
            let connection = graceful.watch(protocol.serve_connection(TokioIo::new(stream), service));
            tokio::spawn(async move {
                // a client that breaks off is no event of ours
                let _ = connection.await;
                drop(permit);
            });
        }
        drop(listener);
        if tokio::time::timeout(STOP_GRACE, graceful.shutdown()).await.is_err() {
            tracing::warn!(seconds = STOP_GRACE.as_secs(), "requests still ran at the end of the stop's grace period; they are cut off");
        }
    }

    async fn accept(&self, listener: &TcpListener) -> (TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit) {
        loop {
            let full = self.connections.available_permits() == 0;
            if full {
                self.at_limit.inc();
            }
            // said once each time the limit is reached, not for every connection
            if full && !self.was_full.swap(full, Ordering::Relaxed) {
                let limit = self.connections_max;
                tracing::warn!(limit, "as many connections as allowed are open; new ones wait (--web.max-connections)");
            } else if !full {
                self.was_full.store(false, Ordering::Relaxed);
            }
            let Ok(permit) = Arc::clone(&self.connections).acquire_owned().await else { return std::future::pending().await };
            match listener.accept().await {
                Ok((stream, peer)) => {
                    // small answers must not wait for more; a failure costs latency only
                    let _ = stream.set_nodelay(true);
                    return (stream, peer, permit);
                }
                Err(error) => {
                    self.failed_accepts.inc();
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}
