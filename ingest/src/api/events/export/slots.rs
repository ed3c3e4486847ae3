//! Bounds the number of exports that run at the same time, because each one holds pages in memory while its client reads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Maximum number of exports in this process.
const MAX_EXPORTS: usize = 10;
/// Maximum number of a user's exports in this process.
const MAX_PER_USER: usize = 2;

/// The running exports of each user.
#[derive(Debug, Default)]
pub struct ExportSlots(Mutex<HashMap<i64, usize>>);

/// A running export. Dropping it frees its slot.
pub(crate) struct ExportSlot {
    slots: Arc<ExportSlots>,
    user: i64,
}

impl ExportSlots {
    /// Takes a slot for a user; `None` if too many exports are running.
    pub(crate) fn take(self: &Arc<Self>, user: i64) -> Option<ExportSlot> {
        let mut running = self.running();
        if running.values().sum::<usize>() >= MAX_EXPORTS || running.get(&user).is_some_and(|count| *count >= MAX_PER_USER) {
            return None;
        }
        *running.entry(user).or_default() += 1;
        Some(ExportSlot { slots: Arc::clone(self), user })
    }

    fn running(&self) -> MutexGuard<'_, HashMap<i64, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ExportSlot {
    fn drop(&mut self) {
        let mut running = self.slots.running();
        if let Some(count) = running.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                running.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exports_are_bounded_per_user_and_in_total() {
        let slots = Arc::new(ExportSlots::default());
        let mut taken: Vec<Option<ExportSlot>> = (0..MAX_EXPORTS).map(|at| slots.take(at as i64 / 2)).collect();
        assert!(taken.iter().all(Option::is_some));
        assert!(slots.take(99).is_none(), "the process is full");
        taken.truncate(MAX_EXPORTS - 1);
        assert!(slots.take(0).is_none(), "the user has two already");
        assert!(slots.take(99).is_some());
    }
}
