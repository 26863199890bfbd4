//! The one error of a URDB file: where, what, and the mend.

use std::fmt;

/// What is wrong with a tariff of the Utility Rate Database, and how it is mended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct UrdbError {
    /// The line, from 1.
    pub line: usize,
    /// The field, such as `energyratestructure[1][0].max`; empty of the file as a whole.
    pub field: String,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub mend: String,
}

impl fmt::Display for UrdbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.problem)
    }
}
