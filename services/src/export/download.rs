//! An export for whoever is elsewhere: it is made while it is sent, and not made on when nobody takes it.

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use domain::event::SiteId;
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::SendTimeoutError;
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::{Request, ScanError, Source, prepare};
use crate::exit::{Exit, Failure};

/// A piece has at most so many bytes.
const PIECE: usize = 65_536;
/// So many pieces wait for whoever takes them.
const AHEAD: usize = 4;
/// Who takes no piece for so long gets no more: another one waits for the slot.
const PATIENCE: Duration = Duration::from_secs(60);
/// So many are made at a time: each reads the log three times.
static SLOTS: Semaphore = Semaphore::const_new(4);

/// An export's bytes, piece by piece. An error ends it: what came before is not all of it.
pub type Pieces = mpsc::Receiver<io::Result<Vec<u8>>>;

struct To {
    pieces: mpsc::Sender<io::Result<Vec<u8>>>,
    runtime: Handle,
    patience: Duration,
}

impl Write for To {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = bytes.get(..bytes.len().min(PIECE)).unwrap_or(bytes);
        let sent = self.pieces.send_timeout(Ok(piece.to_vec()), self.patience);
        self.runtime.block_on(sent).map_err(|error| match error {
            SendTimeoutError::Timeout(_) => io::Error::new(io::ErrorKind::TimedOut, "nobody takes it any more"),
            SendTimeoutError::Closed(_) => io::Error::from(io::ErrorKind::BrokenPipe),
        })?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Begins an export of a site's log: what is refused is refused before the first piece.
pub async fn download(request: Request, log: String, site: SiteId) -> Result<Pieces, Failure> {
    stream(move |begin, to| {
        let source = Source { dir: Path::new(""), log: Some(&log), site: Some(&site) };
        match prepare(&request, source) {
            Ok(prepared) if begin(Ok(())) => prepared.write(to),
            Ok(_) => Ok(()),
            Err(failure) => {
                begin(Err(failure));
                Ok(())
            }
        }
    })
    .await
}

/// Says whether there will be something; false where nobody waits for it any more.
type Begin<'a> = &'a mut dyn FnMut(Result<(), Failure>) -> bool;

/// Begins what is made while it is sent: `make` says first whether it begins, then writes it.
pub(crate) async fn stream(
    make: impl FnOnce(Begin<'_>, &mut dyn Write) -> Result<(), ScanError> + Send + 'static,
) -> Result<Pieces, Failure> {
    let stopped = || Failure::new(Exit::Storage, "the service stops", "ask again");
    let slot = SLOTS.acquire().await.map_err(|_| stopped())?;
    let (ready, begun) = oneshot::channel();
    let (pieces, taken) = mpsc::channel(AHEAD.saturating_add(1));
    // There is always room to say that a file stopped: what ends without a word is whole.
    let last = pieces.clone().try_reserve_owned().map_err(|_| stopped())?;
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        let _held = slot;
        let mut ready = Some(ready);
        let mut begin = |outcome| ready.take().is_some_and(|ready| ready.send(outcome).is_ok());
        let to = To { pieces, runtime, patience: PATIENCE };
        let mut to = BufWriter::with_capacity(PIECE, to);
        let written = make(&mut begin, &mut to).and_then(|()| to.flush().map_err(ScanError::from));
        if let Err(error) = written {
            tracing::warn!(%error, "a file was not sent to its end");
            // Nothing comes after the word that it stopped.
            drop(to.into_parts());
            last.send(Err(io::Error::other("the file stopped")));
        }
    });
    begun.await.map_err(|_| stopped())??;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_nothing_keeps_no_slot() {
        // Its own thread keeps the time, as in a service.
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().expect("a runtime");
        let (pieces, mut taken) = mpsc::channel(1);
        let mut to = To { pieces, runtime: runtime.handle().clone(), patience: Duration::ZERO };
        assert_eq!(to.write(b"first").expect("there is room"), 5);
        assert_eq!(to.write(b"second").expect_err("nobody takes it").kind(), io::ErrorKind::TimedOut);
        assert_eq!(taken.try_recv().expect("it waits").expect("a piece"), b"first");
        drop(taken);
        assert_eq!(to.write(b"third").expect_err("nobody is there").kind(), io::ErrorKind::BrokenPipe);
    }
}
