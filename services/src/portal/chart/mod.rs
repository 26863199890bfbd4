//! Charts as SVG, drawn by the server: readable without script and on paper.
//! Places are in per cent of the picture, so that it fits any width; a period has
//! its colour, its pattern and its name.
//!
//! Reading order: `scale` (what the axis shows), `bars` (stacked bars).

mod bars;
mod scale;

pub(super) use bars::{Axis, Bar, Bars, Part, Swatch, tone};
pub(super) use scale::part_of;
