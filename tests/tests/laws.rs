//! Laws: shares add up to the pool and the others never pay above it; opening
//! plus money in less charges is closing; incremental is from zero.

use std::collections::BTreeMap;
use std::path::Path;

use domain::allocation::{Day, split_day};
use domain::event::{
    AccountId, AccountOpened, Basis, Body, CalendarPublished, FixedShare, LeaseRecorded, Part, PoolId, RulePublished,
    SiteId, SiteRegistered, UnitId, UnitRegistered, Vacant, Zero,
};
use domain::premises::Premises;
use domain::quantity::{Date, Energy, Instant, Money};
use proptest::prelude::*;
use services::history;

fn premises(areas: &[u32], leased: &[bool]) -> Premises {
    let mut premises = Premises::default();
    let landlord = AccountId::try_new("A-0").expect("an id");
    let site = SiteRegistered {
        bill_after_s: 0,
        currency: "GBP".to_owned(),
        currency_decimals: 2,
        holidays: Vec::new(),
        id: SiteId::try_new("laws").expect("an id"),
        landlord,
        max_gap_s: 900,
        name: "Laws".to_owned(),
        settle_after_s: 0,
        tax: None,
        time_zone: "Etc/UTC".to_owned(),
    };
    premises.apply(&Body::SiteRegistered(site));
    let (tz_version, zone) = ("test".to_owned(), "Etc/UTC".to_owned());
    let calendar = CalendarPublished { base_offset_s: 0, transitions: Vec::new(), tz_version, zone };
    premises.apply(&Body::CalendarPublished(calendar));
    for (index, (area, leased)) in areas.iter().zip(leased).enumerate() {
        let (unit, account) = (unit(index), AccountId::try_new(&format!("A-{}", index + 1)).expect("an id"));
        premises.apply(&Body::UnitRegistered(UnitRegistered { area_m2: (*area).into(), id: unit.clone() }));
        premises.apply(&Body::AccountOpened(AccountOpened { id: account.clone(), opening_balance_minor: 0 }));
        if *leased {
            let from = Instant::new(0);
            premises.apply(&Body::LeaseRecorded(LeaseRecorded { account, from, unit, until: None }));
        }
    }
    premises
}

fn unit(index: usize) -> UnitId {
    UnitId::try_new(&format!("U-{}", index + 1)).expect("an id")
}

fn basis() -> impl Strategy<Value = Basis> {
    prop_oneof![Just(Basis::Area), Just(Basis::Equal), Just(Basis::Fixed), Just(Basis::Consumption)]
}

fn zero() -> impl Strategy<Value = Zero> {
    prop_oneof![Just(Zero::Area), Just(Zero::Equal), Just(Zero::Landlord)]
}

proptest! {
    #[test]
    fn shares_add_up_and_never_exceed_the_pool(
        units in prop::collection::vec((0u32..500, any::<bool>(), 0i64..50_000_000), 1..40),
        parts in prop::collection::vec((1u32..=33, basis(), zero()), 1..4),
        redistribute in any::<bool>(),
        energy in 0i64..10_000_000_000,
        minor in 0i64..10_000_000,
    ) {
        let areas: Vec<u32> = units.iter().map(|u| u.0).collect();
        let leased: Vec<bool> = units.iter().map(|u| u.1).collect();
        let premises = premises(&areas, &leased);
        let indoor: BTreeMap<UnitId, Energy> =
            units.iter().enumerate().map(|(index, u)| (unit(index), Energy::new(u.2))).collect();
        let each = 100 / units.len();
        let fixed = |basis: Basis| match basis {
            Basis::Fixed => (0..units.len())
                .map(|index| FixedShare { percent: u32::try_from(each).expect("small").into(), unit: unit(index) })
                .collect(),
            _ => Vec::new(),
        };
        let rule = RulePublished {
            from: Date::new(0),
            parts: parts
                .iter()
                .map(|(percent, basis, zero)| Part {
                    basis: *basis,
                    fixed: fixed(*basis),
                    percent: (*percent).into(),
                    zero: *zero,
                })
                .collect(),
            pool: PoolId::try_new("pool").expect("an id"),
            units: (0..units.len()).map(unit).collect(),
            vacant: if redistribute { Vacant::Redistribute } else { Vacant::Landlord },
            version: 1,
        };
        let nano = i128::from(minor) * 1_000_000_000;
        let day = Day { day: Date::new(20_000), energy: Energy::new(energy), nano };
        let split = split_day(&premises, Some(&rule), day, &indoor);
        let mut all = (split.rest_energy, split.rest_nano);
        let mut tenants = 0i128;
        for part in &split.parts {
            prop_assert!(part.rest_nano >= 0 && part.rest_energy >= Energy::ZERO);
            all = (all.0 + part.rest_energy, all.1 + part.rest_nano);
            for share in &part.shares {
                prop_assert!(share.nano >= 0 && share.energy >= Energy::ZERO);
                all = (all.0 + share.energy, all.1 + share.nano);
                tenants += if share.account.as_str() == "A-0" { 0 } else { share.nano };
                if redistribute && share.account.as_str() == "A-0" {
                    prop_assert_eq!(share.nano, 0, "a vacant unit's weight is 0");
                }
            }
        }
        prop_assert_eq!(all, (day.energy, day.nano));
        prop_assert!(tenants <= nano);
    }
}

#[test]
fn balances_close_and_incremental_is_from_zero() {
    for case in
        ["hand-late", "hand-correct-undo-correct", "hand-swap", "late-1", "leases-3", "backdated-3", "everything-3"]
    {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let out = temp.path().join("run");
        let case_of = tests::cases::named(case).expect("a case");
        tests::run::run(&case_of.path, &case_of.until, &out, &[]).expect("the case runs");
        check_case(case, &out);
    }
}

fn check_case(case: &str, out: &Path) {
    let mut entries = history::read(out, None).expect("the log can be read");
    let last = entries.iter().rposition(|entry| entry.event.body.is_decision()).expect("a case settles");
    entries.truncate(last + 1);
    let (site, found) = history::replay(&entries, None).expect("the log can be folded");
    assert_eq!(found.differences, [], "{case}: replay is live");
    for parts in site.issued().values() {
        let bill = &parts[0];
        let recharged: Money = parts.iter().flat_map(|part| &part.recharges).map(|one| one.amount_minor).sum();
        let posted: Money = parts.iter().flat_map(|part| &part.postings).map(|one| one.amount_minor).sum();
        let closing = bill.opening_balance_minor + recharged + posted - bill.totals.charges_minor;
        assert_eq!(closing, bill.closing_balance_minor, "{case}: bill {}", bill.number);
    }
    let settled_to = site.settled_to().expect("a settled day");
    let until = site.premises().calendar.end_of(settled_to);
    let from_zero = site.targets_until(until, settled_to).expect("a target");
    for (month, target) in site.targets() {
        let fresh = from_zero.get(month).expect("the same months");
        assert_eq!(target.accounts, fresh.accounts, "{case} {month}: incremental is from zero");
        assert_eq!(target.pools, fresh.pools, "{case} {month}: pools, incremental is from zero");
    }
}
