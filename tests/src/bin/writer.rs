//! Appends numbered batches to the log in the file of its first argument and
//! prints the last sequence of each when it is acknowledged, until it is killed.

use std::io::Write as _;
use std::path::Path;

use adapters::event_log::{EmbeddedLog, EventLog as _};
use tests::events::numbered;

fn main() -> anyhow::Result<()> {
    let path = std::env::args().nth(1).ok_or_else(|| anyhow::anyhow!("usage: writer LOG"))?;
    let mut log = EmbeddedLog::open(Path::new(&path))?;
    let mut out = std::io::stdout().lock();
    loop {
        let head = log.head()?;
        // Sizes 1, 2, … 7: a torn batch shows as a head that no acknowledgement explains.
        let batch: Vec<_> = (head.0 + 1..=head.0 + 1 + head.0 % 7).map(numbered).collect();
        let last = log.append(head, &batch)?.pop().map_or(0, |sequence| sequence.0);
        writeln!(out, "{last}")?;
        out.flush()?;
    }
}
