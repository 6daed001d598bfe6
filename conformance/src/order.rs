//! Another order of asking, from a seed. A verdict must not depend on the order.
//!
//! Some of it stays: what the probe is read off comes first, as all else is asked with what it
//! tells; and last comes what may leave an agent in a bad state, or eats what it allows.

use crate::cases::Rng;
use crate::evidence::Topic;

/// What is asked in every run, and first: the probe is read off it.
pub(crate) const PROBED: &[Topic] = &[Topic::Documents, Topic::UnknownPath, Topic::Discovery];
/// What stays at the end, in this order: the documents are compared with what they were at first,
/// clients misbehave, and the allowance is used up.
const LAST: &[Topic] = &[
    Topic::Reread,
    Topic::StreamLeave,
    Topic::Oversized,
    Topic::Abort,
    Topic::RateLimit,
];
/// Chances of their own, apart from the cases'.
const STREAM: u64 = 0x6f_7264_6572;
const RULES: u64 = 0x72_756c_6573;

/// The order in which so many rules are judged; the usual one without a seed.
pub(crate) fn of_rules(count: usize, seed: Option<u64>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    if let Some(seed) = seed {
        Rng::new(seed, RULES).shuffle(&mut order);
    }
    order
}

/// Puts topics, which are in the usual order, into another one.
pub(crate) fn shuffle(topics: &mut [Topic], seed: u64) {
    let is_first = |topic: &Topic| PROBED.contains(topic);
    let is_last = |topic: &Topic| LAST.contains(topic);
    let begin = topics.iter().take_while(|topic| is_first(topic)).count();
    let end = topics.len()
        - topics
            .iter()
            .rev()
            .take_while(|topic| is_last(topic))
            .count();
    if let Some(middle) = topics.get_mut(begin..end) {
        Rng::new(seed, STREAM).shuffle(middle);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn shuffled(seed: u64) -> Vec<Topic> {
        let mut topics = Topic::ALL.to_vec();
        shuffle(&mut topics, seed);
        topics
    }

    #[test]
    fn a_seed_is_an_order_and_another_seed_another_one() {
        assert_eq!(shuffled(1), shuffled(1));
        let orders: BTreeSet<Vec<Topic>> = (0..20).map(shuffled).collect();
        assert_eq!(orders.len(), 20);
        for order in orders {
            let all: BTreeSet<Topic> = order.iter().copied().collect();
            assert_eq!(all.len(), Topic::ALL.len());
        }
    }

    #[test]
    fn what_is_learnt_first_and_what_does_harm_stay_where_they_are() {
        let topics = shuffled(7);
        assert_eq!(&topics[..PROBED.len()], PROBED);
        assert_eq!(&topics[topics.len() - LAST.len()..], LAST);
        assert_eq!(&Topic::ALL[Topic::ALL.len() - LAST.len()..], LAST);
    }

    #[test]
    fn rules_are_judged_in_another_order_and_each_once() {
        assert_eq!(of_rules(4, None), [0, 1, 2, 3]);
        let order = of_rules(100, Some(3));
        assert_ne!(order, of_rules(100, None));
        assert_eq!(order, of_rules(100, Some(3)));
        let all: BTreeSet<usize> = order.into_iter().collect();
        assert_eq!(all.len(), 100);
    }

    #[test]
    fn nothing_and_little_can_be_shuffled() {
        for topics in [&mut [][..], &mut [Topic::Abort], &mut [Topic::Documents]] {
            shuffle(topics, 1);
        }
    }
}
