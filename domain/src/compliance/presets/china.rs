//! Mainland China: electricity passed on by landlords (转供电).

use crate::compliance::preset::{Check, Preset, PriceCap, Rule};
use crate::event::Severity;

const NDRC: &str = "国家发展改革委办公厅 发改办价格〔2018〕787号 (fees of passing electricity on); 国办函〔2020〕129号 (no mark-up on water, power, gas and heat)";

pub(super) const V1: Preset = Preset {
    name: "china",
    version: 1,
    title: "Mainland China: electricity passed on by landlords (转供电)",
    scope: "landlords who pass on the grid company's electricity to tenants",
    rules: &[
        Rule {
            code: "china.no-mark-up",
            check: Check::PriceCap(PriceCap::PricePaid),
            severity: Severity::Block,
            text: "a kWh costs the end user at most what the landlord pays the grid company",
            mend: "lower the price to the one on the grid company's bill",
            source: NDRC,
        },
        Rule {
            code: "china.shared-within-bill",
            check: Check::SharedWithinBill,
            severity: Severity::Block,
            text: "shared electricity and losses are shared at cost, without a surplus",
            mend: "lower the pool's tariff so that it recovers no more than the grid company's bill",
            source: NDRC,
        },
        Rule {
            code: "china.recovered-within-bill",
            check: Check::RecoveredWithinBill,
            severity: Severity::Block,
            text: "what end users pay in all is at most what the landlord pays the grid company",
            mend: "lower the units' tariffs so that they recover no more than the grid company's bill",
            source: NDRC,
        },
    ],
};
