//! The one place that writes to the terminal.

use crate::exit::Failure;
use std::{
    error::Error,
    io::{self, IsTerminal, Write},
};

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
