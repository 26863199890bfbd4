//! Rating: the slices of a point's or pool's month become lines (BILLING §4, §5).

mod counter;
mod demand;
mod energy;
mod facts;
mod line;
pub mod load;
mod month_shape;
mod point_month;
mod surcharge;

pub use counter::Counters;
pub use demand::{Peak, highest};
pub use energy::{EnergyLines, RatedEnergy};
pub use facts::{Carry, Facts};
pub use line::{Line, LineKeyExt, amount_of_days, amount_of_energy, energy_key, named_key};
pub use month_shape::MonthShape;
pub(crate) use point_month::fixed_line;
pub use point_month::{Horizon, PointMonth, PointSlice};
pub(crate) use surcharge::complete;
pub use surcharge::lines_under;
