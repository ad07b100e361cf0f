//! A finding in words.

use std::fmt;

use super::{Code, Place};

/// A finding in three parts: what is wrong, what would follow, what to write instead.
///
/// The fields are public so that front ends say what they find themselves in the same form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The code.
    pub code: Code,
    /// What is wrong, with the names involved.
    pub what: String,
    /// What would happen at run time, with the path that shows it.
    pub follows: String,
    /// The expression that is meant, with carets below the part to blame; empty of all else.
    pub shown: String,
    /// What to write instead.
    pub help: String,
    /// What to say at other places.
    pub notes: Vec<(Place, String)>,
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.code, self.what)?;
        if !self.follows.is_empty() {
            write!(f, "\n  {}", self.follows)?;
        }
        for line in self.shown.lines() {
            write!(f, "\n    {line}")?;
        }
        if !self.help.is_empty() {
            write!(f, "\n  help: {}", self.help)?;
        }
        Ok(())
    }
}
