//! The targets on what they begin with, and on bytes left to chance.

use proptest::collection::vec;
use proptest::prelude::*;

use super::TARGETS;

/// How many of a target's seeds are tried here.
const SEEDS: usize = 40;

#[test]
fn each_target_holds_for_what_it_begins_with() {
    for (name, target, seeds) in TARGETS {
        let seeds = seeds();
        assert!(seeds.len() >= 10, "{name}: only {} seeds", seeds.len());
        // The fuzzers themselves take all.
        let some = seeds.iter().step_by(seeds.len().div_ceil(SEEDS));
        some.for_each(|seed| target(seed));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_target_holds_for_any_bytes(bytes in vec(any::<u8>(), 0..2_000)) {
        TARGETS.iter().for_each(|(_, target, _)| target(&bytes));
    }

    #[test]
    fn each_target_holds_for_what_is_like_its_seeds(
        at in any::<prop::sample::Index>(),
        places in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        for (_, target, seeds) in TARGETS {
            let seeds = seeds();
            let mut bytes = at.get(&seeds).clone();
            for (place, byte) in places.iter().filter(|_| !bytes.is_empty()).cloned().collect::<Vec<_>>() {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            target(&bytes);
        }
    }
}
