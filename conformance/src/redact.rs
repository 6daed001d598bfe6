//! Keeping the user's secrets out of everything that leaves the process.
//!
//! An agent may echo what it was sent, and not always as it was: `fold` undoes
//! what can be undone letter by letter, and here base64 and hexadecimal digits are looked for as
//! well, and what a cut or a split has left of a secret.

use std::borrow::Cow;
use std::collections::HashSet;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::credentials::{altered, is_harmless, is_telling};
use crate::fold;
use crate::wire::Read;

/// What stands in a secret's place.
pub(crate) const REDACTED: &str = "<redacted>";

/// Shorter values are not looked for in texts: they would be found everywhere.
const SHORTEST: usize = 4;
/// So much of a credential is redacted wherever it stands: whoever knows it has little left to guess.
const FRAGMENT: usize = 8;
/// So little of a secret is redacted where a text was cut, or beside a fragment of it.
const STUMP: usize = 3;
/// The mark of a cut: what `shorten` and its like write.
const CUT: &[u8] = "…".as_bytes();
/// How far from a fragment the rest of the secret is looked for.
const NEAR: usize = 300;

type Range = std::ops::Range<usize>;

/// Knows the secrets, and takes them out.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    names: Vec<String>,
    values: Vec<String>,
    /// Of these, fragments are redacted too; in small letters.
    credentials: Vec<Vec<u8>>,
    finder: Option<AhoCorasick>,
    /// Finds the fragments of credentials, also where one begins within another.
    fragments: Option<AhoCorasick>,
    /// Whence each of them is: which credential, and from what byte on.
    origins: Vec<(usize, usize)>,
}

impl Redactor {
    /// Redacts the values of these header fields, with and without a scheme before them; and what
    /// the drives make of them.
    #[must_use]
    pub fn new(headers: &[(String, String)]) -> Self {
        let mut redactor = Self::default();
        for (name, value) in headers {
            if is_harmless(name) {
                continue;
            }
            redactor.names.push(name.to_ascii_lowercase());
            let value = value.trim();
            let token = value.split_once(' ').map(|(_, token)| token.trim());
            if is_telling(name) {
                let secret = token.filter(|_| !value.contains(';')).unwrap_or(value);
                redactor.credentials.extend(small_forms(secret));
            }
            let all = [Some(value), token].into_iter().flatten();
            redactor.values.extend(all.map(str::to_owned));
        }
        let derived = |secret: &String| altered(secret).into_iter().map(|(_, text)| text);
        let derived: Vec<String> = redactor.values.iter().flat_map(derived).collect();
        redactor.values.extend(derived);
        redactor.settle();
        redactor
    }

    /// Redacts these too, wherever they stand.
    #[must_use]
    pub(crate) fn and(mut self, secrets: &[String]) -> Self {
        self.values.extend_from_slice(secrets);
        let credentials = secrets.iter().flat_map(|secret| small_forms(secret));
        self.credentials.extend(credentials);
        self.settle();
        self
    }

    fn settle(&mut self) {
        let can_be_replaced = |value: &str| value.len() >= SHORTEST && !REDACTED.contains(value);
        self.values.retain(|value| can_be_replaced(value));
        self.values.sort_unstable();
        self.values.dedup();
        let forms = self.values.iter().flat_map(|value| forms(value));
        // The longest wins: a token stands within its header's value.
        let finder = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .ascii_case_insensitive(true)
            .build(forms);
        self.finder = finder.ok().filter(|_| !self.values.is_empty());
        self.find_fragments();
    }

    fn find_fragments(&mut self) {
        let mut known: HashSet<&[u8]> = HashSet::new();
        let mut fragments: Vec<&[u8]> = Vec::new();
        self.origins.clear();
        for (which, credential) in self.credentials.iter().enumerate() {
            for (at, window) in credential.windows(FRAGMENT).enumerate() {
                let is_ours = memchr::memmem::find(REDACTED.as_bytes(), window).is_some();
                if !is_ours && known.insert(window) {
                    fragments.push(window);
                    self.origins.push((which, at));
                }
            }
        }
        let finder = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(&fragments);
        self.fragments = finder.ok().filter(|_| !fragments.is_empty());
    }

