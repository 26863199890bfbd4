//! A peer over plain HTTP: a small server that answers by a function, and a client.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use anyhow::Context as _;

/// A request: its first line, its headers with names in lower case, its body.
#[derive(Debug, Clone)]
pub struct Request {
    /// Such as `GET /v1/refunds HTTP/1.1`.
    pub line: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// As it came.
    pub body: Vec<u8>,
}

impl Request {
    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
    }

    /// The path with its query.
    pub fn path(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }
}

/// An answer: status, headers, body.
pub type Answer = (u16, Vec<(String, String)>, String);

/// A server on a port of its own. It answers as long as the process lives.
#[derive(Debug)]
pub struct Peer {
    /// Where.
    pub at: SocketAddr,
    /// What was asked so far.
    pub asked: Arc<Mutex<Vec<Request>>>,
}

impl Peer {
    /// Starts it.
    pub fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (at, asked) = (listener.local_addr()?, Arc::new(Mutex::new(Vec::new())));
        let kept = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Ok((request, mut stream)) = read(stream) else { continue };
                let (status, headers, body) = answer(&request);
                kept.lock().expect("no panic").push(request);
                let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
                let length = body.len();
                // A client that is gone has its answer no more.
                write!(
                    stream,
                    "HTTP/1.1 {status} x\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
                )
                .ok();
            }
        });
        Ok(Self { at, asked })
    }
}

fn read(stream: TcpStream) -> anyhow::Result<(Request, TcpStream)> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").map_or(Ok(0), |(_, text)| text.parse())?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok((Request { line: line.trim().to_owned(), headers, body }, reader.into_inner()))
}

/// Posts; the status and the body of the answer.
pub fn post(at: SocketAddr, path: &str, headers: &[(String, String)], body: &str) -> anyhow::Result<(u16, String)> {
    let mut stream = TcpStream::connect(at)?;
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: x\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let status = text.split(' ').nth(1).context("a status")?.parse()?;
    let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
    Ok((status, body))
}
