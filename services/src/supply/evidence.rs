//! What was seen at a meter, as an event holds it.

use adapters::meter_bus::Contact;
use adapters::supply_switch::{Outcome, Verdict};
use domain::event::{OutputState, SwitchEvidence, SwitchFailure};
use domain::supply::Report;

/// The evidence of an outcome, and what it means.
pub(super) fn of(outcome: &Outcome) -> (SwitchEvidence, Report) {
    let evidence = SwitchEvidence {
        at: outcome.at,
        current_ma: outcome.current_ma,
        echoed: outcome.echoed,
        read_back: outcome.read_back.map(|side| match side {
            Contact::On => OutputState::Connected,
            Contact::Off => OutputState::Disconnected,
        }),
        sent: outcome.sent,
        serial: outcome.serial.clone(),
    };
    let report = match &outcome.verdict {
        Verdict::Confirmed => Report::Confirmed,
        Verdict::Expired => Report::Expired,
        Verdict::NoMeter => Report::Failed(SwitchFailure::NoMeter),
        Verdict::NoRelay => Report::Failed(SwitchFailure::NoRelay),
        Verdict::NoSerial => Report::Failed(SwitchFailure::NoSerial),
        Verdict::OtherDevice(_) => Report::Failed(SwitchFailure::OtherDevice),
        Verdict::NotRemote => Report::Failed(SwitchFailure::NotRemote),
        Verdict::Unreachable(_) => Report::Failed(SwitchFailure::Unreachable),
        Verdict::NotMoved => Report::Failed(SwitchFailure::NotMoved),
        Verdict::Welded(_) => Report::Failed(SwitchFailure::RelayWelded),
        Verdict::Unknown(_) => Report::Failed(SwitchFailure::Unknown),
    };
    (evidence, report)
}
