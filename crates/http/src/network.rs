//! The network where no SDK stands behind a call: its address is checked, its time and its answer are bounded, and what may
//! pass is tried again.

mod address;
mod connections;
mod retry;
mod tls;
mod trust;
mod vault;

pub use address::{AddressError, address, plain_address};
pub use connections::{Connections, UpstreamLimits, host};
pub use retry::{Retries, TRIES};
pub use trust::{Trust, TrustError};
pub use vault::{Vault, VaultError, VaultServer};
