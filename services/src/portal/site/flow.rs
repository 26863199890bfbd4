//! Where the month's energy went: the main meters' against units, common points and losses.

use askama::Template;

use crate::portal::chart::{Swatch, part_of};
use crate::portal::show;
use crate::portal::words::Language;
use crate::query::{self, EnergyFlow, Kwh};
use crate::serve::ServedSite;
use domain::quantity::Energy;

struct Piece {
    tone: u8,
    x: String,
    width: String,
    title: String,
}

/// The card.
#[derive(Template)]
#[template(path = "site/flow.html")]
pub(super) struct Flow {
    title: String,
    about: String,
    main: String,
    pieces: Vec<Piece>,
    legend: Vec<Swatch>,
}

impl Flow {
    /// The flow from the month's start to now; none where nothing flowed yet.
    pub(super) async fn read(served: &ServedSite, language: Language) -> Option<Self> {
        let read = query::read(&served.desk, |view| {
            let calendar = &view.premises().calendar;
            let month = calendar.day_of(view.until()).month();
            Ok((month, query::energy_flow(&view, calendar.start_of(month.first()), view.until())?))
        });
        let (month, flow) = read.await.ok()?;
        Some(Self::of(&flow, language.say1("flow", "month", &language.month(month)), language))
    }

    fn of(flow: &EnergyFlow, title: String, language: Language) -> Self {
        let losses = flow.losses.as_ref().filter(|losses| losses.mwh > 0);
        let parts =
            [(0, "flow-units", Some(&flow.units)), (1, "flow-common", Some(&flow.common)), (2, "flow-losses", losses)];
        let parts: Vec<(u8, &str, &Kwh)> =
            parts.into_iter().filter_map(|(tone, key, kwh)| Some((tone, key, kwh?))).collect();
        let whole = parts.iter().map(|(.., kwh)| kwh.mwh).fold(0i64, i64::saturating_add);
        let say = |key: &str, kwh: &Kwh| language.say1(key, "kwh", &show::kwh(Energy::new(kwh.mwh)));
        let mut before = 0i64;
        let mut pieces = Vec::new();
        for (tone, key, kwh) in &parts {
            let (x, width) = (part_of(before, whole), part_of(kwh.mwh, whole));
            pieces.push(Piece { tone: *tone, x, width, title: say(key, kwh) });
            before = before.saturating_add(kwh.mwh);
        }
        let legend: Vec<Swatch> =
            parts.iter().map(|(tone, key, kwh)| Swatch { tone: *tone, name: say(key, kwh) }).collect();
        let names: Vec<&str> = legend.iter().map(|one| one.name.as_str()).collect();
        let main = match (&flow.main, &flow.losses_percent) {
            (Some(main), Some(percent)) => {
                format!("{} · {}", say("flow-main", main), language.say1("flow-lost", "percent", percent))
            }
            (Some(main), None) => say("flow-main", main),
            (None, _) => language.say("flow-no-main"),
        };
        Self { about: format!("{title}: {}", names.join(", ")), title, main, pieces, legend }
    }
}
