//! Minnesota: shared-metered residential buildings.

use crate::compliance::preset::{Check, Field, Preset, PriceCap, Rule};
use crate::event::Severity;

pub(super) const V1: Preset = Preset {
    name: "minnesota",
    version: 1,
    title: "Minnesota: shared-metered residential buildings",
    scope: "electricity billed apart from the rent, since 1 January 2025",
    rules: &[
        Rule {
            code: "minnesota.no-apportioning",
            check: Check::NoApportioning,
            severity: Severity::Block,
            text: "a landlord who bills electricity apart from the rent must not apportion it",
            mend: "let the landlord bear the pool: publish a rule without units, or none",
            source: "Minn. Stat. 216B.023, subd. 2(a)(1); Minn. Stat. 504B.216",
        },
        Rule {
            code: "minnesota.actual-readings",
            check: Check::ActualReadings,
            severity: Severity::Warn,
            text: "bills are based on actual submeter readings",
            mend: "bring in the missing readings; what they change comes as an adjustment",
            source: "Minn. Stat. 216B.023, subd. 1(a)",
        },
        Rule {
            code: "minnesota.price-paid",
            check: Check::PriceCap(PriceCap::PricePaid),
            severity: Severity::Block,
            text: "the rate is at most the one at which the landlord is billed",
            mend: "lower the price to the one on the utility's bill",
            source: "Minn. Stat. 216B.023, subd. 1(c)(3) and 2(b); 216B.022",
        },
        Rule {
            code: "minnesota.bill-fields",
            check: Check::BillFields(&[
                Field::Always("the rate, the amount at that rate and the total"),
                Field::Always("the tenant's portion of taxes"),
                Field::PricePaid,
                Field::Stated("due", "the date by which payment is due, and the late payment charge"),
            ]),
            severity: Severity::Block,
            text: "a bill shows the rate billed to the tenant and to the landlord, taxes, total and due date",
            mend: "record the utility's bill with a [[supplier_bill]], and add missing texts to statements of [[compliance]]",
            source: "Minn. Stat. 216B.023, subd. 1(c)",
        },
        Rule {
            code: "minnesota.retention",
            check: Check::Retention(2),
            severity: Severity::Block,
            text: "a tenant who asks gets copies of the utility's bills of the last two years",
            mend: "keep bills for at least two years: raise retention_years, or leave it out",
            source: "Minn. Stat. 504B.216 (formerly 504B.215, subd. 2a)",
        },
    ],
};
