//! A meter model: where its registers are and what they mean. The schema of
//! its file is in `profiles/README.md`.

use super::order::Writes;

/// What a register shows. The name carries its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Energy drawn.
    ImportKwh,
    /// Energy given back.
    ExportKwh,
    /// Import and export together.
    TotalKwh,
    /// Reactive energy drawn.
    ReactiveImportKvarh,
    /// Reactive energy given back.
    ReactiveExportKvarh,
    /// Both together.
    ReactiveTotalKvarh,
    /// Active power; given back it is negative.
    PowerW,
    /// Reactive power.
    ReactivePowerVar,
    /// Apparent power.
    ApparentPowerVa,
    /// Voltage.
    VoltageV,
    /// Current.
    CurrentA,
    /// Power factor.
    PowerFactor,
    /// Frequency.
    FrequencyHz,
    /// The device's serial.
    Serial,
    /// The device's clock.
    Clock,
    /// Its address on the bus.
    UnitId,
    /// The rate that counts now.
    TariffNow,
    /// The meter's own prepaid balance: never written.
    PrepaidKwh,
    /// The meter's own overdraft: never written.
    OverdraftKwh,
    /// Who moves the relay.
    RelayMode,
    /// The meter's own power limit.
    PowerLimitKw,
    /// The meter's own load control.
    LoadControlS,
    /// Its radio.
    NetworkStatus,
}

/// Bits on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Type {
    /// Unsigned, a word.
    U16,
    /// Signed, a word.
    I16,
    /// Unsigned, two words.
    U32,
    /// Signed, two words.
    I32,
    /// IEEE 754, two words.
    F32,
    /// Unsigned, four words.
    U64,
    /// Signed, four words.
    I64,
    /// IEEE 754, four words.
    F64,
    /// Characters, two a word.
    Ascii,
    /// Year, month, day, hour, minute and second, a byte each.
    Ymdhms6,
}

impl Type {
    /// How many words it has, where the type says so.
    pub const fn words(self) -> Option<u16> {
        match self {
            Self::U16 | Self::I16 => Some(1),
            Self::U32 | Self::I32 | Self::F32 => Some(2),
            Self::U64 | Self::I64 | Self::F64 => Some(4),
            Self::Ymdhms6 => Some(3),
            Self::Ascii => None,
        }
    }
}

/// A decimal that multiplies: `mantissa × 10^−decimals`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    /// Greater than 0.
    pub mantissa: i64,
    /// At most 9.
    pub decimals: u8,
}

/// A register of a meter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Register {
    /// What it shows.
    pub quantity: Quantity,
    /// One phase or pair of phases; none is the whole meter.
    pub phase: Option<String>,
    /// The rate, from 1; none is all rates together.
    pub tariff: Option<u8>,
    /// Function code to read it: 3 or 4.
    pub fc: u8,
    /// Its first word, as on the wire.
    pub address: u16,
    /// How many words.
    pub words: u16,
    /// What the words mean.
    pub kind: Type,
    /// The low word comes first.
    pub little: bool,
    /// Value = raw × scale.
    pub scale: Scale,
    /// The raw value that means none.
    pub invalid: Option<u64>,
    /// How many characters count.
    pub length: Option<usize>,
}

/// How the meter's serial port leaves the factory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Port {
    /// Bits a second.
    pub baud: u32,
    /// `N`, `E` or `O`.
    pub parity: char,
    /// 7 or 8.
    pub data_bits: u8,
    /// 1 or 2.
    pub stop_bits: u8,
}

/// A meter model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The file's name without `.toml`.
    pub id: String,
    /// What tells this file from an edited one: 32 hexadecimal digits, derived from its bytes.
    pub version: String,
    /// Who makes it, and what it is called.
    pub name: String,
    /// 1 or 3.
    pub phases: u8,
    /// Factory settings of its port.
    pub port: Port,
    /// The most words of one read.
    pub max_registers: u16,
    /// The smallest step of its counters, kWh, where a document states it.
    pub resolution: Option<Scale>,
    /// Every register.
    pub registers: Vec<Register>,
    pub(super) writes: Writes,
}

impl Profile {
    /// The register that bills: import of the whole meter over all rates, or
    /// where there is none, import and export together.
    pub fn energy(&self) -> Option<&Register> {
        let whole = |quantity| {
            self.registers.iter().find(|r| r.quantity == quantity && r.phase.is_none() && r.tariff.is_none())
        };
        whole(Quantity::ImportKwh).or_else(|| whole(Quantity::TotalKwh))
    }

    /// The first register of a quantity, of the whole meter.
    pub fn whole(&self, quantity: Quantity) -> Option<&Register> {
        self.registers.iter().find(|r| r.quantity == quantity && r.phase.is_none() && r.tariff.is_none())
    }

    /// The registers of the rates, of the quantity that bills.
    pub fn rates(&self) -> impl Iterator<Item = &Register> {
        let quantity = self.energy().map(|energy| energy.quantity);
        self.registers.iter().filter(move |r| Some(r.quantity) == quantity && r.phase.is_none() && r.tariff.is_some())
    }

    /// The registers that show the current: of the phases, or of the whole meter.
    pub fn currents(&self) -> impl Iterator<Item = &Register> {
        self.registers.iter().filter(|r| r.quantity == Quantity::CurrentA)
    }

    /// Where the relay's state is read; none where there is no relay.
    pub fn relay_block(&self) -> Option<super::Block> {
        self.writes.relay_block()
    }

    /// What a word read from the relay's block means: whether the load is connected.
    pub fn relay_is_on(&self, word: u16) -> Option<bool> {
        self.writes.relay_is_on(word)
    }

    /// The value of the relay's mode under which the meter obeys.
    pub fn remote_mode(&self) -> Option<u16> {
        self.writes.remote_mode()
    }
}
