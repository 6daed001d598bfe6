//! How long to wait before something that failed is tried again.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// This long at first, twice as long each time after that, and never longer than `most`.
pub(crate) fn pause(first: Duration, most: Duration, doublings: u32) -> Duration {
    first.saturating_mul(1 << doublings.min(16)).min(most)
}

/// From 0 to 1: those who fail together shall not come back together. The seeds of the
/// standard library's hashers differ from one to the next.
pub(crate) fn chance() -> f64 {
    RandomState::new().hash_one(0) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_chances_vary() {
        let pause = |doublings| {
            let (first, most) = (Duration::from_millis(100), Duration::from_secs(2));
            pause(first, most, doublings).as_millis()
        };
        assert_eq!(
            [0, 1, 2, 5, u32::MAX].map(pause),
            [100, 200, 400, 2000, 2000]
        );
        let chances = [chance(), chance(), chance()];
        assert!(chances.iter().all(|chance| (0.0..=1.0).contains(chance)));
        assert!(chances[0] != chances[1] || chances[1] != chances[2]);
    }
}
