//! The working of a line, step by step, before it has a language.

use std::fmt;

use domain::event::{Component, RoundingMode, SortedLineKey, Unit};

use crate::told::{Told, told};

/// A step of a working.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// How far it belongs under what stands above, from 0.
    pub depth: usize,
    /// What it says.
    pub told: Told,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", "  ".repeat(self.depth), self.told.english())
    }
}

/// Steps as they are said.
#[derive(Debug, Default)]
pub(super) struct Steps(pub(super) Vec<Step>);

impl Steps {
    /// Says one more.
    pub(super) fn say(&mut self, depth: usize, told: Told) {
        self.0.push(Step { depth, told });
    }
}

/// A line's name: its component, its own name, period and tier.
pub(super) fn name_of(key: &SortedLineKey) -> Told {
    let own = [key.name.clone(), key.period.clone(), key.tier.map(|tier| tier.to_string())];
    let own: Vec<String> = own.into_iter().flatten().collect();
    let own = (!own.is_empty()).then(|| told("working-own").with("text", own.join(" ")));
    told("working-name").with("component", component(key.component)).with("own", own)
}

const fn component(component: Component) -> Told {
    match component {
        Component::Energy => told("working-energy"),
        Component::Adder => told("working-adder"),
        Component::Demand => told("working-demand"),
        Component::Fixed => told("working-fixed"),
        Component::Minimum => told("working-minimum"),
        Component::Surcharge => told("working-surcharge"),
        Component::Rounding => told("working-rounding"),
    }
}

/// The unit of a quantity, as it is written after it.
pub(super) const fn unit_of(unit: Unit) -> Option<Told> {
    match unit {
        Unit::Kwh => Some(told("after-kwh")),
        Unit::Kw => Some(told("after-kw")),
        Unit::Day => Some(told("after-day")),
        Unit::Month => Some(told("after-month")),
        Unit::Amount => None,
    }
}

/// Which way a line is rounded.
pub(super) const fn way(mode: RoundingMode) -> Told {
    match mode {
        RoundingMode::HalfUp => told("round-half-up"),
        RoundingMode::HalfEven => told("round-half-even"),
        RoundingMode::Down => told("round-down"),
        RoundingMode::Up => told("round-up"),
    }
}
