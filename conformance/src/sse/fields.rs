//! Field names: the four that the standard knows, and what a line that has none of them is.

use super::defect::DefectKind;

/// A field that the standard knows (HTML, 9.2.6, "process the field").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Data,
    Event,
    Id,
    Retry,
}

impl Field {
    const ALL: [Self; 4] = [Self::Data, Self::Event, Self::Id, Self::Retry];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Event => "event",
            Self::Id => "id",
            Self::Retry => "retry",
        }
    }
}

/// The known field that a line has, and what follows its colon, if it has one.
#[inline]
pub(super) fn known(line: &str) -> Option<(Field, Option<&str>)> {
    // One by one, so that each name is compared as a number, without a call.
    let after = |field: Field| Some((field, line.strip_prefix(field.name())?));
    let (field, rest) = after(Field::Data)
        .or_else(|| after(Field::Event))
        .or_else(|| after(Field::Id))
        .or_else(|| after(Field::Retry))?;
    if rest.is_empty() {
        return Some((field, None));
    }
    Some((field, Some(rest.strip_prefix(':')?)))
}

/// Whether a line that the end of the stream has cut may have been about to be a known field.
pub(super) fn may_become_known(line: &str) -> bool {
    known(line).is_some() || Field::ALL.iter().any(|f| f.name().starts_with(line))
}

/// What is wrong with a line, neither blank nor comment, that has no known field.
pub(super) fn why_unknown(line: &str) -> DefectKind {
    let name = name(line);
    let bare = name.trim();
    if line.starts_with('\u{feff}') {
        return DefectKind::BomMidStream;
    }
    if Field::ALL
        .iter()
        .any(|f| f.name().eq_ignore_ascii_case(bare))
    {
        return match (name.starts_with(bare), name.len() == bare.len()) {
            (_, true) => DefectKind::WrongCaseField,
            (false, _) => DefectKind::SpaceBeforeField,
            (true, _) => DefectKind::SpaceAfterField,
        };
    }
    if line.trim().is_empty() {
        DefectKind::WhitespaceLine
    } else if bare.starts_with(['{', '}', '[', ']', '"']) {
        DefectKind::BareJson
    } else if name.len() == line.len() {
        DefectKind::BareText
    } else {
        DefectKind::UnknownField
    }
}

/// What the standard takes for the field's name: all before the first colon.
pub(super) fn name(line: &str) -> &str {
    line.split_once(':').map_or(line, |(name, _)| name)
}
