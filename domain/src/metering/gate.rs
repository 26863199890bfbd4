//! The gate: the rules of BILLING §3 by which one reading is judged against
//! its accepted neighbours in time. Pure functions of integers.

use std::sync::Arc;

use super::error::{MeteringError, Reason, TableReading};
use crate::event::{MeterInstalled, PointId};
use crate::quantity::{Energy, Instant, Power, UNITS_PER_ONE, floor_div, to_units};

/// A reading this much later than it was received is from the future.
pub(super) const FUTURE_S: i64 = 300;
/// A time shorter than this counts as this.
const SHORTEST_STEP_S: i64 = 60;
/// Registers lie within ±2^53 mWh, unwrapped too.
pub(super) const REGISTER_BOUND: i64 = 1 << 53;
/// A multiplier is at most a million.
const MULTIPLIER_BOUND: i128 = 1_000_000 * UNITS_PER_ONE;
/// Energies are clamped to ±2^62 mWh, so that differences fit; no real register comes near.
const ENERGY_BOUND: i128 = 1 << 62;

/// A meter's table, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// When the table became known.
    pub received: Instant,
    /// From when it measures.
    pub installed: Instant,
    /// Until when, if it was taken out.
    pub removed: Option<Instant>,
    /// Where it measures.
    pub point: PointId,
    /// As engraved.
    pub serial: Option<Arc<str>>,
    /// Energy for a step of the register, in units of 10⁻⁸.
    pub multiplier_units: i128,
    /// Where the register wraps to 0, in mWh.
    pub modulus_mwh: Option<i64>,
    /// More power than this is not believed, in mW.
    pub max_mw: Option<i64>,
    /// Register at installation, in mWh.
    pub start_mwh: Option<i64>,
    /// Register at removal, in mWh.
    pub final_mwh: Option<i64>,
}

impl Installation {
    /// Of a meter's table as it stands in the log.
    pub fn try_new(table: &MeterInstalled, received: Instant) -> Result<Self, MeteringError> {
        let wrong = |key, why| MeteringError::Table { meter: table.id.clone(), key, why };
        let kwh = |key, value: Option<rust_decimal::Decimal>, least: i64| {
            let checked = |value| Energy::from_kwh(value).map(Energy::get).filter(|mwh| *mwh >= least);
            value
                .map(|value| {
                    checked(value)
                        .ok_or_else(|| wrong(key, "kWh have at most 6 decimals, no sign, and are less than 2^53 mWh"))
                })
                .transpose()
        };
        let multiplier_units = to_units(table.multiplier)
            .filter(|units| (1..=MULTIPLIER_BOUND).contains(units))
            .ok_or_else(|| wrong("multiplier", "it is positive, at most 1,000,000, with at most 8 decimals"))?;
        let max_mw = table
            .max_kw
            .map(|kw| {
                Power::from_kw(kw)
                    .map(Power::get)
                    .filter(|mw| *mw >= 0)
                    .ok_or_else(|| wrong("max_kw", "kW have at most 6 decimals and no sign"))
            })
            .transpose()?;
        if table.removed.is_some_and(|removed| removed < table.installed) {
            return Err(wrong("removed", "it is before installed"));
        }
        if table.final_kwh.is_some() && table.removed.is_none() {
            return Err(wrong("final_kwh", "the meter is not removed"));
        }
        Ok(Self {
            received,
            installed: table.installed,
            removed: table.removed,
            point: table.point.clone(),
            serial: table.serial.as_deref().map(Arc::from),
            multiplier_units,
            modulus_mwh: kwh("modulus_kwh", table.modulus_kwh, 1)?,
            max_mw,
            start_mwh: kwh("start_kwh", table.start_kwh, 0)?,
            final_mwh: kwh("final_kwh", table.final_kwh, 0)?,
        })
    }

    /// Whether it measures at an instant: `installed <= at < removed`.
    pub fn holds(&self, at: Instant) -> bool {
        self.installed <= at && self.removed.is_none_or(|removed| at < removed)
    }

    /// `floor(multiplier × register)`, in mWh.
    pub fn energy_of(&self, register_mwh: i64) -> i64 {
        if self.multiplier_units == UNITS_PER_ONE {
            return register_mwh;
        }
        let product = self.multiplier_units.checked_mul(register_mwh.into()).expect("10^14 × 2^53 fits i128");
        let energy = floor_div(product, UNITS_PER_ONE).clamp(-ENERGY_BOUND, ENERGY_BOUND);
        i64::try_from(energy).expect("clamped to 2^62")
    }