    /// A header field's value, as it may be shown.
    #[must_use]
    pub(crate) fn header(&self, name: &str, value: &str) -> String {
        let is_secret = |secret: &String| name.eq_ignore_ascii_case(secret);
        // That nothing stands there is no secret, and says that none was sent.
        match !value.is_empty() && self.names.iter().any(is_secret) {
            true => REDACTED.to_owned(),
            false => self.text(value),
        }
    }

    /// A text without secrets.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        match self.clean(text.as_bytes()) {
            Cow::Borrowed(_) => text.to_owned(),
            Cow::Owned(clean) => String::from_utf8_lossy(&clean).into_owned(),
        }
    }

    /// Whether it knows no secret at all.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty() && self.values.is_empty()
    }

    /// Bytes without secrets.
    #[must_use]
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        self.clean(bytes).into_owned()
    }

    /// A body without secrets, and its arrivals moved with it: a secret has arrived when the whole
    /// of it has.
    #[must_use]
    pub(crate) fn body(&self, body: Vec<u8>, reads: &mut [Read]) -> Vec<u8> {
        let found = self.secrets(&body);
        move_arrivals(reads, &found);
        match without(&body, &found) {
            Cow::Borrowed(_) => body,
            Cow::Owned(clean) => clean,
        }
    }

    /// Takes secrets out of every string of a document.
    pub(crate) fn document(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.document(item)),
            Value::Object(members) => {
                let members = members.iter_mut();
                members.for_each(|(_, member)| self.document(member));
            }
            _ => {}
        }
    }

    fn clean<'b>(&self, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        without(bytes, &self.secrets(bytes))
    }

    /// Where secrets stand, in order; those that touch are one.
    fn secrets(&self, bytes: &[u8]) -> Vec<Range> {
        let mut found: Vec<Range> = Vec::new();
        for folded in fold::all(bytes) {
            let ranges = self.whole(&folded.bytes).into_iter();
            let ranges = ranges.chain(self.pieces(&folded.bytes));
            let ranges = ranges.chain(self.stumps(&folded.bytes));
            found.extend(ranges.flat_map(|range| folded.origin(range)));
        }
        found.sort_unstable_by_key(|range| range.start);
        found.dedup_by(|next, last| {
            let is_one = next.start <= last.end;
            if is_one {
                last.end = last.end.max(next.end);
            }
            is_one
        });
        found
    }

    /// Secrets, whole, in one of their forms.
    fn whole(&self, text: &[u8]) -> Vec<Range> {
        let finder = self.finder.iter();
        finder
            .flat_map(|finder| finder.find_iter(text))
            .map(|found| found.range())
            .collect()
    }

    /// Fragments of credentials, and near them what they lack.
    fn pieces(&self, text: &[u8]) -> Vec<Range> {
        let mut found: Vec<(Range, usize, usize)> = Vec::new();
        let Some(fragments) = &self.fragments else {
            return Vec::new();
        };
        for fragment in fragments.find_overlapping_iter(text) {
            let (which, begin) = self.origins[fragment.pattern()];
            let at = fragment.start();
            match found.last_mut() {
                // A window on from the last one: the same piece.
                Some((range, _, _)) if at < range.end => range.end = at + FRAGMENT,
                _ => found.push((fragment.range(), which, begin)),
            }
        }
        if found.is_empty() {
            return Vec::new();
        }
        let lower = text.to_ascii_lowercase();
        let rests: Vec<Range> = found
            .iter()
            .flat_map(|(range, which, begin)| {
                self.rests(&lower, range, &self.credentials[*which], *begin)
            })
            .collect();
        let pieces = found.into_iter().map(|(range, _, _)| range);
        pieces.chain(rests).collect()
    }

    /// What comes before and after a piece of a credential, where it stands near.
    fn rests(&self, text: &[u8], piece: &Range, whole: &[u8], begin: usize) -> Vec<Range> {
        let mut found = Vec::new();
        let head = &whole[..begin];
        let from = piece.start.saturating_sub(NEAR);
        if (STUMP..FRAGMENT).contains(&head.len())
            && let Some(at) = memchr::memmem::rfind(&text[from..piece.start], head)
        {
            found.push(from + at..from + at + head.len());
        }
        let tail = &whole[(begin + piece.len()).min(whole.len())..];
        let to = (piece.end + NEAR).min(text.len());
        if (STUMP..FRAGMENT).contains(&tail.len())
            && let Some(at) = memchr::memmem::find(&text[piece.end..to], tail)
        {
            found.push(piece.end + at..piece.end + at + tail.len());
        }
        found
    }

    /// What a cut has left of secrets before and after it.
    fn stumps(&self, text: &[u8]) -> Vec<Range> {
        let mut found = Vec::new();
        for cut in memchr::memmem::find_iter(text, CUT) {
            let begin = cut + CUT.len();
            let before = text[cut.saturating_sub(NEAR * 10)..cut].to_ascii_lowercase();
            let after = text[begin..text.len().min(begin + NEAR * 10)].to_ascii_lowercase();
            let values = self
                .values
                .iter()
                .map(|value| value.to_ascii_lowercase().into_bytes());
            for secret in values.chain(self.credentials.iter().cloned()) {
                let lengths = || (STUMP..secret.len()).rev();
                let ends = |length: &usize| before.ends_with(&secret[..*length]);
                let begins = |length: &usize| after.starts_with(&secret[secret.len() - *length..]);
                found.extend(lengths().find(ends).map(|length| cut - length..cut));
                found.extend(lengths().find(begins).map(|length| begin..begin + length));
            }
        }
        found
    }
}

