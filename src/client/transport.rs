//! One connection to one host, plain or TLS.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::wire::{self, Head, WireError};

/// Where to connect to.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    pub host: String,
    pub port: u16,
    /// TLS with this configuration and name.
    pub tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
}

/// An open connection; dropping it closes it.
pub(super) struct Transport {
    stream: Stream,
    pub peer: IpAddr,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Transport {
    /// The error is the reason as Go prints it (`dial tcp 127.0.0.1:9: connect: connection refused`).
    pub(super) async fn open(endpoint: &Endpoint) -> Result<Self, String> {
        let host = endpoint.host.trim_start_matches('[').trim_end_matches(']');
        let addresses: Vec<SocketAddr> = match host.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, endpoint.port)],
            Err(_) => {
                let found = tokio::net::lookup_host((host, endpoint.port)).await;
                found.map_err(|_| format!("dial tcp: lookup {host}: no such host"))?.collect()
            }
        };
        let mut failed = format!("dial tcp: lookup {host}: no such host");
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => return Self::over(stream, address.ip(), endpoint).await,
                Err(error) => failed = format!("dial tcp {address}: connect: {}", said(&error)),
            }
        }
        Err(failed)
    }

    async fn over(stream: TcpStream, peer: IpAddr, endpoint: &Endpoint) -> Result<Self, String> {
        stream.set_nodelay(true).map_err(|error| said(&error))?;
        let stream = match &endpoint.tls {
            None => Stream::Plain(stream),
            Some((config, name)) => {
                let connector = TlsConnector::from(config.clone());
                let stream = connector.connect(name.clone(), stream).await.map_err(|error| format!("tls: {error}"))?;
                Stream::Tls(Box::new(stream))
            }
        };
        Ok(Self { stream, peer })
    }

    /// As [`wire::exchange`].
    pub(super) async fn exchange(&mut self, request: &[u8], body: &mut Vec<u8>, limit: u64) -> Result<Head, WireError> {
        match &mut self.stream {
            Stream::Plain(stream) => wire::exchange(stream, request, body, limit).await,
            Stream::Tls(stream) => wire::exchange(stream, request, body, limit).await,
        }
    }
}

/// An I/O error in the words of Go's standard library.
pub(super) fn said(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::ConnectionReset => "connection reset by peer".to_owned(),
        io::ErrorKind::BrokenPipe => "broken pipe".to_owned(),
        io::ErrorKind::HostUnreachable => "no route to host".to_owned(),
        io::ErrorKind::NetworkUnreachable => "network is unreachable".to_owned(),
        io::ErrorKind::UnexpectedEof => "EOF".to_owned(),
        io::ErrorKind::TimedOut => "connection timed out".to_owned(),
        _ => error.to_string(),
    }
}
