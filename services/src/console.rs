//! The one place that writes to the terminal.

use crate::exit::Failure;
use std::{
    error::Error,
    io::{self, IsTerminal, Write},
    sync::{Arc, Mutex},
};

/// What was written, shared with who wrote it.
#[derive(Debug, Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().map_err(|_| io::ErrorKind::Other)?.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A stream of lines for a person or a script.
pub struct Console {
    out: Box<dyn Write>,
    terminal: bool,
}

impl Console {
    /// Results.
    pub fn stdout() -> Self {
        Self { terminal: io::stdout().is_terminal(), out: Box::new(io::stdout()) }
    }

    /// Errors and progress.
    pub fn stderr() -> Self {
        Self { terminal: io::stderr().is_terminal(), out: Box::new(io::stderr()) }
    }

    /// Any other stream, such as a test's buffer.
    pub fn to(out: impl Write + 'static) -> Self {
        Self { out: Box::new(out), terminal: false }
    }

    /// Calls something with a console: what it gave, and the lines that it wrote there.
    pub fn collect<T>(call: impl FnOnce(&mut Self) -> T) -> (T, Vec<String>) {
        let (said, mut heard) = (Kept::default(), String::new());
        let given = call(&mut Self::to(said.clone()));
        if let Ok(bytes) = said.0.lock() {
            heard = String::from_utf8_lossy(&bytes).into_owned();
        }
        (given, heard.lines().map(str::to_owned).collect())
    }

    /// Writes one line. A reader that went away (`| head`) is no failure of
    /// the command, whose files are written all the same.
    pub fn line(&mut self, text: impl AsRef<str>) {
        if writeln!(self.out, "{}", text.as_ref()).is_err() {
            self.out = Box::new(io::sink());
        }
    }

    /// Whether a person looks at it.
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Writes text as it is and at once: what a screen is redrawn with.
    pub fn frame(&mut self, text: &str) {
        if self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()).is_err() {
            self.out = Box::new(io::sink());
        }
    }

    /// Writes an error, its sources, and how to mend it, unless it says so itself.
    pub fn failure(&mut self, failure: &Failure) {
        let mut text = failure.error.to_string();
        let mut next: Option<&(dyn Error + 'static)> = failure.error.source();
        while let Some(source) = next {
            text.push_str(": ");
            text.push_str(&source.to_string());
            next = source.source();
        }
        self.line(format!("error: {text}"));
        if !text.contains("; mend: ") {
            self.line(format!("mend: {}", failure.mend));
        }
    }
}
