//! Pages by keyset: a page starts after the position of the last item of the one before, so its cost does not
//! depend on its depth. There are no totals.

use super::{ImageFilter, ImageId, InvalidInput, JobId, JobStatus, Timestamp, limits};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

/// How many items a page holds: 1 to 200.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSize(u32);

impl PageSize {
    /// A page of `items`.
    ///
    /// # Errors
    /// Names `/limit` if it is not 1 to 200.
    pub fn new(items: i64) -> Result<Self, InvalidInput> {
        match u32::try_from(items) {
            Ok(items) if (1..=limits::PAGE_MAX).contains(&items) => Ok(Self(items)),
            _ => {
                let detail = format!("is {items}; must be from 1 to {}", limits::PAGE_MAX);
                Err(InvalidInput::field("/limit", "out_of_range", detail))
            }
        }
    }

    /// The number of items.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl Default for PageSize {
    fn default() -> Self {
        Self(limits::PAGE_DEFAULT)
    }
}

/// A place in a list: the sort time and the id of the item there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// When the item was made or saved.
    pub at: Timestamp,
    /// The item's id, to tell apart items of one millisecond.
    pub id: [u8; 16],
}

impl Position {
    /// The place of a job.
    pub const fn of_job(created_at: Timestamp, id: &JobId) -> Self {
        Self { at: created_at, id: *id.as_bytes() }
    }

    /// The place of a saved image.
    pub const fn of_image(saved_at: Timestamp, id: &ImageId) -> Self {
        Self { at: saved_at, id: *id.as_bytes() }
    }
}

/// A part of a list, and where the next part starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, in order.
    pub items: Vec<T>,
    /// Where the next part starts if there may be more: the position of the last item, or of the last that was looked at by a
    /// store that looks through a list for a filter. `None` on the last page.
    pub next: Option<Position>,
}

impl<T> Page<T> {
    /// The page of the first `size` of `items`, of which the store read one more to learn if there are more.
    pub fn of(mut items: Vec<T>, size: PageSize, position: impl Fn(&T) -> Position) -> Self {
        let size = size.get() as usize;
        let more = items.len() > size;
        items.truncate(size);
        let next = if more { items.last().map(position) } else { None };
        Self { items, next }
    }
}

/// The order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Oldest,
}

impl Sort {
    /// The order's name in requests.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Oldest => "oldest",
        }
    }
}

/// Which of an owner's jobs, newest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobQuery {
    /// Only jobs of this status.
    pub status: Option<JobStatus>,
    /// Start after this place.
    pub after: Option<Position>,
    /// The page's size.
    pub limit: PageSize,
}

/// Which of an owner's saved images.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageQuery {
    /// The trash instead of the library.
    pub trashed: bool,
    /// Only those that match.
    pub filter: ImageFilter,
    /// The order.
    pub sort: Sort,
    /// Start after this place.
    pub after: Option<Position>,
    /// The page's size.
    pub limit: PageSize,
}

/// Turns positions into cursors and back. A cursor is opaque, belongs to the list it came from, and one that was
/// changed is refused: it carries a keyed hash (HMAC-SHA256, cut to 128 bits) of its position, owner and filter.
#[derive(Clone)]
pub struct CursorCodec {
    key: [u8; 32],
}

const POSITION_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

impl CursorCodec {
    /// A codec with this secret. Every process that serves one library uses the same.
    pub const fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// The cursor of `position` in the list that `scope` names: owner, kind and filter.
    pub fn encode(&self, scope: &str, position: &Position) -> String {
        let mut bytes = Vec::with_capacity(POSITION_BYTES + TAG_BYTES);
        bytes.extend(position.at.as_millis().to_be_bytes());
        bytes.extend(position.id);
        let tag = self.mac(scope, &bytes).finalize().into_bytes();
        bytes.extend(&tag[..TAG_BYTES]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The position of `cursor`.
    ///
    /// # Errors
    /// Names `/cursor` if it was changed, or comes from another list.
    pub fn decode(&self, scope: &str, cursor: &str) -> Result<Position, InvalidInput> {
        self.verified(scope, cursor).ok_or_else(|| {
            let detail = "is not a cursor of this list; use `next_cursor` of the page before, with the same \
                          filter, or leave it out to start again";
            InvalidInput::field("/cursor", "bad_cursor", detail)
        })
    }

    fn verified(&self, scope: &str, cursor: &str) -> Option<Position> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        if bytes.len() != POSITION_BYTES + TAG_BYTES {
            return None;
        }
        let (position, tag) = bytes.split_at(POSITION_BYTES);
        self.mac(scope, position).verify_truncated_left(tag).ok()?;
        let (millis, id) = position.split_at(8);
        Some(Position {
            at: Timestamp::from_millis(i64::from_be_bytes(millis.try_into().ok()?)),
            id: id.try_into().ok()?,
        })
    }

    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    fn mac(&self, scope: &str, position: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("any key length");
        mac.update(scope.as_bytes());
        mac.update(&[0]);
        mac.update(position);
        mac
    }
}

impl fmt::Debug for CursorCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CursorCodec(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODEC: CursorCodec = CursorCodec::new([1; 32]);
    const PLACE: Position = Position { at: Timestamp::from_millis(42), id: [7; 16] };

    #[test]
    fn a_cursor_gives_its_position_back() {
        assert_eq!(CODEC.decode("images/local", &CODEC.encode("images/local", &PLACE)), Ok(PLACE));
    }

    #[test]
    fn a_cursor_of_another_list_is_refused() {
        assert!(CODEC.decode("images/other", &CODEC.encode("images/local", &PLACE)).is_err());
    }

    #[test]
    fn a_cursor_with_any_byte_changed_is_refused() {
        let cursor = URL_SAFE_NO_PAD.decode(CODEC.encode("s", &PLACE)).unwrap();
        for index in 0..cursor.len() {
            let mut changed = cursor.clone();
            changed[index] ^= 1;
            assert!(CODEC.decode("s", &URL_SAFE_NO_PAD.encode(changed)).is_err(), "byte {index}");
        }
    }

    #[test]
    fn a_page_knows_whether_there_is_more() {
        let at = |n: &i64| Position { at: Timestamp::from_millis(*n), id: [0; 16] };
        let size = PageSize::new(2).unwrap();
        assert_eq!(Page::of(vec![1, 2, 3], size, at).next, Some(at(&2)));
        assert_eq!(Page::of(vec![1, 2], size, at).next, None);
    }
}
