//! What comes by itself: files in a folder, frames of a broker. Each has a
//! thread, and a source that fails is tried again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use adapters::inbox::JetStreamInbox;
use adapters::intake::Intake;

use super::collector::{CollectError, Heard};
use super::config::{Broker, Config};
use super::csv_folder::CsvFolder;
use super::mqtt::{FrameError, Turn};

/// Between two looks at a folder: a file must rest so long.
const FOLDER: Duration = Duration::from_secs(1);
/// Between two looks at a broker.
const BROKER: Duration = Duration::from_millis(250);
/// After a failure.
const AGAIN: Duration = Duration::from_secs(5);

/// A source.
pub(super) enum Source {
    Folder(CsvFolder, String),
    Broker(Box<Broker>),
}

/// The sources of a collector's file.
pub(super) fn sources(config: &Config) -> Result<Vec<Source>, CollectError> {
    let mut all = Vec::new();
    for folder in &config.csv {
        std::fs::create_dir_all(folder)?;
        let watched = CsvFolder::new(folder, config.site.clone(), &config.collector);
        all.push(Source::Folder(watched, folder.display().to_string()));
    }
    all.extend(config.mqtt.iter().map(|broker| Source::Broker(Box::new(broker.clone()))));
    Ok(all)
}

impl Source {
    pub(super) fn run(mut self, mut intake: Box<dyn Intake>, stop: &AtomicBool, heard: &dyn Fn(Heard<'_>)) {
        while !stop.load(Ordering::SeqCst) {
            let pause = match &mut self {
                Self::Folder(folder, name) => look(folder, name, intake.as_mut(), heard),
                Self::Broker(broker) => listen(broker, intake.as_mut(), stop, heard),
            };
            rest(pause, stop);
        }
    }
}

fn look(folder: &mut CsvFolder, source: &str, intake: &mut dyn Intake, heard: &dyn Fn(Heard<'_>)) -> Duration {
    match folder.look(intake) {
        Ok(files) => {
            for file in files {
                let source = format!("{source}/{}", file.name);
                heard(Heard::Taken { source: &source, readings: file.readings, refused: file.rejected });
            }
            FOLDER
        }
        Err(error) => {
            heard(Heard::Failed { source, error: &error });
            AGAIN
        }
    }
}

/// One connection, until it fails.
fn listen(broker: &Broker, intake: &mut dyn Intake, stop: &AtomicBool, heard: &dyn Fn(Heard<'_>)) -> Duration {
    let source = broker.frames.name.as_str();
    let mut session = || -> Result<(), FrameError> {
        let mut inbox = JetStreamInbox::open(&broker.server, &broker.topics)?;
        while !stop.load(Ordering::SeqCst) {
            let turn = broker.frames.turn(&mut inbox, intake)?;
            if turn == Turn::default() {
                rest(BROKER, stop);
            } else {
                heard(Heard::Taken { source, readings: turn.readings, refused: turn.refused });
            }
        }
        Ok(())
    };
    match session() {
        Ok(()) => Duration::ZERO,
        Err(error) => {
            heard(Heard::Failed { source, error: &error });
            AGAIN
        }
    }
}

/// Sleeps, and looks at `stop` meanwhile.
pub(super) fn rest(pause: Duration, stop: &AtomicBool) {
    let mut left = pause;
    while !left.is_zero() && !stop.load(Ordering::SeqCst) {
        let step = left.min(Duration::from_millis(100));
        std::thread::sleep(step);
        left = left.saturating_sub(step);
    }
}
