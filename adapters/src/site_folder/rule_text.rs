//! A version of a rule as a table of a site folder.

use domain::event::{Basis, Part, RulePublished, Vacant, Zero};

use super::tariff_file::{list, quoted};

/// A version as a `[[rule]]` table, which a change reads as the same.
pub fn rule_toml(rule: &RulePublished) -> String {
    let vacant = match rule.vacant {
        Vacant::Landlord => "landlord",
        Vacant::Redistribute => "redistribute",
    };
    let units: Vec<String> = rule.units.iter().map(|unit| quoted(unit.as_str())).collect();
    let mut lines = vec![
        "[[rule]]".to_owned(),
        format!("pool = {}", quoted(rule.pool.as_str())),
        format!("version = {}", rule.version),
        format!("from = {}", rule.from),
        format!("vacant = \"{vacant}\""),
        format!("units = [{}]", units.join(", ")),
    ];
    // A rule without parts still says so.
    let parts = list("parts", rule.parts.iter().map(part));
    lines.extend(if parts.is_empty() { vec!["parts = []".to_owned()] } else { parts });
    lines.push(String::new());
    lines.join("\n")
}

fn part(part: &Part) -> String {
    let basis = match part.basis {
        Basis::Area => "area",
        Basis::Consumption => "consumption",
        Basis::Equal => "equal",
        Basis::Fixed => "fixed",
    };
    let zero = match part.zero {
        Zero::Area => "area",
        Zero::Equal => "equal",
        Zero::Landlord => "landlord",
    };
    let percents = part.fixed.iter().map(|share| format!("{} = \"{}\"", quoted(share.unit.as_str()), share.percent));
    let fixed = if part.basis == Basis::Fixed {
        format!(", fixed = {{ {} }}", percents.collect::<Vec<_>>().join(", "))
    } else {
        String::new()
    };
    format!("percent = \"{}\", basis = \"{basis}\", zero = \"{zero}\"{fixed}", part.percent)
}
