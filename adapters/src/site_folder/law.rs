//! The tables of the law's rules: `[[compliance]]`, `[[supplier_bill]]` and
//! `[[consent]]`.

use domain::compliance::{self, Check, Field, Preset};
use domain::event::{
    AccountId, Body, ComplianceChosen, ConsentGiven, ConsentTo, CutPolicy, PoolId, RuleOverride, Severity, Statement,
    SupplierBillReceived,
};
use domain::quantity::{Energy, Money, Month};

use super::error::{FolderError, did_you_mean};
use super::row::Row;
use super::tables::Ids;

fn preset(row: &Row<'_>) -> Result<&'static Preset, FolderError> {
    let name = row.text("preset")?;
    let names = compliance::PRESETS.iter().map(|preset| preset.name);
    let latest = compliance::latest(name)
        .ok_or_else(|| row.error("preset", format!("no preset is called '{name}'"), did_you_mean(name, names)))?;
    if !row.has("version") {
        return Ok(latest);
    }
    let version = row.integer("version")?;
    compliance::find(name, version).ok_or_else(|| {
        row.error("version", format!("preset '{name}' has no version {version}"), format!("write {}", latest.version))
    })
}

fn statement_names(preset: &Preset) -> impl Iterator<Item = &'static str> {
    let fields = preset.rules.iter().flat_map(|rule| match rule.check {
        Check::BillFields(fields) => fields,
        _ => &[],
    });
    fields.filter_map(|field| match field {
        Field::Stated(name, _) => Some(*name),
        _ => None,
    })
}

/// A choice of a preset.
pub(super) fn compliance(row: &Row<'_>) -> Result<(String, Body), FolderError> {
    let preset = preset(row)?;
    let words = [("off", Severity::Off), ("warn", Severity::Warn), ("block", Severity::Block)];
    let mut overrides = Vec::new();
    for one in row.rows("overrides", &["rule", "severity", "reason"])? {
        let rule = one.text("rule")?;
        if !preset.rules.iter().any(|of| of.code == rule) {
            let mend = did_you_mean(rule, preset.rules.iter().map(|of| of.code));
            return Err(one.error("rule", format!("preset '{}' has no rule '{rule}'", preset.name), mend));
        }
        let severity = one.need("severity", one.word("severity", &words)?)?;
        overrides.push(RuleOverride { reason: one.text("reason")?.to_owned(), rule: rule.to_owned(), severity });
    }
    let names: Vec<&str> = statement_names(preset).collect();
    let mut statements = Vec::new();
    if let Some(table) = row.table("statements", &names)? {
        for name in names.iter().filter(|name| table.has(name)) {
            statements.push(Statement { name: (*name).to_owned(), text: table.text(name)?.to_owned() });
        }
    }
    statements.sort_by(|a, b| a.name.cmp(&b.name));
    let cuts = row.table("cuts", &["hold_on_dispute", "other_dues"])?;
    let cuts = cuts.map(|cuts| {
        Ok(CutPolicy { hold_on_dispute: cuts.truth("hold_on_dispute")?, other_dues: cuts.truth("other_dues")? })
    });
    let retention_years = if row.has("retention_years") { Some(row.integer("retention_years")?) } else { None };
    if retention_years.is_some_and(i64::is_negative) {
        return Err(row.error("retention_years", "is negative", "write 0 or more, or leave it out: for ever"));
    }
    let chosen = ComplianceChosen {
        by: row.text("by")?.to_owned(),
        cuts: cuts.transpose()?,
        from: row.date("from")?,
        overrides,
        preset: preset.name.to_owned(),
        price_cap: row.price_opt("price_cap")?,
        retention_years,
        statements,
        version: preset.version,
    };
    Ok((chosen.from.to_string(), Body::ComplianceChosen(chosen)))
}

/// A supplier's bill.
pub(super) fn supplier_bill(row: &Row<'_>, ids: &Ids, decimals: u8) -> Result<(String, Body), FolderError> {
    let pool = if row.has("pool") { Some(row.known("pool", &ids.pools, PoolId::try_new)?) } else { None };
    let text = row.text("month")?;
    let month = Month::parse(text)
        .ok_or_else(|| row.error("month", format!("'{text}' is no month"), "write it as \"2026-03\""))?;
    let amount = row.need("amount", row.money_opt("amount", decimals)?)?;
    if amount < 0 {
        return Err(row.error("amount", "is negative", "write 0 or more"));
    }
    let kwh = row.need("kwh", row.energy_opt("kwh")?)?;
    let energy_mwh = Energy::from_kwh(kwh).ok_or_else(|| row.error("kwh", "is too large", "write a smaller number"))?;
    let bill = SupplierBillReceived {
        amount_minor: Money::new(amount),
        energy_mwh,
        month,
        pool,
        reference: row.text("reference")?.to_owned(),
        unit_price: row.price_opt("unit_price")?,
    };
    let key = format!("{}/{month}", bill.pool.as_ref().map_or("site".to_owned(), |pool| format!("pool/{pool}")));
    Ok((key, Body::SupplierBillReceived(bill)))
}

/// A consent.
pub(super) fn consent(row: &Row<'_>, ids: &Ids) -> Result<(String, Body), FolderError> {
    let words = [("time_of_use", ConsentTo::TimeOfUse)];
    let consent = ConsentGiven {
        account: row.known("account", &ids.accounts, AccountId::try_new)?,
        from: row.date("from")?,
        reference: row.text("reference")?.to_owned(),
        to: row.need("to", row.word("to", &words)?)?,
        until: if row.has("until") { Some(row.date("until")?) } else { None },
    };
    if consent.until.is_some_and(|until| until < consent.from) {
        return Err(row.error("until", "is before from", "correct one of the two"));
    }
    let key = format!("{}/time_of_use/{}", consent.account, consent.from);
    Ok((key, Body::ConsentGiven(consent)))
}
