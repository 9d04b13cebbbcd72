//! The hierarchical key ring: data keys wrapped under branch keys, which a key store holds.

pub(crate) mod file;
pub(crate) mod id;
pub(crate) mod ring;
pub(crate) mod store;
