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
use tests::random::Random;

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

/// PAINS 3, getlago/lago-api#4642 and beancount/beancount#411: a million random splits lose nothing, to the nano-unit
/// and to the cent, and the tenants together never pay above the cost.
#[test]
fn pain_03_a_million_random_splits_lose_nothing_and_never_overcharge() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let areas = [31, 47, 52, 85, 0, 120];
    let premises = premises(&areas, &[true, true, false, true, true, false]);
    let bases = [Basis::Area, Basis::Equal, Basis::Consumption, Basis::Fixed];
    let mut left_over = 0u32;
    for round in 0..1_000_000u64 {
        let count = usize::try_from(1 + random.below(6)).expect("few");
        let basis = bases[usize::try_from(random.below(4)).expect("few")];
        let percent = 100 / u64::try_from(count).expect("few");
        let fixed = (0..count).map(|index| FixedShare { percent: random.below(percent + 1).into(), unit: unit(index) });
        let fixed = if basis == Basis::Fixed { fixed.collect() } else { Vec::new() };
        let vacant = if random.below(2) == 0 { Vacant::Landlord } else { Vacant::Redistribute };
        let rule = RulePublished {
            from: Date::new(0),
            parts: vec![Part { basis, fixed, percent: (1 + random.below(100)).into(), zero: Zero::Equal }],
            pool: PoolId::try_new("pool").expect("an id"),
            units: (0..count).map(unit).collect(),
            vacant,
            version: 1,
        };
        let cost = i128::from(random.below(1_000_000));
        let energy = Energy::new(i64::try_from(random.below(1_000_000_000)).expect("small"));
        let day = Day { day: Date::new(20_000), energy, nano: cost * 1_000_000_000 };
        let own = |random: &mut Random| Energy::new(i64::try_from(random.below(9_000_000)).expect("small"));
        let indoor: BTreeMap<UnitId, Energy> = (0..count).map(|index| (unit(index), own(&mut random))).collect();
        let split = split_day(&premises, Some(&rule), day, &indoor);
        let shares = || split.parts.iter().flat_map(|part| &part.shares);
        let rest = split.parts.iter().map(|part| part.rest_nano).sum::<i128>() + split.rest_nano;
        assert_eq!(shares().map(|share| share.nano).sum::<i128>() + rest, day.nano, "round {round}: nothing is lost");
        let rest = split.parts.iter().map(|part| part.rest_energy).sum::<Energy>() + split.rest_energy;
        assert_eq!(shares().map(|share| share.energy).sum::<Energy>() + rest, energy, "round {round}: nor energy");
        // BILLING section 6.5: to the cent, the landlord bears what is left.
        let tenants = shares().filter(|share| share.account.as_str() != "A-0");
        let cents: i128 = tenants.map(|share| (share.nano + 100_000).div_euclid(1_000_000_000)).sum();
        assert!(cents <= cost, "round {round}: {cents} of {cost}");
        left_over += u32::from(cents < cost);
    }
    assert!(left_over > 100_000, "the landlord bears something in {left_over} rounds");
}