    /// The reading that the table itself states, and its instant.
    pub(super) fn reading(&self, which: TableReading) -> Option<(Instant, i64)> {
        match which {
            TableReading::Start => Some((self.installed, self.start_mwh?)),
            TableReading::Final => Some((self.removed?, self.final_mwh?)),
        }
    }
}

/// An accepted reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Accepted {
    pub(super) time: i64,
    /// As sent, in mWh.
    pub(super) sent: i64,
    /// Unwrapped, in mWh.
    pub(super) register: i64,
}

/// The accepted neighbours of an instant, and where it stands among them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Near {
    pub(super) before: Option<Accepted>,
    pub(super) at: Option<Accepted>,
    pub(super) after: Option<Accepted>,
    pub(super) index: usize,
}

/// What becomes of a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Accepted { wraps: i32 },
    Duplicate,
    Quarantined(Reason),
}

/// The reasons that need no neighbour: time is outside the installation or in the future.
pub(super) fn misplaced(table: &Installation, time: i64, received: i64) -> Option<Reason> {
    if time < table.installed.get() {
        Some(Reason::BeforeInstallation)
    } else if table.removed.is_some_and(|removed| time > removed.get()) {
        Some(Reason::AfterRemoval)
    } else if time.saturating_sub(received) > FUTURE_S {
        Some(Reason::Future)
    } else {
        None
    }
}

/// The register of a reading, unwrapped: the multiple of the modulus is added
/// that brings it nearest to its neighbour, the higher of two. `None` where
/// that is out of bounds.
pub(super) fn unwrap(modulus: Option<i64>, sent: i64, near: &Near) -> Option<(i32, i64)> {
    let (Some(modulus), Some(neighbour)) = (modulus, near.before.or(near.after)) else { return Some((0, sent)) };
    let modulus = i128::from(modulus);
    let distance = i128::from(neighbour.register).checked_sub(sent.into())?;
    let wraps = floor_div(distance.checked_mul(2)?.checked_add(modulus)?, modulus.checked_mul(2)?);
    let register = i64::try_from(wraps.checked_mul(modulus)?.checked_add(sent.into())?).ok()?;
    (register.unsigned_abs() < REGISTER_BOUND.unsigned_abs()).then_some((i32::try_from(wraps).ok()?, register))
}

/// The register with the wraps that it was accepted with.
pub(super) fn rewrap(modulus: Option<i64>, sent: i64, wraps: i32) -> i64 {
    if wraps == 0 {
        return sent;
    }
    modulus
        .and_then(|modulus| modulus.checked_mul(wraps.into())?.checked_add(sent))
        .expect("it was within bounds when it was accepted")
}

/// A number within the installation against its accepted neighbours.
pub(super) fn compare(table: &Installation, time: i64, sent: i64, near: &Near) -> Verdict {
    if let Some(at) = near.at {
        return if at.sent == sent { Verdict::Duplicate } else { Verdict::Quarantined(Reason::Conflict) };
    }
    if sent == 0 && near.before.or(near.after).is_some_and(|neighbour| neighbour.sent != 0) {
        return Verdict::Quarantined(Reason::GhostZero);
    }
    let Some((wraps, register)) = unwrap(table.modulus_mwh, sent, near) else {
        return Verdict::Quarantined(Reason::NotANumber);
    };
    if decreases(register, near) {
        return Verdict::Quarantined(Reason::Backwards);
    }
    let from_before = near.before.is_some_and(|before| too_fast(table, before.time, before.register, time, register));
    if from_before || near.after.is_some_and(|after| too_fast(table, time, register, after.time, after.register)) {
        return Verdict::Quarantined(Reason::TooFast);
    }
    Verdict::Accepted { wraps }
}

/// Whether the register would decrease with this one.
pub(super) fn decreases(register: i64, near: &Near) -> bool {
    near.before.is_some_and(|before| register < before.register)
        || near.after.is_some_and(|after| register > after.register)
}

/// Whether `multiplier × step ÷ time` is more than the meter's power.
pub(super) fn too_fast(table: &Installation, from: i64, low: i64, to: i64, high: i64) -> bool {
    let Some(max_mw) = table.max_mw else { return false };
    let seconds = to.saturating_sub(from).max(SHORTEST_STEP_S);
    let step = high.saturating_sub(low);
    let energy = i128::from(step).checked_mul(3600).and_then(|e| e.checked_mul(table.multiplier_units));
    let bound = i128::from(max_mw).checked_mul(seconds.into()).and_then(|e| e.checked_mul(UNITS_PER_ONE));
    energy.expect("2^54 × 3600 × 10^14 fits i128") > bound.expect("2^53 × 2^35 × 10^8 fits i128")
}
