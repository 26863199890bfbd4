//! A line that the protocol's crate and we hold together, so that what comes
//! unasked can be thrown away.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;

/// A socket or a port.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug> Wire for T {}

/// One of the two hands.
#[derive(Debug, Clone)]
pub(super) struct Line(Arc<Mutex<Box<dyn Wire>>>);

impl Line {
    pub(super) fn new(wire: impl Wire + 'static) -> Self {
        Self(Arc::new(Mutex::new(Box::new(wire))))
    }

    fn wire(&self) -> io::Result<MutexGuard<'_, Box<dyn Wire>>> {
        self.0.lock().map_err(|_| io::Error::other("another hand of this line panicked"))
    }

    /// Throws away what comes until nothing came for `quiet`. A line that
    /// talks on for `limit` is no line to ask anything on.
    pub(super) async fn drain(&self, quiet: Duration, limit: Duration) -> io::Result<()> {
        let until_quiet = async {
            let mut waste = [0u8; 256];
            loop {
                let read = poll_fn(|context| {
                    let mut buffer = ReadBuf::new(&mut waste);
                    match Pin::new(&mut **self.wire()?).poll_read(context, &mut buffer) {
                        Poll::Ready(read) => Poll::Ready(read.map(|()| buffer.filled().len())),
                        Poll::Pending => Poll::Pending,
                    }
                });
                match timeout(quiet, read).await {
                    Err(_) => return Ok(()),
                    Ok(Ok(0)) => return Err(io::ErrorKind::UnexpectedEof.into()),
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => return Err(error),
                }
            }
        };
        timeout(limit, until_quiet).await.unwrap_or_else(|_| Err(io::Error::other("line does not fall quiet")))
    }
}

impl AsyncRead for Line {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut **self.wire()?).poll_read(context, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut **self.wire()?).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut **self.wire()?).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut **self.wire()?).poll_shutdown(context)
    }
}
