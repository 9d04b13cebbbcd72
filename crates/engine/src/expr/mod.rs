//! Expressions: their words, what they touch, and projections.

pub(crate) mod lex;
pub(crate) mod project;
pub(crate) mod touch;
