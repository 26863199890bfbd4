//! The tables of `site.toml` as facts.

use std::collections::BTreeSet;

use domain::event::{
    AccountId, AccountOpened, AreaMeasured, Basis, Body, FixedShare, HolidayDeclared, LeaseRecorded, MaxGapSet,
    MeterId, MeterInstalled, Part, PointId, PointKind, PointRegistered, PoolDefined, PoolId, PoolPointsChanged,
    PostingMade, ReadingReleased, ReadingWithdrawn, RulePublished, SiteId, SiteRegistered, TariffAssigned, TariffId,
    Tax, TaxMode, TaxSet, Term, UnitId, UnitRegistered, Vacant, Zero,
};
use domain::quantity::{Date, Instant};
use iso_currency::Currency;
use rust_decimal::Decimal;

use super::error::{FolderError, did_you_mean};
use super::row::Row;

/// A fact before its instants are known.
pub(super) struct Entry {
    pub(super) received: Option<Instant>,
    pub(super) time: Option<Instant>,
    pub(super) table: &'static str,
    pub(super) key: String,
    pub(super) actor: Option<String>,
    pub(super) body: Body,
    pub(super) line: usize,
}

/// Who says what a file of changes need not say again.
pub(super) struct Said {
    pub(super) by: String,
    pub(super) reason: String,
    pub(super) received: Instant,
}

impl Entry {
    pub(super) fn again(&self) -> Self {
        Self { key: self.key.clone(), actor: self.actor.clone(), body: self.body.clone(), ..*self }
    }
}

/// The ids that the folder defines.
#[derive(Default)]
pub(super) struct Ids {
    pub(super) units: BTreeSet<String>,
    pub(super) points: BTreeSet<String>,
    pub(super) meters: BTreeSet<String>,
    pub(super) accounts: BTreeSet<String>,
    pub(super) tariffs: BTreeSet<String>,
    pub(super) pools: BTreeSet<String>,
    pub(super) said: Option<Said>,
}

impl Ids {
    fn by(&self, row: &Row<'_>) -> Result<String, FolderError> {
        let said = self.said.as_ref().filter(|_| !row.has("by"));
        said.map_or_else(|| row.text("by").map(str::to_owned), |said| Ok(said.by.clone()))
    }

    fn reason(&self, row: &Row<'_>) -> Result<String, FolderError> {
        let said = self.said.as_ref().filter(|_| !row.has("reason"));
        said.map_or_else(|| row.text("reason").map(str::to_owned), |said| Ok(said.reason.clone()))
    }
}

/// Tables with the order of their facts at one instant and their keys.
pub(super) const TABLES: &[(&str, &[&str])] = &[
    ("unit", &["id", "area_m2", "received"]),
    ("point", &["id", "kind", "unit", "formula", "received"]),
    ("account", &["id", "name", "opening_balance", "received"]),
    (
        "meter",
        &[
            "id",
            "serial",
            "point",
            "installed",
            "start_kwh",
            "multiplier",
            "modulus_kwh",
            "max_kw",
            "removed",
            "final_kwh",
            "received",
        ],
    ),
    ("lease", &["account", "unit", "from", "until", "received"]),
    ("tariff", super::tariff::KEYS),
    ("assign", &["point", "pool", "tariff", "from", "received"]),
    ("pool", &["id", "name", "points", "received"]),
    ("rule", &["pool", "version", "from", "units", "vacant", "parts", "received"]),
    ("tax", &["name", "rate", "mode", "from", "received"]),
    ("holiday", &["date", "received"]),
    ("area", &["unit", "area_m2", "from", "received"]),
    ("pool_points", &["pool", "points", "from", "received"]),
    ("max_gap", &["value", "from", "received"]),
    (
        "compliance",
        &[
            "preset",
            "version",
            "from",
            "by",
            "price_cap",
            "retention_years",
            "statements",
            "overrides",
            "cuts",
            "received",
        ],
    ),
    ("supplier_bill", &["pool", "month", "kwh", "amount", "unit_price", "reference", "received"]),
    ("consent", &["account", "to", "from", "until", "reference", "received"]),
    ("supply_policy", super::supply::POLICY_KEYS),
    ("protected", &["point", "by", "reason", "received"]),
    ("posting", &["account", "amount", "reference", "time", "by", "reason", "received"]),
    ("withdraw", &["meter", "time", "received", "by", "reason"]),
    ("release", &["meter", "time", "received", "by", "reason"]),
];