/// Its forms, in small letters.
fn small_forms(secret: &str) -> Vec<Vec<u8>> {
    let forms = forms(secret).into_iter();
    let mut small: Vec<_> = forms.map(|form| form.to_ascii_lowercase()).collect();
    small.sort_unstable();
    small.dedup();
    small
}

/// A secret, and what base64 and hexadecimal digits make of it, wherever in a text it begins.
fn forms(secret: &str) -> HashSet<Vec<u8>> {
    let mut forms = HashSet::from([secret.as_bytes().to_vec()]);
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    forms.insert(hex.into_bytes());
    for before in 0..3 {
        let padded = [&[0; 3][..before], secret.as_bytes()].concat();
        // The first and the last letter may hold bits of what stands beside.
        let begin = before + usize::from(before > 0);
        let end = padded.len() * 8 / 6;
        for encoded in [
            STANDARD_NO_PAD.encode(&padded),
            URL_SAFE_NO_PAD.encode(&padded),
        ] {
            let core = encoded.get(begin..end).unwrap_or_default();
            if core.len() >= SHORTEST {
                forms.insert(core.as_bytes().to_vec());
            }
        }
    }
    forms
}

/// The bytes with a mark in each of these ranges' place.
fn without<'b>(bytes: &'b [u8], found: &[Range]) -> Cow<'b, [u8]> {
    if found.is_empty() {
        return Cow::Borrowed(bytes);
    }
    let mut clean = Vec::with_capacity(bytes.len());
    let mut done = 0;
    for range in found {
        clean.extend_from_slice(&bytes[done..range.start]);
        clean.extend_from_slice(REDACTED.as_bytes());
        done = range.end;
    }
    clean.extend_from_slice(&bytes[done..]);
    Cow::Owned(clean)
}

/// Where pieces end once what stands in these ranges is replaced.
fn move_arrivals(reads: &mut [Read], found: &[Range]) {
    let mut before = 0;
    let mut taken = 0;
    for read in reads {
        while let Some(range) = found.get(before).filter(|range| range.end <= read.until) {
            taken += range.len();
            before += 1;
        }
        // Of one that is there in part, nothing is there yet.
        let begun = found.get(before).filter(|range| range.start < read.until);
        let until = begun.map_or(read.until, |range| range.start);
        read.until = until - taken + before * REDACTED.len();
    }
}

#[cfg(test)]
mod tests;
