//! What is wrong with an expression, and where.

use std::fmt;
use std::ops::Range;

/// An error of an expression: found by the parser, by the check, or in an evaluation.
///
/// `Display` is one line, in lower case, with the names involved and, if there is one, the help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Boxed, so that a result is not as large as its rarest case.
    detail: Box<Detail>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Detail {
    kind: ErrorKind,
    at: Range<usize>,
    message: String,
    help: Option<String>,
}

/// What kind of error it is; the message tells the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text is not an expression.
    Syntax,
    /// The text is CEL, but what it uses is not in this subset.
    NotInSubset,
    /// One of the bounds is exceeded; the message names it.
    Bound,
    /// This variable is not known (check) or has no value (evaluation).
    UnknownVariable(String),
    /// There is no such function.
    UnknownFunction(String),
    /// A function was called with the wrong number of arguments, or in the wrong style.
    Arguments,
    /// An operator, a function or a condition got types that it is not defined for.
    Mismatch,
    /// A list has no such element, a map no such key.
    NoSuchElement,
    /// The result does not fit its integer type.
    Overflow,
    /// An integer was divided by zero.
    DivisionByZero,
}

impl Error {
    pub(super) fn new(kind: ErrorKind, at: Range<usize>, message: impl Into<String>) -> Error {
        Error { detail: Box::new(Detail { kind, at, message: message.into(), help: None }) }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Error {
        self.detail.help = Some(help.into());
        self
    }

    /// What kind of error it is.
    pub fn kind(&self) -> &ErrorKind {
        &self.detail.kind
    }

    /// The bytes of the source that are to blame; empty at the end if something is missing there.
    pub fn at(&self) -> Range<usize> {
        self.detail.at.clone()
    }

    /// Adds "did you mean" to an unknown variable, if one of the known names is near.
    ///
    /// The check itself cannot: it is given a function, not a list of names.
    pub fn suggest<'a>(self, known: impl IntoIterator<Item = &'a str>) -> Error {
        let ErrorKind::UnknownVariable(name) = &self.detail.kind else { return self };
        match crate::spell::nearest(name, known) {
            Some(near) => {
                let help = format!("did you mean `{near}`?");
                self.help(help)
            }
            None => self,
        }
    }

    /// The line of the source that is to blame, with `^^^` below the place.
    ///
    /// `source` is the text that was parsed; no line end follows the carets.
    pub fn caret(&self, source: &str) -> String {
        caret(source, &self.detail.at)
    }
}

/// The line of `source` at `at`, with `^^^` below the place.
pub(crate) fn caret(source: &str, at: &Range<usize>) -> String {
    let start = floor(source, at.start);
    let line_start = source[..start].rfind('\n').map_or(0, |end| end + 1);
    let line_end = source[start..].find('\n').map_or(source.len(), |end| start + end);
    let end = floor(source, at.end).clamp(start, line_end);
    let line = source[line_start..line_end].trim_end_matches('\r');
    // tabs stay tabs, so that the carets stand below the place however wide a tab is
    let margin: String = source[line_start..start]
        .chars()
        .map(|char| if char == '\t' { '\t' } else { ' ' })
        .collect();
    let carets = "^".repeat(source[start..end].chars().count().max(1));
    format!("{line}\n{margin}{carets}")
}

/// The nearest boundary of a character at or before `index`: `source` comes from the caller.
fn floor(source: &str, index: usize) -> usize {
    let index = index.min(source.len());
    (0..=index).rev().find(|&index| source.is_char_boundary(index)).unwrap_or(0)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail.message)?;
        match &self.detail.help {
            Some(help) => write!(f, " (help: {help})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_below_the_place() {
        let cases: &[(&str, Range<usize>, &str)] = &[
            ("a + b", 2..3, "a + b\n  ^"),
            ("a +", 3..3, "a +\n   ^"),
            ("'ä' + b", 7..8, "'ä' + b\n      ^"),
            ("\ta.b", 3..4, "\ta.b\n\t  ^"),
            ("a\n  && bc\n", 7..9, "  && bc\n     ^^"),
            ("a\r\n&&", 0..1, "a\n^"),
            ("'''a\nb'''", 0..9, "'''a\n^^^^"),
            ("", 0..0, "\n^"),
            ("ä", 1..9, "ä\n^"),
        ];
        for (source, at, expected) in cases {
            let error = Error::new(ErrorKind::Syntax, at.clone(), "wrong");
            assert_eq!(error.caret(source), *expected, "{source:?} {at:?}");
        }
    }
}