pub(super) const SITE_KEYS: &[&str] = &[
    "id",
    "name",
    "time_zone",
    "currency",
    "landlord",
    "holidays",
    "settle_after",
    "bill_after",
    "max_gap",
    "tax",
    "approvals",
];

pub(super) fn site(row: &Row<'_>, ids: &Ids) -> Result<SiteRegistered, FolderError> {
    let seconds = |key: &str| Ok(row.minutes_opt(key)?.map(|minutes| minutes.saturating_mul(60)));
    let settle_after_s = row.need("settle_after", seconds("settle_after")?)?;
    let bill_after_s = row.need("bill_after", seconds("bill_after")?)?;
    if bill_after_s < settle_after_s {
        return Err(row.error("bill_after", "is less than settle_after", "write at least the value of settle_after"));
    }
    let currency = row.text("currency")?;
    let decimals = Currency::from_code(currency).and_then(Currency::exponent).and_then(|e| u8::try_from(e).ok());
    let currency_decimals = decimals.ok_or_else(|| {
        row.error("currency", format!("'{currency}' is no currency"), "write a code of ISO 4217, such as \"EUR\"")
    })?;
    let tax = row.table("tax", &["name", "rate", "mode"])?;
    Ok(SiteRegistered {
        bill_after_s,
        currency: currency.to_owned(),
        currency_decimals,
        holidays: row.dates("holidays")?,
        id: row.id("id", SiteId::try_new)?,
        landlord: row.known("landlord", &ids.accounts, AccountId::try_new)?,
        max_gap_s: seconds("max_gap")?.unwrap_or(900),
        name: row.text("name")?.to_owned(),
        settle_after_s,
        tax: tax.as_ref().map(read_tax).transpose()?,
        time_zone: row.text("time_zone")?.to_owned(),
    })
}

/// How many persons a change needs, where the site says.
pub(super) fn approvals(row: &Row<'_>) -> Result<Option<i64>, FolderError> {
    if !row.has("approvals") {
        return Ok(None);
    }
    match row.integer("approvals")? {
        persons @ 1..=2 => Ok(Some(persons)),
        persons => {
            Err(row.error("approvals", format!("is {persons}"), "write 1 or 2: how many persons a change needs"))
        }
    }
}

fn read_tax(row: &Row<'_>) -> Result<Tax, FolderError> {
    let modes = [("exclusive", TaxMode::Exclusive), ("inclusive", TaxMode::Inclusive)];
    Ok(Tax {
        mode: row.need("mode", row.word("mode", &modes)?)?,
        name: row.text("name")?.to_owned(),
        rate: row.price("rate")?,
    })
}

