//! The store of configurations.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use crate::{
    failure::Failure,
    preferences::Preferences,
    settings::{Error, Settings},
};

/// The version of a configuration that `/invoke` uses.
#[derive(Debug, Clone)]
pub(crate) struct Active {
    pub(crate) version: String,
    pub(crate) preferences: Preferences,
}

/// Stored configurations, of which the oldest is forgotten when there are too many: a
/// client cannot fill the memory, and whoever configures now is always served.
#[derive(Debug)]
pub(crate) struct Store {
    limit: usize,
    shelf: Mutex<Shelf>,
}

#[derive(Debug, Default)]
struct Shelf {
    by_id: HashMap<String, Preferences>,
    oldest_first: VecDeque<String>,
}

impl Store {
    pub(crate) fn open(settings: &Settings) -> Result<Self, Error> {
        Ok(Self::holding(settings.config_limit))
    }

    fn holding(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            shelf: Mutex::default(),
        }
    }

    /// The active version of a configuration.
    pub(crate) fn find(&self, id: &str) -> Result<Option<Active>, Failure> {
        let shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        let found = shelf.by_id.get(id).cloned();
        Ok(found.map(|preferences| Active {
            version: "v1".to_owned(),
            preferences,
        }))
    }

    /// How many configurations there are.
    pub(crate) fn count(&self) -> usize {
        let shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.by_id.len()
    }

    pub(crate) fn keep(&self, id: String, preferences: Preferences) {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        if shelf.by_id.insert(id.clone(), preferences).is_none() {
            shelf.oldest_first.push_back(id);
        }
        while shelf.oldest_first.len() > self.limit {
            if let Some(oldest) = shelf.oldest_first.pop_front() {
                shelf.by_id.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_configuration_goes_when_the_store_is_full() {
        let store = Store::holding(2);
        for id in ["a", "b", "a", "c"] {
            store.keep(id.to_owned(), Preferences::default());
        }
        assert!(store.find("a").expect("read").is_none());
        assert!(
            store.find("b").expect("read").is_some() && store.find("c").expect("read").is_some()
        );
    }
}
