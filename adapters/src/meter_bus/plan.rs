//! Which blocks a poll reads. On RTU a late reply carries nothing but its
//! unit, function and length: so the blocks of a meter differ in length
//! wherever the map lets them, and none is taken for another.

use std::collections::BTreeSet;

use super::Block;
use super::profile::{Profile, Quantity, Register};

impl Profile {
    /// The blocks of a poll: serial, clock, mode of the relay, power, energy
    /// with its rates, and the relay itself.
    pub fn poll_blocks(&self) -> Vec<Block> {
        let wanted = [Quantity::Serial, Quantity::Clock, Quantity::RelayMode, Quantity::PowerW];
        let mut registers: Vec<&Register> = wanted.iter().filter_map(|quantity| self.whole(*quantity)).collect();
        registers.extend(self.energy());
        registers.extend(self.rates());
        let mut blocks = self.cover(registers);
        blocks.extend(self.relay_block().filter(|relay| !blocks.iter().any(|block| block.holds(*relay))));
        blocks
    }

    /// The block of the serial, the first of the relay's sequence.
    pub fn serial_block(&self) -> Option<Block> {
        self.whole(Quantity::Serial).map(Block::of)
    }

    /// The blocks of the currents.
    pub fn current_blocks(&self) -> Vec<Block> {
        self.cover(self.currents().collect())
    }

    /// Blocks over these registers, joined where the map has no hole between them.
    fn cover(&self, mut registers: Vec<&Register>) -> Vec<Block> {
        registers.sort_by_key(|register| (register.fc, register.address));
        let mut blocks: Vec<Block> = Vec::new();
        for register in registers {
            let next = Block::of(register);
            let joined = blocks.last().and_then(|last| last.to(next)).filter(|block| {
                block.count <= self.max_registers && (block.address..block.end()).all(|word| self.maps(block.fc, word))
            });
            match (joined, blocks.last_mut()) {
                (Some(joined), Some(last)) => *last = joined,
                _ => blocks.push(next),
            }
        }
        self.tell_apart(blocks)
    }

    fn bills(&self, block: Block) -> bool {
        self.energy().is_some_and(|energy| block.holds(Block::of(energy)))
    }

    fn maps(&self, fc: u8, word: u16) -> bool {
        self.registers.iter().any(|register| register.fc == fc && Block::of(register).covers(word))
    }

    /// Lengthens blocks by mapped neighbours until lengths differ. One that
    /// cannot be told apart from the energy's, or from another, is left out.
    fn tell_apart(&self, mut blocks: Vec<Block>) -> Vec<Block> {
        let mut taken = BTreeSet::new();
        blocks.sort_by_key(|block| !self.bills(*block));
        blocks.retain_mut(|block| {
            let mut longer = *block;
            while taken.contains(&(longer.fc, longer.count)) && longer.count < self.max_registers {
                if self.maps(longer.fc, longer.end()) {
                    longer.count = longer.count.saturating_add(1);
                } else if let Some(before) = longer.address.checked_sub(1).filter(|word| self.maps(longer.fc, *word)) {
                    longer = Block { address: before, count: longer.count.saturating_add(1), ..longer };
                } else {
                    break;
                }
            }
            *block = longer;
            taken.insert((longer.fc, longer.count))
        });
        blocks.sort();
        blocks
    }
}
