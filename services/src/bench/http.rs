//! A small HTTP client: requests one after another over a connection, and streams of events that are held.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// Room for what is read: little, because thousands of streams are held.
const ROOM: usize = 2_048;

/// A connection, and whose it is.
#[derive(Debug)]
pub(super) struct Line {
    stream: BufReader<TcpStream>,
    cookie: String,
}

fn broken(what: &str) -> io::Error {
    io::Error::other(format!("the answer is broken: {what}"))
}

impl Line {
    /// Opens a connection of a session.
    pub(super) async fn open(address: SocketAddr, cookie: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::with_capacity(ROOM, stream), cookie: cookie.to_owned() })
    }

    async fn ask(&mut self, path: &str, accept: &str) -> io::Result<()> {
        let head = format!("GET {path} HTTP/1.1\r\nhost: bench\r\naccept: {accept}\r\ncookie: {}\r\n\r\n", self.cookie);
        self.stream.get_mut().write_all(head.as_bytes()).await
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        if self.stream.read_until(b'\n', &mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    /// The headers of an answer that is no error: how long it is, if it says so.
    async fn head(&mut self) -> io::Result<Option<usize>> {
        let status = self.line().await?;
        if !status.starts_with("HTTP/1.1 200") {
            return Err(broken(&status));
        }
        let mut length = None;
        loop {
            let line = self.line().await?.to_ascii_lowercase();
            if line.is_empty() {
                return Ok(length);
            }
            if let Some(text) = line.strip_prefix("content-length:") {
                length = Some(text.trim().parse().map_err(|_| broken("its length"))?);
            }
        }
    }

    async fn skip(&mut self, bytes: usize) -> io::Result<()> {
        let mut body = vec![0; bytes];
        self.stream.read_exact(&mut body).await.map(drop)
    }

    /// Asks for a page; how many bytes it has.
    pub(super) async fn get(&mut self, path: &str) -> io::Result<usize> {
        self.ask(path, "text/html").await?;
        if let Some(length) = self.head().await? {
            self.skip(length).await?;
            return Ok(length);
        }
        let mut all = 0usize;
        loop {
            let size = usize::from_str_radix(&self.line().await?, 16).map_err(|_| broken("a chunk"))?;
            self.skip(size.saturating_add(2)).await?;
            all = all.saturating_add(size);
            if size == 0 {
                return Ok(all);
            }
        }
    }

    /// Asks for a stream of events.
    pub(super) async fn listen(&mut self, path: &str) -> io::Result<()> {
        self.ask(path, "text/event-stream").await?;
        self.head().await.map(drop)
    }

    /// Waits for the next event with data.
    pub(super) async fn event(&mut self) -> io::Result<()> {
        while !self.line().await?.starts_with("data:") {}
        // The rest of it, up to the empty line that ends it.
        while !self.line().await?.is_empty() {}
        Ok(())
    }
}
