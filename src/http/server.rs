//! The accept loop: a bounded number of connections, encrypted where that is asked for, each with deadlines for its head and for a reader that
//! stalls; a stop that lets requests end.

use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::ServiceExt;

use super::limits::{
    CONNECTIONS_MAX, HANDSHAKE_TIMEOUT, HEADER_BYTES_MAX, HEADER_TIMEOUT, HTTP2_STREAMS_MAX, REFUSED_UPLOAD_BYTES_MAX, REFUSED_UPLOAD_TIME,
    STOP_GRACE, WRITE_STALL,
};
use super::protection::{self, Encrypted, Protection};
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
    protection: Option<Protection>,
    connections: Arc<Semaphore>,
    connections_max: usize,
    was_full: Arc<AtomicBool>,
    at_limit: Counter,
    failed_accepts: Counter,
    refused_heads: Counter,
}

/// What Go's servers answer to a request that comes without TLS.
const NOT_ENCRYPTED: &[u8] = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

/// Whether a connection begins like a request instead of a handshake; nothing is taken from it.
async fn is_unencrypted(stream: &TcpStream) -> bool {
    let mut first = [0];
    let peeked = tokio::time::timeout(HANDSHAKE_TIMEOUT, stream.peek(&mut first)).await;
    matches!(peeked, Ok(Ok(1)) if first[0].is_ascii_uppercase())
}

/// Says why, then reads on for a while: closing at once would take the answer back.
async fn refuse_unencrypted(mut stream: TcpStream) {
    // whoever has gone by now needs no answer
    if stream.write_all(NOT_ENCRYPTED).await.is_ok() && stream.shutdown().await.is_ok() {
        let mut rest = stream.take(REFUSED_UPLOAD_BYTES_MAX as u64);
        let _late = tokio::time::timeout(REFUSED_UPLOAD_TIME, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
    }
}

async fn answer(router: Router, request: Request<Incoming>, peer: SocketAddr) -> Result<Response, Infallible> {
    let waits = request.headers().contains_key(header::EXPECT);
    let mut request = request.map(|body| Body::new(Upload::new(body, waits)));
    request.extensions_mut().insert(Peer(peer.ip()));
    router.oneshot(request).await
}

/// The pause after a failed accept (no file descriptors left, mostly), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

impl Server {
    /// `connections_max` (`--web.max-connections`) holds over all addresses; 0 means [`CONNECTIONS_MAX`].
    pub fn new(router: Router, connections_max: usize, registry: &Registry) -> Self {
        let connections_max = if connections_max == 0 { CONNECTIONS_MAX } else { connections_max };
        Self {
            router,
            protection: None,
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

    /// Behind passwords and encryption, as `--web.config.file` asks.
    pub fn protected(self, protection: Protection) -> Self {
        let router = self.router.layer(from_fn_with_state(protection.clone(), protection::around));
        Self { router, protection: Some(protection).filter(Protection::encrypts), ..self }
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
            let (server, watcher) = (self.clone(), graceful.watcher());
            tokio::spawn(async move {
                server.serve(stream, peer, watcher).await;
                drop(permit);
            });
        }
        drop(listener);
        if tokio::time::timeout(STOP_GRACE, graceful.shutdown()).await.is_err() {
            tracing::warn!(seconds = STOP_GRACE.as_secs(), "requests still ran at the end of the stop's grace period; they are cut off");
        }
    }

    async fn serve(&self, stream: TcpStream, peer: SocketAddr, watcher: Watcher) {
        let Some(protection) = &self.protection else {
            return self.converse(Stalling::new(stream, WRITE_STALL), peer, watcher).await;
        };
        if is_unencrypted(&stream).await {
            return refuse_unencrypted(stream).await;
        }
        match protection.encrypt(Stalling::new(stream, WRITE_STALL)).await {
            Ok(Encrypted { stream, is_http2: false }) => self.converse(stream, peer, watcher).await,
            Ok(Encrypted { stream, is_http2: true }) => self.converse_http2(stream, peer, watcher).await,
            Err(_) => {}
        }
    }

    async fn converse(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, peer: SocketAddr, watcher: Watcher) {
        let mut protocol = http1::Builder::new();
        protocol.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(HEADER_BYTES_MAX).half_close(false);
        let stream = TokioIo::new(Refusing::new(stream, self.refused_heads.clone()));
        let router = self.router.clone();
        let service = service_fn(move |request| answer(router.clone(), request, peer));
        // a client that breaks off is no event of ours
        let _ = watcher.watch(protocol.serve_connection(stream, service)).await;
    }

    async fn converse_http2(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, peer: SocketAddr, watcher: Watcher) {
        let mut protocol = http2::Builder::new(TokioExecutor::new());
        protocol.timer(TokioTimer::new()).keep_alive_interval(HEADER_TIMEOUT).max_concurrent_streams(HTTP2_STREAMS_MAX);
        protocol.max_header_list_size(u32::try_from(HEADER_BYTES_MAX).unwrap_or(u32::MAX));
        let router = self.router.clone();
        let service = service_fn(move |request| answer(router.clone(), request, peer));
        let _ = watcher.watch(protocol.serve_connection(TokioIo::new(stream), service)).await;
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
