//! Laws of rating a load by a native tariff, and a bill by hand.

use proptest::prelude::*;

use super::{Load, LoadRow, NativeError, NativeTariff, TierModel, rate_native};
use crate::event::{
    Adder, CalendarPublished, Demand, DemandTier, EnergyRow, EnergyTier, Fixed, Per, ScheduleRow, TariffId,
    TariffPublished, TierBasis, TierWindow,
};
use crate::quantity::{Date, Energy, Exact, Instant};

const HOUR: i64 = 3600;

fn calendar() -> CalendarPublished {
    CalendarPublished { base_offset_s: 0, transitions: Vec::new(), tz_version: "t".to_owned(), zone: "UTC".to_owned() }
}

/// Hours from the start of 2026-02, whose energies repeat.
fn load(mwh: &[i64], hours: i64) -> Load {
    let first = Date::from_ymd(2026, 2, 1).expect("a date");
    let row = |hour: i64| LoadRow {
        start: Instant::new((i64::from(first.get()) * 24 + hour) * HOUR),
        date: first.plus(i32::try_from(hour.div_euclid(24)).expect("few days")),
        minute: u16::try_from(hour.rem_euclid(24) * 60).expect("a minute of the day"),
        energy: Energy::new(mwh[usize::try_from(hour).expect("not negative") % mwh.len()]),
    };
    Load { interval_minutes: 60, rows: (0..hours).map(row).collect() }
}

fn decimal(text: &str) -> rust_decimal::Decimal {
    text.parse().expect("a decimal")
}

fn tiers(bound: &str, prices: [&str; 2]) -> Vec<EnergyTier> {
    let [below, above] = prices.map(decimal);
    vec![EnergyTier { price: below, up_to_kwh: Some(decimal(bound)) }, EnergyTier { price: above, up_to_kwh: None }]
}

fn tariff(bound: &str, basis: TierBasis) -> TariffPublished {
    TariffPublished {
        adder: vec![Adder { name: "levy".to_owned(), price: decimal("0.01") }],
        default_period: "day".to_owned(),
        demand: vec![
            Demand {
                interval_minutes: 60,
                name: "capacity".to_owned(),
                period: Some("night".to_owned()),
                tiers: vec![
                    DemandTier { price: decimal("1"), up_to_kw: Some(decimal("0.5")) },
                    DemandTier { price: decimal("2"), up_to_kw: None },
                ],
            },
            Demand {
                interval_minutes: 60,
                name: "peak".to_owned(),
                period: None,
                tiers: vec![DemandTier { price: decimal("0.1"), up_to_kw: None }],
            },
        ],
        energy: vec![
            EnergyRow {
                band_up_to_kwh: None,
                months: None,
                period: "day".to_owned(),
                tiers: tiers(bound, ["0.20", "0.30"]),
            },
            EnergyRow {
                band_up_to_kwh: None,
                months: None,
                period: "night".to_owned(),
                tiers: tiers(bound, ["0.10", "0.25"]),
            },
        ],
        fixed: vec![Fixed {
            amount: Some(decimal("3")),
            bands: Vec::new(),
            name: "standing".to_owned(),
            per: Per::Month,
        }],
        from: Date::from_ymd(2026, 1, 1).expect("a date"),
        id: TariffId::try_new("home").expect("an id"),
        minimum: None,
        round_lines: None,
        round_total: None,
        scale: None,
        surcharge: Vec::new(),
        schedule: vec![ScheduleRow {
            days: None,
            from_minute: 0,
            months: None,
            period: "night".to_owned(),
            to_minute: 360,
        }],
        tier_basis: basis,
        tier_window: TierWindow::Month,
        version: 1,
    }
}

fn rated(version: TariffPublished, load: &Load, model: TierModel) -> Result<super::LoadBill, NativeError> {
    rate_native(&NativeTariff { versions: vec![version], holidays: Vec::new() }, &calendar(), load, model)
}

