//! Where the server listens and how people reach it.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

/// Why an address cannot be listened on, for the operator.
fn explain(address: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("{address} is in use: another server (or promlet) listens there. End it, or choose another with --web.listen-address")
        }
        io::ErrorKind::PermissionDenied => format!("{address}: not allowed; ports below 1024 need privileges"),
        _ => format!("cannot listen on {address}: {error}"),
    }
}

/// Listens on every address, `:9090` meaning all interfaces as in Prometheus.
pub async fn listen(addresses: &[String]) -> Result<Vec<TcpListener>, String> {
    let mut listeners = Vec::new();
    for address in addresses {
        let full = if address.starts_with(':') { format!("0.0.0.0{address}") } else { address.clone() };
        listeners.push(TcpListener::bind(&full).await.map_err(|error| explain(&full, &error))?);
    }
    Ok(listeners)
}

/// The address under which this process itself reaches the server.
pub fn own(address: SocketAddr) -> String {
    if address.ip().is_unspecified() { format!("127.0.0.1:{}", address.port()) } else { address.to_string() }
}

/// `--web.external-url` (whole, or a path) without a slash at the end, else made of the host's name and the port, as Prometheus does; a
/// server on loopback is named by its address, since no other name leads to it.
pub fn external_url(given: Option<&str>, listening: SocketAddr, encrypts: bool) -> String {
    let scheme = if encrypts { "https" } else { "http" };
    let path = match given.map(|given| given.trim_end_matches('/')) {
        Some(whole) if whole.contains("://") => return whole.to_owned(),
        // A path alone, as behind a proxy whose name is not known here.
        Some(path) => path,
        None => "",
    };
    if listening.ip().is_loopback() {
        return format!("{scheme}://{listening}{path}");
    }
    format!("{scheme}://{}:{}{path}", host_name(), listening.port())
}

pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// `/prefix` or nothing: the flag, else the path of the external URL.
pub fn route_prefix(given: Option<&str>, external_url: &str) -> String {
    let path_of_url = || external_url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
    let path = given.unwrap_or_else(path_of_url).trim_matches('/');
    if path.is_empty() { String::new() } else { format!("/{path}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_come_from_the_flag_or_the_url() {
        assert_eq!(route_prefix(None, "http://x:9090"), "");
        assert_eq!(route_prefix(None, "https://x/prom/a"), "/prom/a");
        assert_eq!(route_prefix(Some("/"), "https://x/prom"), "");
        let loopback: SocketAddr = "127.0.0.1:9090".parse().unwrap();
        assert_eq!(external_url(None, loopback, false), "http://127.0.0.1:9090");
        assert_eq!(external_url(Some("http://x/"), loopback, true), "http://x");
        assert_eq!(external_url(Some("/prom/"), loopback, true), "https://127.0.0.1:9090/prom");
        assert_eq!(own("0.0.0.0:1".parse().unwrap()), "127.0.0.1:1");
    }
}
