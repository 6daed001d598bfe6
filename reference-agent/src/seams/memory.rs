//! What faults remember.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use serde_json::Value;

/// What one fault remembers from request to request, in one agent.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    count: AtomicU64,
    busy: AtomicU64,
    value: Mutex<Value>,
}

impl Memory {
    /// 0 the first time, 1 the second, and so on.
    pub(crate) fn count(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed)
    }

    /// How often [`Memory::count`] was called.
    pub(crate) fn counted(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// How many [`Busy`] there are.
    pub(crate) fn busy(&self) -> u64 {
        self.busy.load(Ordering::Relaxed)
    }

    /// Changes what is remembered, which is null at first.
    pub(crate) fn with<T>(&self, change: impl FnOnce(&mut Value) -> T) -> T {
        change(&mut self.value.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Leaves `value` behind, and takes what was left there before.
    pub(crate) fn swap(&self, value: Value) -> Value {
        self.with(|kept| std::mem::replace(kept, value))
    }
}

/// Counts for as long as it lives.
pub(crate) struct Busy(Arc<Memory>);

impl Busy {
    pub(crate) fn with(memory: Arc<Memory>) -> Self {
        memory.busy.fetch_add(1, Ordering::Relaxed);
        Self(memory)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}