#[test]
fn a_month_by_hand() {
    // 28 days of 24 hours, 1 kWh each and 2 kWh at 05:00: 700 kWh, 196 of them at night.
    let mut day = [1_000_000; 24];
    day[5] = 2_000_000;
    let load = load(&day, 28 * 24);
    let bill = rated(tariff("250.5", TierBasis::Total), &load, TierModel::Chronological).expect("a bill");
    let month = &bill.months[0];
    let text = |value: &Exact| value.to_string();
    assert_eq!(text(&month.kwh), "700");
    // Ten days are 250 kWh, 70 of them at night; the eleventh begins with half a kWh below the bound.
    assert_eq!(month.use_kwh["night"].iter().map(text).collect::<Vec<_>>(), ["70.5", "125.5"]);
    assert_eq!(month.use_kwh["day"].iter().map(text).collect::<Vec<_>>(), ["180", "324"]);
    // 7.05 + 31.375 + 36 + 97.2, and the levy on 700 kWh.
    assert_eq!(text(&month.energy_charge), "178.625");
    assert_eq!([text(&month.demand_flat_charge), text(&month.demand_tou_charge)], ["0.2", "3.5"]);
    assert_eq!(text(&month.tou_demand_peak_kw["night"]), "2");
    assert_eq!([text(&month.fixed_charge), text(&month.total)], ["3", "185.325"]);
    // The tiers are 250.5 and 449.5 kWh, of which the night has 196/700.
    let bill = rated(tariff("250.5", TierBasis::Total), &load, TierModel::Prorata).expect("a bill");
    assert_eq!(bill.months[0].use_kwh["night"].iter().map(text).collect::<Vec<_>>(), ["70.14", "125.86"]);
}

#[test]
fn a_minimum_tops_up_the_whole_month_and_only_that() {
    let version = TariffPublished { minimum: Some(decimal("10")), ..tariff("100", TierBasis::Total) };
    let bill = |hours| rated(version.clone(), &load(&[1000], hours), TierModel::Chronological).expect("a bill");
    let whole = bill(28 * 24);
    assert!(whole.months[0].minimum_topup.is_positive());
    assert_eq!(whole.months[0].total, Exact::of(10));
    assert!(bill(27 * 24).months[0].minimum_topup.is_zero());
}

#[test]
fn what_cannot_be_rated_says_why() {
    let hours = load(&[1000], 24);
    let refused = |version: TariffPublished, load: &Load, model| rated(version, load, model).expect_err("refused");
    let late = TariffPublished { from: Date::from_ymd(2026, 2, 2).expect("a date"), ..tariff("1", TierBasis::Total) };
    assert!(matches!(refused(late, &hours, TierModel::Chronological), NativeError::NotInForce { .. }));
    let mut fine = tariff("1", TierBasis::Total);
    fine.demand[0].interval_minutes = 15;
    assert!(matches!(refused(fine, &hours, TierModel::Chronological), NativeError::Coarse { wanted: 15, has: 60, .. }));
    let daily = TariffPublished { tier_window: TierWindow::Day, ..tariff("1", TierBasis::Total) };
    assert!(matches!(refused(daily.clone(), &hours, TierModel::Prorata), NativeError::NotMonthly { version: 1 }));
    assert_eq!(rated(daily, &hours, TierModel::Chronological).expect("a bill").prorata_total, None);
    let huge = load(&[1 << 48], 32);
    assert_eq!(refused(tariff("1", TierBasis::Total), &huge, TierModel::Chronological), NativeError::TooLarge);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Tiers add up to the load; the models differ in who uses a tier, never in how much is in it.
    #[test]
    fn tiers_and_periods_add_up_in_both_models(
        mwh in prop::collection::vec(0i64..3_000_000, 1..50),
        bound in 1u32..900,
        total in any::<bool>(),
    ) {
        let basis = if total { TierBasis::Total } else { TierBasis::Period };
        let load = load(&mwh, 40 * 24);
        let used = |model| {
            let bill = rated(tariff(&format!("{bound}.123456"), basis), &load, model).expect("a bill");
            bill.months.into_iter().map(|month| (month.kwh, month.use_kwh)).collect::<Vec<_>>()
        };
        let (chronological, prorata) = (used(TierModel::Chronological), used(TierModel::Prorata));
        prop_assert_eq!(chronological.len(), 2);
        for ((kwh, one), (_, other)) in chronological.into_iter().zip(prorata) {
            prop_assert_eq!(one.values().flatten().cloned().sum::<Exact>(), kwh);
            for tier in 0..2 {
                let of = |used: &std::collections::BTreeMap<String, Vec<Exact>>| {
                    used.values().map(|tiers| tiers[tier].clone()).sum::<Exact>()
                };
                prop_assert_eq!(of(&one), of(&other));
            }
            for (period, tiers) in &one {
                prop_assert_eq!(tiers.iter().cloned().sum::<Exact>(), other[period].iter().cloned().sum::<Exact>());
            }
        }
    }
}
