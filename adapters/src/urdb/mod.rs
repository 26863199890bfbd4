//! Tariffs of the U.S. Utility Rate Database: its JSON records (field names of
//! API versions 7 and 8), read and judged completely before anything is
//! returned. Dates, comments, capacity limits and sell rates do not count.

mod error;
mod node;

use domain::quantity::Exact;
use domain::tariff::{HourSchedule, UrdbAmount, UrdbPer, UrdbTariff, UrdbTier};

pub use error::UrdbError;
use node::{Fields, Node};

/// Fields that would change a bill and that no bill here has.
const NOT_CHARGED: [&str; 8] = [
    "coincidentratestructure",
    "demandratchetpercentage",
    "demandreactivepowercharge",
    "lookbackpercent",
    "lookbackrange",
    "fixedmonthlycharge",
    "minmonthlycharge",
    "annualmincharge",
];

/// Reads a record, alone or as the one of an API answer's `items`.
pub fn read(text: &str) -> Result<UrdbTariff, UrdbError> {
    let fields = record(Node::of_file(text)?)?;
    let energy = structure(&fields, "energyratestructure", judge_energy_unit)?;
    let energy = energy.unwrap_or_else(|| vec![vec![UrdbTier { up_to: None, daily: false, price: Exact::default() }]]);
    let schedule = schedule(&fields, "energy", energy.len())?;
    let mut tariff = UrdbTariff {
        label: fields.text("label")?.unwrap_or_default(),
        name: fields.text("name")?.unwrap_or_default(),
        schedule,
        flat_demand: None,
        tou_demand: None,
        fixed: None,
        minimum: amount(&fields, "mincharge", "minchargeunits")?,
        ignored: NOT_CHARGED.iter().filter(|name| fields.get(name).is_some()).map(|name| (*name).to_owned()).collect(),
        energy,
    };
    if let Some(periods) = structure(&fields, "demandratestructure", judge_demand_unit)? {
        judge_power_unit(&fields, "demandrateunit")?;
        let schedule = self::schedule(&fields, "demand", periods.len())?;
        tariff.tou_demand = Some((periods, schedule));
    }
    let flat = structure(&fields, "flatdemandstructure", judge_demand_unit)?;
    match (fields.get("flatdemandmonths"), flat) {
        (Some(months), Some(periods)) => {
            judge_power_unit(&fields, "flatdemandunit")?;
            tariff.flat_demand = Some(flat_months(&months, &periods)?);
        }
        (Some(months), None) => {
            return Err(months.error("there is no flatdemandstructure", "add flatdemandstructure, or take this out"));
        }
        // The System Advisor Model charges neither of these two without its other half.
        (None, Some(_)) => tariff.ignored.push("flatdemandstructure without flatdemandmonths".to_owned()),
        (None, None) => {}
    }
    match (fields.get("fixedchargefirstmeter"), fields.get("fixedchargeunits")) {
        (Some(_), None) => tariff.ignored.push("fixedchargefirstmeter without fixedchargeunits".to_owned()),
        _ => tariff.fixed = amount(&fields, "fixedchargefirstmeter", "fixedchargeunits")?,
    }
    Ok(tariff)
}

