//! Where defects are collected, bounded: a stream of nothing but defects costs no memory.

use super::defect::{Defect, DefectKind, Tier};

/// Where in the stream something stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) line: u64,
}

/// What was not recorded because the limit was reached.
struct LeftOut {
    first: Span,
    tier: Tier,
    count: u64,
}

/// All defects so far.
pub(super) struct Log {
    defects: Vec<Defect>,
    /// The limit on grammar and lost defects, and how many of these are recorded.
    limit: usize,
    recorded: usize,
    /// The kinds of notes that are recorded, a bit each.
    noted: u64,
    left_out: Option<LeftOut>,
    grammar_valid: bool,
}

impl Log {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            defects: Vec::new(),
            limit,
            recorded: 0,
            noted: 0,
            left_out: None,
            grammar_valid: true,
        }
    }

    /// Records a note, unless one of its kind is: `at` is asked for only then.
    #[inline]
    pub(super) fn note(&mut self, kind: DefectKind, at: impl FnOnce() -> Span) {
        if !self.has_noted(kind) {
            self.note_first(kind, at());
        }
    }

    #[cold]
    fn note_first(&mut self, kind: DefectKind, at: Span) {
        self.noted |= 1 << kind as u64;
        self.keep(kind, kind.tier(), at, "");
    }

    #[inline]
    pub(super) fn has_noted(&self, kind: DefectKind) -> bool {
        self.noted & (1 << kind as u64) != 0
    }

    /// Records a grammar or lost defect, or counts it if there are too many already.
    /// `seen` is the excerpt that stands in its message.
    pub(super) fn record(&mut self, kind: DefectKind, at: Span, seen: impl FnOnce() -> String) {
        let tier = kind.tier();
        self.grammar_valid &= tier != Tier::Grammar;
        if self.recorded < self.limit {
            self.recorded += 1;
            return self.keep(kind, tier, at, &seen());
        }
        let left_out = self.left_out.get_or_insert(LeftOut {
            first: at,
            tier,
            count: 0,
        });
        left_out.count += 1;
        left_out.tier = left_out.tier.min(tier);
    }

    /// Records a defect whatever the limit says: for those that occur once at most.
    pub(super) fn keep(&mut self, kind: DefectKind, tier: Tier, at: Span, seen: &str) {
        self.defects.push(Defect {
            kind,
            offset: at.offset,
            length: at.length,
            tier,
            line: at.line,
            message: kind.message(seen),
        });
    }

    /// The defects by offset, and whether the grammar holds.
    pub(super) fn finish(mut self) -> (Vec<Defect>, bool) {
        if let Some(left_out) = self.left_out.take() {
            let seen = left_out.count.to_string();
            self.keep(
                DefectKind::DefectsLeftOut,
                left_out.tier,
                left_out.first,
                &seen,
            );
        }
        self.defects.sort_by_key(|d| (d.offset, d.kind));
        (self.defects, self.grammar_valid)
    }
}
