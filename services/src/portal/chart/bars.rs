//! Bars of energy, stacked by period.

use askama::Template;
use domain::quantity::Energy;

use super::scale::{HUNDRED, Scale, percent, share};
use crate::portal::show;

/// Colours and patterns that there are.
const TONES: u8 = 6;

/// A part of a bar: one period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::portal) struct Part {
    /// Colour and pattern.
    pub tone: u8,
    /// Energy.
    pub energy: Energy,
}

/// A bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::portal) struct Bar {
    /// What stands below it; empty for most bars of a dense chart.
    pub label: String,
    /// What it says when it is pointed at.
    pub title: String,
    /// From the axis up.
    pub parts: Vec<Part>,
    /// What it is compared with, if anything: drawn as a line.
    pub before: Option<Energy>,
}

/// What an axis says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::portal) enum Axis {
    /// Energy of a bar, in kWh.
    Energy,
    /// Mean power of bars of which so many are an hour, in kW.
    Power(i64),
}

impl Axis {
    /// A bar's energy by this axis: kWh or kW, in millionths.
    fn of(self, energy: Energy) -> i64 {
        match self {
            Self::Energy => energy.get(),
            Self::Power(an_hour) => energy.get().saturating_mul(an_hour),
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::Energy => "kWh",
            Self::Power(_) => "kW",
        }
    }

    /// A bar's energy as it is said, without the unit.
    pub(in crate::portal) fn said(self, energy: Energy) -> String {
        show::kwh(Energy::new(self.of(energy)))
    }
}

/// An entry of a legend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::portal) struct Swatch {
    /// Colour and pattern.
    pub tone: u8,
    /// The period's name.
    pub name: String,
}

struct Rect {
    class: u8,
    x: String,
    y: String,
    width: String,
    height: String,
    title: String,
    mwh: i64,
}

struct Mark {
    y: String,
    text: String,
}

struct Label {
    x: String,
    text: String,
}

struct Dash {
    from: String,
    to: String,
    y: String,
}

/// A chart of bars, ready to be written.
#[derive(Template)]
#[template(path = "chart/bars.html")]
pub(in crate::portal) struct Bars {
    name: String,
    unit: &'static str,
    marks: Vec<Mark>,
    rects: Vec<Rect>,
    labels: Vec<Label>,
    dashes: Vec<Dash>,
}

impl Bars {
    /// Draws bars side by side; `name` is the picture's name for who does not see it.
    pub(in crate::portal) fn draw(name: String, axis: Axis, bars: &[Bar]) -> Self {
        let total = |bar: &Bar| bar.parts.iter().map(|part| axis.of(part.energy)).sum::<i64>();
        let highest = bars.iter().map(|bar| total(bar).max(axis.of(bar.before.unwrap_or_default()))).max();
        let scale = Scale::over(highest.unwrap_or(0));
        let count = i64::try_from(bars.len()).unwrap_or(1).max(1);
        let (mut rects, mut labels, mut dashes) = (Vec::new(), Vec::new(), Vec::new());
        for (bar, at) in bars.iter().zip(0i64..) {
            let (left, right) = (share(at, count), share(at.saturating_add(1), count));
            let slot = right.saturating_sub(left);
            let gap = slot.saturating_mul(if count > 40 { 8 } else { 16 }).div_euclid(100);
            let (x, width) = (left.saturating_add(gap), slot.saturating_sub(gap.saturating_mul(2)));
            let mut below = 0i64;
            for part in &bar.parts {
                let above = below.saturating_add(axis.of(part.energy));
                let (foot, head) = (scale.share(below), scale.share(above));
                below = above;
                rects.push(Rect {
                    class: part.tone,
                    x: percent(x),
                    y: percent(HUNDRED.saturating_sub(head)),
                    width: percent(width),
                    height: percent(head.saturating_sub(foot)),
                    title: bar.title.clone(),
                    mwh: part.energy.get(),
                });
            }
            if let Some(before) = bar.before {
                let y = percent(HUNDRED.saturating_sub(scale.share(axis.of(before))));
                dashes.push(Dash { from: percent(left), to: percent(right), y });
            }
            if !bar.label.is_empty() {
                labels.push(Label { x: percent(x.saturating_add(width.div_euclid(2))), text: bar.label.clone() });
            }
        }
        let marks = scale.marks().into_iter().map(|(y, energy)| Mark { y, text: shortest(energy) }).collect();
        Self { name, unit: axis.unit(), marks, rects, labels, dashes }
    }
}

/// Energy of an axis mark without trailing zeros.
fn shortest(energy: Energy) -> String {
    let text = energy.kwh();
    let cut = text.trim_end_matches('0').trim_end_matches('.');
    show::grouped(if text.contains('.') { cut } else { &text })
}

/// The colour of a period: common names have their own, so that night looks alike
/// everywhere; others go by their place among the tariff's periods.
pub(in crate::portal) fn tone(name: &str, place: usize) -> u8 {
    let name = name.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if has(&["night", "valley", "offpeak", "off-peak", "off_peak", "low", "谷"]) {
        1
    } else if has(&["critical", "super", "sharp", "尖"]) {
        3
    } else if has(&["peak", "high", "峰"]) {
        2
    } else if has(&["day", "flat", "normal", "standard", "all", "mid", "平"]) {
        0
    } else {
        u8::try_from(place).unwrap_or(0).checked_rem(TONES).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(parts: &[i64]) -> Bar {
        let parts = parts.iter().zip(0u8..).map(|(mwh, tone)| Part { tone, energy: Energy::new(*mwh) });
        Bar { label: "1".to_owned(), title: "t".to_owned(), parts: parts.collect(), before: None }
    }

    #[test]
    fn parts_stand_on_each_other_without_a_gap() {
        let drawn = Bars::draw("name".to_owned(), Axis::Energy, &[bar(&[1_000_000, 3_000_000]), bar(&[])]);
        let of = |rect: &Rect| (rect.y.clone(), rect.height.clone());
        assert_eq!(
            drawn.rects.iter().map(of).collect::<Vec<_>>(),
            [("75.00%".to_owned(), "25.00%".to_owned()), ("0.00%".to_owned(), "75.00%".to_owned())]
        );
    }

    #[test]
    fn a_quarter_hour_is_shown_by_its_power() {
        let drawn = Bars::draw("name".to_owned(), Axis::Power(4), &[bar(&[500_000])]);
        assert_eq!(drawn.marks.last().map(|mark| (mark.y.as_str(), mark.text.as_str())), Some(("0.00%", "2")));
        assert_eq!((drawn.unit, Axis::Power(4).said(Energy::new(500_000))), ("kW", "2.00".to_owned()));
        let heights: Vec<&str> = drawn.rects.iter().map(|rect| rect.height.as_str()).collect();
        assert_eq!(heights, ["100.00%"]);
        assert_eq!(drawn.rects.iter().map(|rect| rect.mwh).sum::<i64>(), 500_000, "what is counted stays energy");
    }

    #[test]
    fn nights_are_alike_everywhere() {
        assert_eq!((tone("night", 3), tone("Off-peak", 0), tone("peak", 0), tone("weekend", 7)), (1, 1, 2, 1));
    }
}
