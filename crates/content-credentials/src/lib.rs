//! C2PA manifests, also called Content Credentials: [`ContentCredentials`] signs drawn pictures, [`read`] says what a signed
//! picture claims and whether that holds, [`Identity`] is what is signed with. The crate c2pa does the work; nothing here
//! goes over the network.

mod identity;
mod manifest;
mod picture_signer;
mod watched;

pub use identity::{BadIdentity, Identity};
pub use manifest::{Action, Anchors, Manifest, Reason, State, Unreadable, read};
pub use picture_signer::{ContentCredentials, Unusable};
