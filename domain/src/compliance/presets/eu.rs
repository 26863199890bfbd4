//! European Union: Directive (EU) 2019/944.

use crate::compliance::preset::{Check, Field, Preset, Rule};
use crate::event::Severity;

const ANNEX_I: &str =
    "Directive (EU) 2019/944, Annex I, points 1.1 and 1.2, with Article 18; https://eur-lex.europa.eu/eli/dir/2019/944";
const ARTICLE_28A: &str = "Directive (EU) 2019/944, Article 28a(2), as inserted by Directive (EU) 2024/1711; https://eur-lex.europa.eu/eli/dir/2019/944";

pub(super) const V1: Preset = Preset {
    name: "eu",
    version: 1,
    title: "European Union: bills and disconnections",
    scope: "Annex I's fields that a resale bill can have; national law says who is a supplier",
    rules: &[
        Rule {
            code: "eu.bill-fields",
            check: Check::BillFields(&[
                Field::Always("the price to be paid and its breakdown"),
                Field::Always("electricity consumption of the period"),
                Field::Always("the tariff's name"),
                Field::Always("the supply point's own code"),
                Field::Stated("due", "the date on which payment is due"),
                Field::Stated("contact", "name and contact of the supplier, with hotline and email"),
                Field::Stated("contract_end", "the end of the contract, if it has one"),
                Field::Stated("switching", "that one may switch, and what it brings"),
                Field::Stated("disputes", "out-of-court dispute settlement, and whom to turn to"),
                Field::Stated("contact_point", "the single point of contact"),
                Field::Stated("comparison", "where to find comparison tools"),
            ]),
            severity: Severity::Block,
            text: "a bill shows the fields of Annex I",
            mend: "add the missing text to statements of [[compliance]]",
            source: ANNEX_I,
        },
        Rule {
            code: "eu.hold-on-complaint",
            check: Check::HoldOnDispute,
            severity: Severity::Block,
            text: "nobody is cut on grounds about which a complaint or dispute settlement is open",
            mend: "set cuts.hold_on_dispute = true",
            source: ARTICLE_28A,
        },
    ],
};