/// The fact of a table's row.
pub(super) fn entry(table: &'static str, row: &Row<'_>, ids: &Ids, decimals: u8) -> Result<Entry, FolderError> {
    let received = row.instant_opt("received")?;
    let mut actor = None;
    let mut time = None;
    let (key, body) = match table {
        "unit" => {
            let data = UnitRegistered {
                area_m2: row.price_opt("area_m2")?.unwrap_or_default(),
                id: row.id("id", UnitId::try_new)?,
            };
            (data.id.to_string(), Body::UnitRegistered(data))
        }
        "point" => point(row, ids)?,
        "account" => {
            row.text_opt("name")?;
            let opening_balance_minor = row.money_opt("opening_balance", decimals)?.unwrap_or(0);
            let data = AccountOpened { id: row.id("id", AccountId::try_new)?, opening_balance_minor };
            (data.id.to_string(), Body::AccountOpened(data))
        }
        "meter" => meter(row, ids)?,
        "lease" => lease(row, ids)?,
        "tariff" => {
            let data = super::tariff::read(row, decimals)?;
            (format!("{}/{}", data.id, data.version), Body::TariffPublished(data))
        }
        "assign" => assign(row, ids)?,
        "pool" => {
            let points = points(row, ids)?;
            let data = PoolDefined { id: row.id("id", PoolId::try_new)?, name: row.text("name")?.to_owned(), points };
            (data.id.to_string(), Body::PoolDefined(data))
        }
        "rule" => rule(row, ids)?,
        "posting" => {
            let amount = row.need("amount", row.money_opt("amount", decimals)?)?;
            let at = match (row.instant_opt("time")?, &ids.said) {
                (None, Some(said)) => said.received,
                _ => row.instant("time")?,
            };
            time = Some(at);
            actor = Some(ids.by(row)?);
            let data = PostingMade {
                account: row.known("account", &ids.accounts, AccountId::try_new)?,
                amount_minor: amount,
                by: ids.by(row)?,
                reason: ids.reason(row)?,
                reference: row.text("reference")?.to_owned(),
            };
            let received = Some(received.map_or(at, |received| received.max(at)));
            let (key, line) = (data.reference.clone(), row.line());
            return Ok(Entry { received, time, table, key, actor, body: Body::PostingMade(data), line });
        }
        "withdraw" | "release" => {
            actor = Some(ids.by(row)?);
            judgement(table, row, ids)?
        }
        "compliance" => {
            actor = Some(row.text("by")?.to_owned());
            super::law::compliance(row)?
        }
        "supply_policy" | "protected" => {
            actor = Some(row.text("by")?.to_owned());
            if table == "protected" {
                super::supply::protected(row, ids)?
            } else {
                super::supply::policy(row, decimals)?
            }
        }
        "supplier_bill" => super::law::supplier_bill(row, ids, decimals)?,
        "consent" => super::law::consent(row, ids)?,
        _ => dated(table, row, ids)?,
    };
    Ok(Entry { received, time, table, key, actor, body, line: row.line() })
}

fn point(row: &Row<'_>, ids: &Ids) -> Result<(String, Body), FolderError> {
    let kinds = [
        ("unit", PointKind::Unit),
        ("common", PointKind::Common),
        ("main", PointKind::Main),
        ("virtual", PointKind::Virtual),
    ];
    let kind = row.need("kind", row.word("kind", &kinds)?)?;
    let mut formula = Vec::new();
    for text in row.texts("formula")?.unwrap_or_default() {
        let (minus, name) = match (text.strip_prefix('+'), text.strip_prefix('-')) {
            (Some(name), _) => (false, name),
            (_, Some(name)) => (true, name),
            _ => return Err(row.error("formula", format!("'{text}' has no sign"), "write + or - before each point")),
        };
        formula.push(Term { minus, point: row.known_text("formula", name, &ids.points, PointId::try_new)? });
    }
    if (kind == PointKind::Virtual) == formula.is_empty() {
        return Err(row.error(
            "formula",
            "does not go with the kind",
            "give a formula to virtual points, and only to them",
        ));
    }
    let unit = if row.has("unit") { Some(row.known("unit", &ids.units, UnitId::try_new)?) } else { None };
    if (kind == PointKind::Unit) != unit.is_some() {
        return Err(row.error(
            "unit",
            "does not go with the kind",
            "give a unit to points of kind unit, and only to them",
        ));
    }
    let data = PointRegistered { formula, id: row.id("id", PointId::try_new)?, kind, unit };
    Ok((data.id.to_string(), Body::PointRegistered(data)))
}

