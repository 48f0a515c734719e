//! What all processes of a deployment must agree on, made at first use.

use super::{Condition, Item, Key, Table};
use aws_sdk_dynamodb::Client;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use tintype_core::{ErrorKind, PortError, PortResult};

const OPERATION: &str = "cursor_secret";

/// The secret behind the pages' cursors, kept in the table of the jobs. Where there is none yet, `fresh` becomes it:
/// 32 random bytes drawn by the entry. Whoever comes first wins, and everybody gets the same one. Costs one read, the
/// very first time two and a write.
///
/// # Errors
/// [`Denied`](ErrorKind::Denied), [`Throttled`](ErrorKind::Throttled), [`Unavailable`](ErrorKind::Unavailable),
/// [`Data`](ErrorKind::Data) if what is stored is no secret.
pub async fn cursor_secret(
    client: &Client,
    table: impl Into<String> + Send,
    fresh: [u8; 32],
) -> PortResult<[u8; 32]> {
    let table = Table::new(client.clone(), table.into());
    let key = Key::head("SETTING#cursor-secret");
    if let Some(item) = table.get(OPERATION, key.clone()).await? {
        return secret(&item);
    }
    let item = Item::new(key.clone()).with_text("secret", STANDARD.encode(fresh));
    if table.put_if(OPERATION, item, &Condition::Absent).await? {
        return Ok(fresh);
    }
    match table.get(OPERATION, key).await? {
        Some(item) => secret(&item),
        None => {
            Err(PortError::new(ErrorKind::Unavailable, OPERATION, "the secret was just removed; try again"))
        }
    }
}

fn secret(item: &Item) -> PortResult<[u8; 32]> {
    let bytes = STANDARD.decode(item.text(OPERATION, "secret")?).ok();
    bytes.and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| {
        PortError::new(ErrorKind::Data, OPERATION, "what is stored is no secret of 32 bytes; remove the item")
    })
}
