//! A small HTTP server on loopback that answers as a test says.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// What to do with one request.
pub enum Answer {
    /// Bytes as they go over the wire; the connection stays open.
    Raw(Vec<u8>),
    /// These bytes, again and again until the other side has enough.
    Endless(Vec<u8>),
    /// Nothing; the connection stays open until the other side closes it.
    Silence,
}

/// 200 with these headers and this body.
pub fn ok(headers: &str, body: &[u8]) -> Answer {
    let mut bytes = format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    Answer::Raw(bytes)
}

pub fn page(body: &str) -> Answer {
    ok("Content-Type: text/plain; version=0.0.4\r\n", body.as_bytes())
}

pub fn status(line: &str, headers: &str) -> Answer {
    Answer::Raw(format!("HTTP/1.1 {line}\r\n{headers}Content-Length: 0\r\n\r\n").into_bytes())
}

/// Runs until the test's process ends.
pub struct Server {
    pub address: SocketAddr,
    pub requests: Arc<Mutex<Vec<String>>>,
    pub connections: Arc<AtomicUsize>,
}

impl Server {
    pub fn start(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let server = Self { address: listener.local_addr().unwrap(), requests: Arc::default(), connections: Arc::default() };
        let (requests, connections, answer) = (server.requests.clone(), server.connections.clone(), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                connections.fetch_add(1, Ordering::SeqCst);
                let (requests, answer) = (requests.clone(), answer.clone());
                thread::spawn(move || serve(stream, &requests, &*answer));
            }
        });
        server
    }

    pub fn first_request(&self) -> String {
        self.requests.lock().unwrap()[0].clone()
    }
}

fn serve(mut stream: TcpStream, requests: &Mutex<Vec<String>>, answer: &dyn Fn(&str) -> Answer) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while stream.read(&mut byte).is_ok_and(|read| read == 1) {
        head.push(byte[0]);
        if !head.ends_with(b"\r\n\r\n") {
            continue;
        }
        let text = String::from_utf8_lossy(&std::mem::take(&mut head)).into_owned();
        requests.lock().unwrap().push(text.clone());
        match answer(&text) {
            Answer::Raw(bytes) if stream.write_all(&bytes).is_ok() => {}
            Answer::Silence => {}
            Answer::Raw(_) => return,
            Answer::Endless(bytes) => while stream.write_all(&bytes).is_ok() {},
        }
    }
}
