//! An intake in memory: for a source that can be read again, such as a site
//! folder, and for tests. Its items are gone with the process.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::event::EventId;

use super::{Intake, IntakeError, Item, Place, check_size, check_taken};

#[derive(Debug, Default)]
struct State {
    items: BTreeMap<u64, (EventId, Vec<u8>)>,
    places: HashMap<EventId, u64>,
    last: u64,
}

/// An intake in memory.
#[derive(Debug, Default)]
pub struct MemoryIntake {
    state: Arc<Mutex<State>>,
    taken: Place,
}

impl MemoryIntake {
    /// An empty intake.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same intake, opened once more.
    #[must_use]
    pub fn reopen(&self) -> Self {
        Self { state: Arc::clone(&self.state), taken: Place(0) }
    }

    // Each change is made after every check, so a poisoned state is still whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intake for MemoryIntake {
    fn offer(&mut self, id: EventId, bytes: &[u8]) -> Result<(), IntakeError> {
        check_size(bytes)?;
        let mut state = self.state();
        if let Some(place) = state.places.get(&id) {
            let same = state.items.get(place).is_some_and(|(_, held)| held == bytes);
            return if same { Ok(()) } else { Err(IntakeError::IdReused(id)) };
        }
        state.last = state.last.saturating_add(1);
        let place = state.last;
        state.items.insert(place, (id, bytes.to_vec()));
        state.places.insert(id, place);
        Ok(())
    }

    fn take(&mut self, limit: usize) -> Result<Vec<Item>, IntakeError> {
        let from = self.taken.0.saturating_add(1);
        let items: Vec<Item> = self
            .state()
            .items
            .range(from..)
            .take(limit)
            .map(|(place, (id, bytes))| Item { place: Place(*place), id: *id, bytes: bytes.clone() })
            .collect();
        self.taken = items.last().map_or(self.taken, |item| item.place);
        Ok(items)
    }

    fn acknowledge(&mut self, up_to: Place) -> Result<(), IntakeError> {
        check_taken(up_to, self.taken)?;
        let mut state = self.state();
        let later = state.items.split_off(&up_to.0.saturating_add(1));
        let forgotten = std::mem::replace(&mut state.items, later);
        for (id, _) in forgotten.into_values() {
            state.places.remove(&id);
        }
        Ok(())
    }
}
