//! Hong Kong: landlords of subdivided units.

use crate::compliance::preset::{Check, Field, Preset, Rule};
use crate::event::Severity;

const CAP_7: &str = "Landlord and Tenant (Consolidation) Ordinance (Cap. 7), Part IVA, reimbursement of charges for specified utilities; https://www.clic.org.hk/en/topics/landlord_tenant/subdividedFlats/overcharging_fees_and_charges";

pub(super) const V1: Preset = Preset {
    name: "hk",
    version: 1,
    title: "Hong Kong: electricity charged by landlords of subdivided units",
    scope: "regulated tenancies under Part IVA of Cap. 7; overcharging is an offence",
    rules: &[
        Rule {
            code: "hk.source-bill",
            check: Check::SupplierBillThere,
            severity: Severity::Block,
            text: "copies of the bills that cover the charges are produced when payment is asked for",
            mend: "record the supplier's bill of the month with a [[supplier_bill]]",
            source: CAP_7,
        },
        Rule {
            code: "hk.shared-within-bill",
            check: Check::SharedWithinBill,
            severity: Severity::Block,
            text: "the apportioned amounts together are at most the billed amount",
            mend: "lower the pool's tariff so that it recovers no more than the supplier's bill",
            source: CAP_7,
        },
        Rule {
            code: "hk.recovered-within-bill",
            check: Check::RecoveredWithinBill,
            severity: Severity::Block,
            text: "what tenants reimburse in all is at most what was billed to the landlord",
            mend: "lower the units' tariffs so that they recover no more than the supplier's bill",
            source: CAP_7,
        },
        Rule {
            code: "hk.account-in-writing",
            check: Check::BillFields(&[
                Field::Always("how the billed amount is apportioned"),
                Field::Stated("payer", "the landlord, as the payer named in the supplier's bills"),
            ]),
            severity: Severity::Block,
            text: "an account in writing shows how the billed amounts are apportioned; the landlord is the payer named in the bills",
            mend: "add the missing text to statements of [[compliance]]",
            source: CAP_7,
        },
    ],
};