fn meter(row: &Row<'_>, ids: &Ids) -> Result<(String, Body), FolderError> {
    let data = MeterInstalled {
        final_kwh: row.energy_opt("final_kwh")?,
        id: row.id("id", MeterId::try_new)?,
        installed: row.instant("installed")?,
        max_kw: row.positive("max_kw", row.energy_opt("max_kw")?)?,
        modulus_kwh: row.positive("modulus_kwh", row.energy_opt("modulus_kwh")?)?,
        multiplier: row.positive("multiplier", row.price_opt("multiplier")?)?.unwrap_or(Decimal::ONE),
        point: row.known("point", &ids.points, PointId::try_new)?,
        removed: row.instant_opt("removed")?,
        serial: row.text_opt("serial")?.map(str::to_owned),
        start_kwh: row.energy_opt("start_kwh")?,
    };
    if data.removed.is_some_and(|removed| removed < data.installed) {
        return Err(row.error("removed", "is before installed", "correct one of the two"));
    }
    if data.final_kwh.is_some() && data.removed.is_none() {
        return Err(row.error("final_kwh", "stands without removed", "add removed, or take final_kwh out"));
    }
    Ok((data.id.to_string(), Body::MeterInstalled(data)))
}

fn lease(row: &Row<'_>, ids: &Ids) -> Result<(String, Body), FolderError> {
    let data = LeaseRecorded {
        account: row.known("account", &ids.accounts, AccountId::try_new)?,
        from: row.instant("from")?,
        unit: row.known("unit", &ids.units, UnitId::try_new)?,
        until: row.instant_opt("until")?,
    };
    if data.until.is_some_and(|until| until < data.from) {
        return Err(row.error("until", "is before from", "correct one of the two"));
    }
    Ok((format!("{}/{}/{}", data.account, data.unit, data.from), Body::LeaseRecorded(data)))
}

fn assign(row: &Row<'_>, ids: &Ids) -> Result<(String, Body), FolderError> {
    if row.has("point") == row.has("pool") {
        return Err(row.error("point", "names a point and a pool, or neither", "name one of the two"));
    }
    let point = if row.has("point") { Some(row.known("point", &ids.points, PointId::try_new)?) } else { None };
    let pool = if row.has("pool") { Some(row.known("pool", &ids.pools, PoolId::try_new)?) } else { None };
    let from = row.date("from")?;
    let key = match (&point, &pool) {
        (Some(point), _) => format!("point/{point}/{from}"),
        (None, pool) => format!("pool/{}/{from}", pool.as_ref().map_or("", PoolId::as_str)),
    };
    let tariff = row.known("tariff", &ids.tariffs, TariffId::try_new)?;
    Ok((key, Body::TariffAssigned(TariffAssigned { from, point, pool, tariff })))
}

fn points(row: &Row<'_>, ids: &Ids) -> Result<Vec<PointId>, FolderError> {
    let texts = row.need("points", row.texts("points")?)?;
    let points: Vec<PointId> = texts
        .iter()
        .map(|text| row.known_text("points", text, &ids.points, PointId::try_new))
        .collect::<Result<_, _>>()?;
    once(row, "points", &points)?;
    Ok(points)
}

fn once<T: Ord + std::fmt::Display>(row: &Row<'_>, key: &str, list: &[T]) -> Result<(), FolderError> {
    let mut seen = BTreeSet::new();
    match list.iter().find(|one| !seen.insert(*one)) {
        Some(twice) => Err(row.error(key, format!("'{twice}' is there twice"), "name each once")),
        None => Ok(()),
    }
}

fn rule(row: &Row<'_>, ids: &Ids) -> Result<(String, Body), FolderError> {
    let texts = row.need("units", row.texts("units")?)?;
    let units: Vec<UnitId> = texts
        .iter()
        .map(|text| row.known_text("units", text, &ids.units, UnitId::try_new))
        .collect::<Result<_, _>>()?;
    once(row, "units", &units)?;
    row.need("parts", row.has("parts").then_some(()))?;
    let parts = row.rows("parts", &["percent", "basis", "zero", "fixed"])?;
    let parts: Vec<Part> = parts.iter().map(|part| read_part(part, &texts)).collect::<Result<_, _>>()?;
    if sum(parts.iter().map(|part| part.percent)) > Decimal::ONE_HUNDRED {
        return Err(row.error("parts", "are more than 100 percent together", "let percent sum to at most 100"));
    }
    let vacant = row.word("vacant", &[("landlord", Vacant::Landlord), ("redistribute", Vacant::Redistribute)])?;
    let data = RulePublished {
        from: row.date("from")?,
        parts,
        pool: row.known("pool", &ids.pools, PoolId::try_new)?,
        units,
        vacant: vacant.unwrap_or(Vacant::Landlord),
        version: row.integer("version")?,
    };
    Ok((format!("{}/{}", data.pool, data.version), Body::RulePublished(data)))
}