fn record(root: Node<'_>) -> Result<Fields<'_>, UrdbError> {
    let fields = root.object()?;
    let Some(items) = fields.get("items") else {
        if ["energyratestructure", "demandratestructure", "flatdemandstructure", "fixedchargefirstmeter"]
            .iter()
            .all(|name| fields.get(name).is_none())
        {
            let mend = "give a record of API version 7 or 8 with energyratestructure";
            return Err(fields.error("is no tariff of the Utility Rate Database", mend));
        }
        return Ok(fields);
    };
    let mut records = items.array("the records of an API answer")?;
    match (records.pop(), records.is_empty()) {
        (Some(only), true) => only.object(),
        (last, _) => {
            let count = records.len().saturating_add(usize::from(last.is_some()));
            Err(items.error(format!("has {count} records"), "keep the one to rate by"))
        }
    }
}

type JudgeUnit = fn(&Node<'_>, &str) -> Result<bool, UrdbError>;

/// Whether bounds are by the day.
fn judge_energy_unit(node: &Node<'_>, unit: &str) -> Result<bool, UrdbError> {
    match unit.to_ascii_lowercase().as_str() {
        "kwh" => Ok(false),
        "kwh daily" => Ok(true),
        _ => Err(node.error(format!("tiers by '{unit}' are not rated"), "write kWh or kWh daily")),
    }
}

fn judge_demand_unit(node: &Node<'_>, unit: &str) -> Result<bool, UrdbError> {
    match unit.to_ascii_lowercase().as_str() {
        "kw" => Ok(false),
        _ => Err(node.error(format!("tiers by '{unit}' are not rated"), "write kW")),
    }
}

/// Demand in kVA or hp needs another meter than energy.
fn judge_power_unit(fields: &Fields<'_>, name: &str) -> Result<(), UrdbError> {
    match fields.get(name) {
        Some(node) => judge_demand_unit(&node, &node.text()?).map(drop),
        None => Ok(()),
    }
}

/// Tiers by period; `None` where the structure is absent.
fn structure(fields: &Fields<'_>, name: &str, unit: JudgeUnit) -> Result<Option<Vec<Vec<UrdbTier>>>, UrdbError> {
    let Some(node) = fields.get(name) else { return Ok(None) };
    let periods = node.array("periods, each an array of tiers")?;
    if periods.is_empty() {
        return Err(node.error("has no period", "add a period [ { \"rate\": … } ], or take the structure out"));
    }
    periods.iter().map(|period| tiers(period, unit)).collect::<Result<Vec<_>, _>>().map(Some)
}

fn tiers(period: &Node<'_>, unit: JudgeUnit) -> Result<Vec<UrdbTier>, UrdbError> {
    let nodes = period.array("tiers, each an object")?;
    if nodes.is_empty() {
        return Err(period.error("has no tier", "add a tier { \"rate\": … }"));
    }
    let mut tiers: Vec<UrdbTier> = Vec::new();
    for node in nodes {
        let fields = node.object()?;
        let part = |name: &str| fields.get(name).map_or(Ok(Exact::default()), |node| node.number());
        let price = part("rate")? + part("adj")?;
        if price < Exact::default() {
            return Err(fields.error(format!("rate and adj are {price} together"), "let them be 0 or more together"));
        }
        let daily = fields.get("unit").map_or(Ok(false), |node| unit(&node, &node.text()?))?;
        let up_to = fields.get("max").map(|node| node.not_negative().map(|max| (node, max))).transpose()?;
        let below = tiers.iter().rev().find_map(|tier| tier.up_to.as_ref());
        if let (Some((node, max)), Some(below)) = (&up_to, below)
            && max <= below
        {
            let problem = format!("the bound {max} does not rise above {below}");
            return Err(node.error(problem, "let the bounds rise from tier to tier"));
        }
        tiers.push(UrdbTier { up_to: up_to.map(|(_, max)| max), daily, price });
    }
    if tiers.last().is_some_and(|last| last.up_to.is_some()) {
        let problem = "the last tier has a max, so there is a gap above it";
        return Err(period.error(problem, "take out the last tier's max, or add a tier without one"));
    }
    let mut bounded = tiers.iter().filter(|tier| tier.up_to.is_some()).map(|tier| tier.daily);
    let daily = bounded.next();
    if bounded.any(|other| Some(other) != daily) {
        return Err(period.error("has tiers of kWh and of kWh daily", "give all tiers of a period one unit"));
    }
    Ok(tiers)
}

/// Both schedules of energy or demand. One alone stands for both, none for period 0.
fn schedule(fields: &Fields<'_>, kind: &str, periods: usize) -> Result<HourSchedule, UrdbError> {
    let structure = format!("{kind}ratestructure");
    let read = |day: &str| {
        let Some(node) = fields.get(&format!("{kind}{day}schedule")) else { return Ok(None) };
        let months = node.array_of(12, "months")?;
        let hours = |month: &Node<'_>| {
            let hours = month.array_of(24, "hours")?;
            hours.iter().map(|hour| hour.period(periods, &structure)).collect::<Result<Vec<_>, _>>()
        };
        months.iter().map(hours).collect::<Result<Vec<_>, _>>().map(Some)
    };
    Ok(match (read("weekday")?, read("weekend")?) {
        (Some(weekday), Some(weekend)) => HourSchedule { weekday, weekend },
        (Some(one), None) | (None, Some(one)) => HourSchedule { weekday: one.clone(), weekend: one },
        (None, None) => HourSchedule::constant(0),
    })
}

fn flat_months(node: &Node<'_>, periods: &[Vec<UrdbTier>]) -> Result<Vec<Vec<UrdbTier>>, UrdbError> {
    let months = node.array_of(12, "months")?;
    let tiers = |month: &Node<'_>| {
        let period = month.period(periods.len(), "flatdemandstructure")?;
        Ok(periods.get(period).cloned().unwrap_or_default())
    };
    months.iter().map(tiers).collect()
}

fn amount(fields: &Fields<'_>, name: &str, units: &str) -> Result<Option<UrdbAmount>, UrdbError> {
    let Some(node) = fields.get(name) else { return Ok(None) };
    let amount = node.not_negative()?;
    let per = match fields.get(units) {
        None => UrdbPer::Month,
        Some(node) => match node.text()?.as_str() {
            "$/day" => UrdbPer::Day,
            "$/month" => UrdbPer::Month,
            "$/year" => UrdbPer::Year,
            other => return Err(node.error(format!("'{other}' is no unit"), "write $/day, $/month or $/year")),
        },
    };
    Ok(Some(UrdbAmount { amount, per }))
}
