//! Bodies of requests that were judged right before: a judgement is the same for the same
//! bytes, so that a busy question is read and judged once.

use std::sync::Arc;

use ahash::RandomState;
use bytes::Bytes;
use moka::sync::Cache;
use serde_json::Value;

/// What a body of `/invoke` and its like asks.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) input: Arc<Value>,
    /// The input as canonical JSON (RFC 8785).
    pub(crate) canonical: Arc<str>,
    pub(crate) config_id: Option<String>,
}

/// A longer body is judged each time: those that come again are short.
const LONGEST_BODY: usize = 4096;

/// How much memory the bodies may take, with what was read out of them.
const SIZE: u64 = 8 * 1024 * 1024;

/// A body is kept as bytes, as canonical JSON and as a tree: several times its length.
const OVERHEAD: usize = 1024;

/// The judgements of one agent.
#[derive(Debug)]
pub(crate) struct Judgements(Cache<Bytes, Arc<Question>, RandomState>);

impl Judgements {
    pub(crate) fn new() -> Self {
        let weigh = |body: &Bytes, _: &Arc<Question>| {
            u32::try_from(body.len() * 8 + OVERHEAD).unwrap_or(u32::MAX)
        };
        let cache = Cache::builder().weigher(weigh).max_capacity(SIZE);
        Self(cache.build_with_hasher(RandomState::new()))
    }

    /// What the body asks, if that is remembered.
    pub(crate) fn recall(&self, body: &[u8]) -> Option<Arc<Question>> {
        self.0.get(body)
    }

    /// What the body asks, from memory or after `judge`; a refusal is not remembered.
    pub(crate) fn of<E>(
        &self,
        body: &[u8],
        judge: impl FnOnce() -> Result<Question, E>,
    ) -> Result<Arc<Question>, E> {
        if body.len() > LONGEST_BODY {
            return judge().map(Arc::new);
        }
        if let Some(question) = self.0.get(body) {
            return Ok(question);
        }
        let question = Arc::new(judge()?);
        // A copy: the bytes themselves may be a part of a much larger buffer.
        self.0
            .insert(Bytes::copy_from_slice(body), question.clone());
        Ok(question)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn question(city: &str) -> Question {
        Question {
            input: Arc::new(json!({"city": city})),
            canonical: city.into(),
            config_id: None,
        }
    }

    #[test]
    fn a_body_is_judged_once_and_a_refusal_each_time() {
        let judgements = Judgements::new();
        let mut judged = 0;
        for _ in 0..3 {
            let told = judgements.of(b"right", || {
                judged += 1;
                Ok::<_, ()>(question("Oslo"))
            });
            assert_eq!(told.map(|q| q.canonical.to_string()), Ok("Oslo".to_owned()));
            let told = judgements.of(b"wrong", || {
                judged += 1;
                Err(())
            });
            assert!(told.is_err());
        }
        assert_eq!(judged, 1 + 3);
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let judgements = Judgements::new();
        for n in 0..20_000 {
            let body = format!("{n:01000}");
            let _ = judgements.of(body.as_bytes(), || Ok::<_, ()>(question("Oslo")));
        }
        judgements.0.run_pending_tasks();
        assert!(judgements.0.weighted_size() <= SIZE);
        let long = vec![b' '; LONGEST_BODY + 1];
        let count = judgements.0.entry_count();
        let _ = judgements.of(&long, || Ok::<_, ()>(question("Oslo")));
        judgements.0.run_pending_tasks();
        assert_eq!(judgements.0.entry_count(), count);
    }
}
