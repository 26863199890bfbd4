//! Great Britain: resale of electricity for domestic use.

use crate::compliance::preset::{Check, Field, Preset, PriceCap, Rule};
use crate::event::Severity;

const MRP: &str = "Electricity Act 1989, section 44, and Ofgem's maximum resale price direction with its guidance for resellers; https://www.ofgem.gov.uk/publications/resale-gas-and-electricity-guidance-maximum-resale-price-updated-october-2005";

pub(super) const V1: Preset = Preset {
    name: "uk-resale",
    version: 1,
    title: "Great Britain: maximum resale price",
    scope: "domestic use; not commercial premises, not charging of vehicles",
    rules: &[
        Rule {
            code: "uk-resale.price-paid",
            check: Check::PriceCap(PriceCap::PricePaid),
            severity: Severity::Block,
            text: "a kWh is resold at most at the price that the reseller paid for it",
            mend: "lower the price to the one on the supplier's bill",
            source: MRP,
        },
        Rule {
            code: "uk-resale.fees-apart",
            check: Check::FeesApart(&["Standing charge"]),
            severity: Severity::Block,
            text: "beside energy only the standing charge is recovered; administration is billed apart",
            mend: "take the fee out of the tariff and bill it apart, with a [[posting]]",
            source: MRP,
        },
        Rule {
            code: "uk-resale.price-shown",
            check: Check::BillFields(&[Field::PricePaid]),
            severity: Severity::Warn,
            text: "a customer who asks is told the price paid, with evidence",
            mend: "record the supplier's bill of the month with a [[supplier_bill]]",
            source: MRP,
        },
    ],
};
