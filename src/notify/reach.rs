//! The way to a server, told apart for a person who tries a receiver: the name, the connection, the encryption.

use std::net::{IpAddr, SocketAddr};

use tokio::net::TcpStream;

use super::advice;
use super::limits::CONNECT_TIMEOUT;
use super::steps::Steps;
use crate::alerts::notification::Failure;
use crate::client::{Certificate, Peer, TlsFailure, TlsOptions, encrypt};

/// Certificates shown of one chain.
const CHAIN_SHOWN_MAX: usize = 6;

/// Everything before the first request.
pub async fn reach(url: &str, tls: &TlsOptions, steps: &Steps) -> Result<(), Failure> {
    let url = reqwest::Url::parse(url).map_err(|error| Failure::give_up(format!("the URL is not one: {error}")))?;
    let host = url.host_str().unwrap_or("").trim_matches(['[', ']']).to_owned();
    let stream = connect(&host, url.port_or_known_default().unwrap_or(80), steps).await?;
    if url.scheme() == "https" {
        match tokio::time::timeout(CONNECT_TIMEOUT, encrypt(stream, &host, tls)).await {
            Ok(Ok((_, peer))) => steps.done(format!("encrypted ({})", shown(&peer))),
            Ok(Err(failure)) => return Err(not_encrypted(&failure)),
            Err(_) => return Err(Failure::retry(format!("no TLS within {} s (does the port speak TLS?)", CONNECT_TIMEOUT.as_secs()))),
        }
    }
    Ok(())
}

/// Looks a host up and connects to it.
pub async fn connect(host: &str, port: u16, steps: &Steps) -> Result<TcpStream, Failure> {
    let address = resolve(host, port, steps).await?;
    match tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
        Ok(Ok(stream)) => {
            // A mail's last line is a small piece of its own: nobody should wait for the other side's word before it is sent.
            let _slower = stream.set_nodelay(true);
            steps.done(format!("connected to {address}"));
            Ok(stream)
        }
        Ok(Err(error)) => {
            let detail = format!("cannot connect to {address}: {error}");
            Err(Failure::retry(detail.clone() + advice::connection(&detail)))
        }
        Err(_) => Err(Failure::retry(format!(
            "cannot connect to {address} within {} s (is the machine on, and does a firewall let this through?)",
            CONNECT_TIMEOUT.as_secs()
        ))),
    }
}

/// The first address of a host.
async fn resolve(host: &str, port: u16, steps: &Steps) -> Result<SocketAddr, Failure> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(SocketAddr::new(address, port));
    }
    let found = tokio::time::timeout(CONNECT_TIMEOUT, tokio::net::lookup_host((host, port))).await;
    let mut addresses = match found {
        Ok(Ok(addresses)) => addresses.collect::<Vec<_>>(),
        Ok(Err(error)) => {
            return Err(Failure::retry(format!("cannot look up {host}: {error} (is the name right, and does this machine have DNS?)")));
        }
        Err(_) => return Err(Failure::retry(format!("looking up {host} took longer than {} s", CONNECT_TIMEOUT.as_secs()))),
    };
    if addresses.is_empty() {
        return Err(Failure::retry(format!("{host} has no address")));
    }
    // A server on a home machine often listens on IPv4 alone.
    addresses.sort_by_key(|address| !address.is_ipv4());
    let shown: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
    steps.done(format!("{host} is {}", shown.join(", ")));
    Ok(addresses[0])
}

/// The handshake's failure with what the server showed and the way out.
pub fn not_encrypted(failure: &TlsFailure) -> Failure {
    let mut detail = format!("no TLS: {}", advice::readable(&failure.reason));
    if !failure.peer.chain.is_empty() {
        detail += &format!("; the server showed {}", chain(&failure.peer.chain));
    }
    match advice::certificate(&failure.reason) {
        Some(advice) => Failure::give_up(format!("{detail} ({advice})")),
        None => Failure::retry(detail + advice::connection(&failure.reason)),
    }
}

/// `TLS 1.3, the certificate is good: box for box.example, until 2030-01-01 00:00:00 UTC, signed by Our Authority`.
pub fn shown(peer: &Peer) -> String {
    let judged = if peer.is_checked { "the certificate is good" } else { "the certificate is not checked" };
    format!("{}, {judged}: {}", peer.protocol, chain(&peer.chain))
}

fn chain(certificates: &[Certificate]) -> String {
    let Some(own) = certificates.first() else { return "no certificate".to_owned() };
    let mut text = if own.subject.is_empty() { "one without a name".to_owned() } else { own.subject.clone() };
    if !own.names.is_empty() {
        text += &format!(" for {}", own.names.join(", "));
    }
    text += &format!(", from {} until {}", own.not_before, own.not_after);
    if own.issuer == own.subject {
        return text + ", signed by itself";
    }
    let above = certificates.iter().skip(1).take(CHAIN_SHOWN_MAX).map(|one| &one.issuer);
    let mut signers: Vec<&String> = std::iter::once(&own.issuer).chain(above).collect();
    signers.dedup();
    text + ", signed by " + &signers.into_iter().cloned().collect::<Vec<_>>().join(", by ")
}