fn sum(percents: impl Iterator<Item = Decimal>) -> Decimal {
    percents.fold(Decimal::ZERO, Decimal::saturating_add)
}

fn read_part(row: &Row<'_>, units: &[&str]) -> Result<Part, FolderError> {
    let bases =
        [("area", Basis::Area), ("consumption", Basis::Consumption), ("equal", Basis::Equal), ("fixed", Basis::Fixed)];
    let basis = row.need("basis", row.word("basis", &bases)?)?;
    if (basis == Basis::Fixed) != row.has("fixed") {
        return Err(row.error(
            "fixed",
            "does not go with the basis",
            "give fixed = { … } to basis \"fixed\", and only to it",
        ));
    }
    let mut fixed = Vec::new();
    for (unit, percent) in row.pairs("fixed")? {
        let id = UnitId::try_new(unit).filter(|_| units.contains(&unit)).ok_or_else(|| {
            row.error(
                "fixed",
                format!("'{unit}' is not among the rule's units"),
                did_you_mean(unit, units.iter().copied()),
            )
        })?;
        fixed.push(FixedShare { percent, unit: id });
    }
    if sum(fixed.iter().map(|share| share.percent)) > Decimal::ONE_HUNDRED {
        return Err(row.error("fixed", "is more than 100 percent together", "let the percents sum to at most 100"));
    }
    let zero = row.word("zero", &[("area", Zero::Area), ("equal", Zero::Equal), ("landlord", Zero::Landlord)])?;
    Ok(Part { basis, fixed, percent: row.price("percent")?, zero: zero.unwrap_or(Zero::Landlord) })
}

fn dated(table: &str, row: &Row<'_>, ids: &Ids) -> Result<(String, Body), FolderError> {
    if table == "holiday" {
        let date = row.date("date")?;
        return Ok((date.to_string(), Body::HolidayDeclared(HolidayDeclared { date })));
    }
    let from = row.date("from")?;
    Ok(match table {
        "tax" => {
            if from != from.month().first() {
                return Err(row.error(
                    "from",
                    format!("{from} is not the first of a month"),
                    "write the first of a month",
                ));
            }
            (from.to_string(), Body::TaxSet(TaxSet { from, tax: read_tax(row)? }))
        }
        "area" => {
            let unit = row.known("unit", &ids.units, UnitId::try_new)?;
            let area_m2 = row.price("area_m2")?;
            (format!("{unit}/{from}"), Body::AreaMeasured(AreaMeasured { area_m2, from, unit }))
        }
        "pool_points" => pool_points(row, ids, from)?,
        _ => {
            let minutes = row.need("value", row.minutes_opt("value")?)?;
            (from.to_string(), Body::MaxGapSet(MaxGapSet { from, max_gap_s: minutes.saturating_mul(60) }))
        }
    })
}

fn pool_points(row: &Row<'_>, ids: &Ids, from: Date) -> Result<(String, Body), FolderError> {
    let pool = row.known("pool", &ids.pools, PoolId::try_new)?;
    let points = points(row, ids)?;
    Ok((format!("{pool}/{from}"), Body::PoolPointsChanged(PoolPointsChanged { from, points, pool })))
}

fn judgement(table: &str, row: &Row<'_>, ids: &Ids) -> Result<(String, Body), FolderError> {
    if ids.said.is_none() {
        row.instant("received")?;
    }
    let meter = row.known("meter", &ids.meters, MeterId::try_new)?;
    let reading_time = row.instant("time")?;
    let (by, reason) = (ids.by(row)?, ids.reason(row)?);
    let key = format!("{meter}/{reading_time}");
    Ok(if table == "withdraw" {
        (key, Body::ReadingWithdrawn(ReadingWithdrawn { by, meter, reading_time, reason }))
    } else {
        (key, Body::ReadingReleased(ReadingReleased { by, meter, reading_time, reason }))
    })
}
