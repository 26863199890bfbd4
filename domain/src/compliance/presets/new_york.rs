//! New York: residential electric submetering.

use crate::compliance::preset::{Check, Field, Preset, PriceCap, Rule};
use crate::event::Severity;

pub(super) const V1: Preset = Preset {
    name: "new-york",
    version: 1,
    title: "New York: residential submetering",
    scope: "16 NYCRR Part 96; the rate cap is checked per kWh against the price_cap that the site states",
    rules: &[
        Rule {
            code: "new-york.time-of-use-consent",
            check: Check::TimeOfUseConsent,
            severity: Severity::Block,
            text: "time-of-use rates only where the resident has agreed to them",
            mend: "record the consent with a [[consent]], or assign a tariff of one price",
            source: "16 NYCRR 96.6(d)",
        },
        Rule {
            code: "new-york.rate-cap",
            check: Check::PriceCap(PriceCap::Stated),
            severity: Severity::Block,
            text: "no more than the applicable rate cap is charged",
            mend: "lower the price to the rate cap",
            source: "16 NYCRR 96.6(c), 96.2",
        },
        Rule {
            code: "new-york.bill-fields",
            check: Check::BillFields(&[
                Field::Always("the period, the kWh and the rate"),
                Field::Stated("contact", "whom to turn to about billing and complaints, with telephone and address"),
                Field::Stated("rights", "the resident's rights under the Home Energy Fair Practices Act"),
            ]),
            severity: Severity::Block,
            text: "a bill names whom to turn to, and the resident's rights",
            mend: "add the missing text to statements of [[compliance]]",
            source: "16 NYCRR 96.5(c) and (d); Public Service Law, section 53",
        },
        Rule {
            code: "new-york.hold-on-complaint",
            check: Check::HoldOnDispute,
            severity: Severity::Block,
            text: "no termination while a complaint about the charges is open",
            mend: "set cuts.hold_on_dispute = true",
            source: "Public Service Law, section 53; 16 NYCRR 12.3, on complaints",
        },
    ],
};
