//! Energy of points, from the curves of their meters (BILLING §3).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::event::{PointId, PointKind, PointRegistered, SliceRegister, TariffId};
use crate::metering::{MeterRegister, Metering};
use crate::premises::Premises;
use crate::quantity::{Date, Energy, Instant};
use crate::tariff::{PeriodCut, Tariff, period_cuts};

/// A tariff version, and a day up to an instant.
type CutDay = (TariffId, i64, Date, Instant);

/// The facts that rating looks at.
#[derive(Debug)]
pub struct Facts<'a> {
    /// What is in force.
    pub premises: &'a Premises,
    /// The curves.
    pub metering: &'a Metering,
    registers: BTreeMap<&'a PointId, Vec<MeterRegister<'a>>>,
    /// The cuts of a day by a tariff version up to an instant: most points share theirs.
    cuts: RefCell<BTreeMap<CutDay, Rc<[PeriodCut]>>>,
}

/// Negative slices of virtual points, carried into the following ones of the month.
pub type Carry = BTreeMap<PointId, Energy>;

impl<'a> Facts<'a> {
    /// The facts of a site.
    pub fn new(premises: &'a Premises, metering: &'a Metering) -> Self {
        let mut registers: BTreeMap<&PointId, Vec<MeterRegister<'a>>> = BTreeMap::new();
        for meter in premises.meters.values() {
            registers.entry(&meter.point).or_default().extend(metering.register(&meter.id));
        }
        Self { premises, metering, registers, cuts: RefCell::default() }
    }

    /// The cuts of a day by the periods of a tariff version, up to `end`.
    pub fn period_cuts(&self, tariff: Option<&Tariff>, day: Date, end: Instant) -> Rc<[PeriodCut]> {
        let premises = self.premises;
        let Some(tariff) = tariff else {
            return Rc::new([PeriodCut { from: premises.calendar.start_of(day), until: end, period: 0 }]);
        };
        let key = (tariff.id.clone(), tariff.version, day, end);
        if let Some(known) = self.cuts.borrow().get(&key) {
            return known.clone();
        }
        let start = premises.calendar.start_of(day);
        let cuts: Rc<[PeriodCut]> = period_cuts(tariff, &premises.calendar, &premises.holidays, start, end).into();
        self.cuts.borrow_mut().insert(key, cuts.clone());
        cuts
    }

    /// The curves of a metered point.
    pub fn registers(&self, point: &PointId) -> impl Iterator<Item = MeterRegister<'a>> {
        self.registers.get(point).into_iter().flatten().copied()
    }

    fn metered(&self, point: &PointId, a: Instant, b: Instant) -> Energy {
        self.registers(point).map(|register| register.energy(a, b)).sum()
    }

    fn members<'p>(&'p self, point: &'p PointId) -> Option<&'p PointRegistered> {
        self.premises.points.get(point).filter(|one| one.kind == PointKind::Virtual)
    }

    /// The energy of a point over a slice, and whether it is interpolated.
    pub fn slice(&self, point: &PointId, a: Instant, b: Instant, max_gap_s: i64, carry: &mut Carry) -> (Energy, bool) {
        let interpolated = |id: &PointId| self.registers(id).any(|register| register.interpolated(a, b, max_gap_s));
        let Some(formula) = self.members(point) else {
            return (self.metered(point, a, b), interpolated(point));
        };
        let waits = |id: &PointId| {
            self.registers(id).any(|register| register.installed_at(b))
                && !self.registers(id).any(|register| register.has_reading_at_or_after(b))
        };
        if formula.formula.iter().any(|term| waits(&term.point)) {
            return (Energy::ZERO, false);
        }
        let signed = formula.formula.iter().map(|term| {
            let energy = self.metered(&term.point, a, b);
            if term.minus { -energy } else { energy }
        });
        let left = carry.entry(point.clone()).or_default();
        let energy = signed.sum::<Energy>() + *left;
        *left = energy.min(Energy::ZERO);
        (energy.max(Energy::ZERO), formula.formula.iter().any(|term| interpolated(&term.point)))
    }

    /// Whether a point has no accepted reading at or after an instant.
    pub fn silent_at(&self, point: &PointId, at: Instant) -> bool {
        match self.members(point) {
            Some(formula) => formula.formula.iter().any(|term| self.silent_at(&term.point, at)),
            None => !self.registers(point).any(|register| register.has_reading_at_or_after(at)),
        }
    }

    /// The registers that a slice is the difference of.
    pub fn slice_registers(&self, point: &PointId, a: Instant, b: Instant) -> Vec<SliceRegister> {
        let points: Vec<&PointId> = match self.members(point) {
            Some(formula) => formula.formula.iter().map(|term| &term.point).collect(),
            None => vec![point],
        };
        let registers = points.into_iter().flat_map(|id| self.registers(id));
        registers
            .filter(|register| register.energy(a, b) != Energy::ZERO)
            .map(|register| {
                let mut sources: Vec<u64> = register.sources(a).chain(register.sources(b)).collect();
                sources.sort_unstable();
                sources.dedup();
                SliceRegister {
                    end_mwh: register.register_at(b),
                    meter: register.id().clone(),
                    sources,
                    start_mwh: register.register_at(a),
                }
            })
            .collect()
    }
}
