//! One connection to one host, plain or TLS, for HTTP/1.1 requests one after the other.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// What one connection may buffer; hyper's own bound would let each target hold some 400 KB.
const READ_BUFFER_BYTES: usize = 32 * 1024;

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
    pub sender: SendRequest<Empty<Bytes>>,
    pub peer: IpAddr,
}

impl Transport {
    /// The error is the reason as Go prints it (`dial tcp 127.0.0.1:9: connect: connection refused`).
    pub(super) async fn open(endpoint: &Endpoint) -> Result<Self, String> {
        let host = endpoint.host.trim_start_matches('[').trim_end_matches(']');
        let addresses: Vec<SocketAddr> = match host.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, endpoint.port)],
            Err(_) => tokio::net::lookup_host((host, endpoint.port))
                .await
                .map_err(|_| format!("dial tcp: lookup {host}: no such host"))?
                .collect(),
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
        let sender = match &endpoint.tls {
            None => shake_hands(TokioIo::new(stream)).await?,
            Some((config, name)) => {
                let connector = TlsConnector::from(config.clone());
                let stream = connector.connect(name.clone(), stream).await.map_err(|error| format!("tls: {error}"))?;
                shake_hands(TokioIo::new(stream)).await?
            }
        };
        Ok(Self { sender, peer })
    }
}

async fn shake_hands<T>(io: T) -> Result<SendRequest<Empty<Bytes>>, String>
where
    T: hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static,
{
    let (sender, connection) =
        http1::Builder::new().max_buf_size(READ_BUFFER_BYTES).handshake(io).await.map_err(|error| error.to_string())?;
    // Ends with the sender or the peer; what breaks is told to the request that waits.
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::trace!(%error, "a connection ended");
        }
    });
    Ok(sender)
}

/// An I/O error in the words of Go's standard library.
pub(super) fn said(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::ConnectionReset => "connection reset by peer".to_owned(),
        io::ErrorKind::HostUnreachable => "no route to host".to_owned(),
        io::ErrorKind::NetworkUnreachable => "network is unreachable".to_owned(),
        io::ErrorKind::UnexpectedEof => "EOF".to_owned(),
        io::ErrorKind::TimedOut => "connection timed out".to_owned(),
        _ => error.to_string(),
    }
}
