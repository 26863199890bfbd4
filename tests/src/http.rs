//! A client for the service's HTTP: a connection for each request.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers, in lower case.
    pub headers: BTreeMap<String, String>,
    /// Its body.
    pub body: String,
    /// The same as it came; of a head alone nothing.
    pub bytes: Vec<u8>,
}

impl Answer {
    /// Its body as JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.body).with_context(|| format!("{}: {}", self.status, self.body))
    }

    /// The code of a problem.
    pub fn code(&self) -> String {
        self.json().ok().and_then(|body| Some(body.get("code")?.as_str()?.to_owned())).unwrap_or_default()
    }
}

/// Opens a connection and sends a request.
pub fn send(at: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> Result<TcpStream> {
    send_body(at, method, path, headers, "")
}

fn send_body(at: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(at)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let head = format!("host: {at}\r\nconnection: close\r\ncontent-length: {length}\r\n{lines}");
    write!(stream, "{method} {path} HTTP/1.1\r\n{head}\r\n{body}")?;
    Ok(stream)
}

/// Asks, and reads the answer to its end.
pub fn ask(at: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> Result<Answer> {
    read(send(at, method, path, headers)?)
}

/// Writes a JSON body with headers of the caller's own, and reads the answer to its end.
pub fn write(at: SocketAddr, path: &str, headers: &[(&str, &str)], body: &Value) -> Result<Answer> {
    read(send_body(at, "POST", path, headers, &body.to_string())?)
}

/// Writes with a token and a key.
pub fn post(at: SocketAddr, path: &str, token: &str, key: &str, body: &Value) -> Result<Answer> {
    write(at, path, &[("authorization", &format!("Bearer {token}")), ("idempotency-key", key)], body)
}

/// Sends a form, as a page of the portal does.
pub fn submit(at: SocketAddr, path: &str, cookie: &str, form: &[(&str, &str)]) -> Result<Answer> {
    let pairs: Vec<String> = form.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let session = format!("tw_session={cookie}");
    read(send_body(at, "POST", path, &[kind, ("cookie", &session)], &pairs.join("&"))?)
}

/// As a form sends it.
fn encoded(text: &str) -> String {
    let byte = |one: u8| match one {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(one).to_string(),
        _ => format!("%{one:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// Reads a page of the portal.
pub fn page(at: SocketAddr, path: &str, cookie: &str) -> Result<Answer> {
    ask(at, "GET", path, &[("cookie", &format!("tw_session={cookie}"))])
}

fn read(mut stream: TcpStream) -> Result<Answer> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").context("an answer has a head")?;
    let head = String::from_utf8(bytes[..end].to_vec())?;
    let chunked = head.to_lowercase().contains("transfer-encoding: chunked");
    let body = bytes.split_off(end + 4);
    let bytes = if chunked { joined(&body)? } else { body };
    let body = String::from_utf8_lossy(&bytes).into_owned();
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).context("a status")?.parse()?;
    let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    Ok(Answer { status, headers: lines.filter_map(header).collect(), body, bytes })
}

/// A body that came in chunks; one that was cut off is an error.
fn joined(mut rest: &[u8]) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n").context("the body was cut off")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end])?, 16)?;
        if size == 0 {
            return Ok(body);
        }
        body.extend(rest.get(end + 2..end + 2 + size).context("the body was cut off")?);
        rest = rest.get(end + 2 + size + 2..).context("the body was cut off")?;
    }
}

/// Reads with a token.
pub fn get(at: SocketAddr, path: &str, token: &str) -> Result<Answer> {
    ask(at, "GET", path, &[("authorization", &format!("Bearer {token}"))])
}

/// Reads the head of an answer that does not end.
pub fn head(at: SocketAddr, path: &str, token: &str) -> Result<Answer> {
    head_with(at, path, &[("authorization", &format!("Bearer {token}"))])
}

/// As `head`, with any headers.
pub fn head_with(at: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Result<Answer> {
    let stream = send(at, "GET", path, headers)?;
    let mut lines = BufReader::new(stream).lines();
    let status = lines.next().context("a status")??;
    let status = status.split(' ').nth(1).context("a status")?.parse()?;
    let mut headers = BTreeMap::new();
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    Ok(Answer { status, headers, body: String::new(), bytes: Vec::new() })
}
