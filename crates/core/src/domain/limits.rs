//! Every limit of the domain, stated once. The HTTP schema, the models page and the gallery's form derive from these.

use std::time::Duration;

/// The longest prompt or negative prompt, in characters.
pub const PROMPT_CHARS: usize = 2_000;
/// The largest seed.
pub const SEED_MAX: u32 = u32::MAX;
/// The most images one job makes, whatever its model.
pub const COUNT_MAX: u32 = 16;
/// The largest side of a generated image in pixels, whatever its model.
pub const SIDE_MAX: u32 = 4_096;
/// The most sampling steps, whatever the model.
pub const STEPS_MAX: u32 = 500;
/// The longest name of a scheduler, in characters.
pub const SCHEDULER_CHARS: usize = 64;
/// The largest guidance scale, whatever the model.
pub const GUIDANCE_MAX: f64 = 50.0;
/// The highest priority; 0 is the lowest.
pub const PRIORITY_MAX: u8 = 9;
/// The priority of a request that names none.
pub const PRIORITY_DEFAULT: u8 = 5;
/// How long a job may wait to start when the request names no deadline, in seconds.
pub const DEADLINE_DEFAULT_S: u32 = 86_400;
/// The longest a request may let its job wait to start, in seconds.
pub const DEADLINE_MAX_S: u32 = 604_800;
/// The most labels on a job or an image.
pub const LABELS_MAX: usize = 16;
/// The longest label name, in characters.
pub const LABEL_NAME_CHARS: usize = 64;
/// The longest label value, in characters.
pub const LABEL_VALUE_CHARS: usize = 256;
/// The most tags on an image.
pub const TAGS_MAX: usize = 32;
/// The longest tag, in characters.
pub const TAG_CHARS: usize = 64;
/// The most collections one image is in.
pub const COLLECTIONS_OF_IMAGE_MAX: usize = 32;
/// The most collections of one owner.
pub const COLLECTIONS_MAX: usize = 500;
/// The longest name of a collection, in characters.
pub const COLLECTION_NAME_CHARS: usize = 100;
/// The most images that one request changes.
pub const EDIT_IMAGES_MAX: usize = 100;
/// The longest title, in characters.
pub const TITLE_CHARS: usize = 200;
/// The longest note, in characters.
pub const NOTE_CHARS: usize = 4_000;
/// The best rating; no rating is `null`, the least is 1.
pub const RATING_MAX: u8 = 5;
/// The most items on a page.
pub const PAGE_MAX: u32 = 200;
/// The items on a page when the request names no number.
pub const PAGE_DEFAULT: u32 = 50;
/// The most pages that a timeline marks; it counts no further.
pub const TIMELINE_PAGES_MAX: usize = 20_000;
/// What an image may be that is uploaded, imported or decoded, unless a deployment has limits of its own. The largest
/// generated image, [`SIDE_MAX`] squared, is within them.
pub const IMAGES: tintype_imaging::Limits = tintype_imaging::Limits::DEFAULT;
/// How often background work on an image is begun before it is given up: a process that died at it counts.
pub const BACKGROUND_ATTEMPTS_MAX: u32 = 2;
/// The longest text that saved images are searched for, in characters.
pub const QUERY_CHARS: usize = 200;
/// The most words of one search.
pub const QUERY_WORDS: usize = 16;
/// How many matches, the newest, are ranked where the best are asked for.
pub const RANKED_MAX: u32 = PAGE_MAX;
/// The most bytes of pictures in other sizes and encodings that one machine keeps.
pub const VARIANTS_BYTES: u64 = 256 * 1024 * 1024;
/// The free bytes of a data folder's disk below which nothing is added to the library.
pub const MIN_FREE_BYTES: u64 = 64 * 1024 * 1024;
/// On a small disk it is this part of the whole: one in 20. The same holds for inodes.
pub const MIN_FREE_SHARE: u64 = 20;
/// The free inodes of a data folder's file system below which nothing is added to the library.
pub const MIN_FREE_FILES: u64 = 1_024;
/// The bytes that a data folder holds in reserve for deletes on a full disk: as many as the database's log may have, so
/// that a checkpoint has room.
pub const RESERVE_BYTES: u64 = 16 * 1024 * 1024;
/// On a small disk it is this part of the whole: one in 16.
pub const RESERVE_SHARE: u64 = 16;
/// The most pixels of a picture that is made in AVIF: they take a second of one core.
pub const AVIF_PIXELS: u64 = 1_536 * 1_536;
/// How long a finished job and its results are kept.
pub const RESULT_RETENTION: Duration = Duration::from_secs(24 * 3_600);
/// How long a trashed image can be restored.
pub const TRASH_RETENTION: Duration = Duration::from_secs(30 * 24 * 3_600);
/// How long an unreferenced blob is left alone, so that a row about to point at it still can.
pub const BLOB_GRACE: Duration = Duration::from_secs(15 * 60);
/// How long an orphan stays in quarantine before it is removed for good.
pub const QUARANTINE_RETENTION: Duration = Duration::from_secs(30 * 24 * 3_600);
/// The most orphans that one sweep moves into quarantine; more stop the sweep.
pub const ORPHANS_MAX: u64 = 100;
/// The largest share of the blobs that may be orphans, in percent; more stop the sweep.
pub const ORPHANS_PERCENT_MAX: u64 = 5;
/// As many orphans are no reason to stop, however few blobs there are: one interrupted upload leaves one.
pub const ORPHANS_EXPECTED: u64 = 3;
/// How often a job is begun before it is given up.
pub const ATTEMPTS_MAX: u32 = 4;
/// The wait before the second attempt; it doubles with each further one.
pub const BACKOFF_BASE: Duration = Duration::from_secs(2);
/// The longest wait between two attempts.
pub const BACKOFF_MAX: Duration = Duration::from_secs(120);
/// The most events one read of a job's log returns.
pub const EVENTS_PAGE: u32 = 256;
/// The most image bytes in one `image.chunk` message: with base64 and the envelope it stays under the
/// 32 KiB of an API Gateway WebSocket frame.
pub const CHUNK_BYTES: usize = 22_500;
/// How long a connection may stay registered: API Gateway ends a WebSocket after two hours.
pub const CONNECTION_LIFE: Duration = Duration::from_secs(2 * 3_600);
/// How long a ticket opens a connection.
pub const TICKET_LIFE: Duration = Duration::from_secs(60);
/// How many jobs one connection may listen to at a time.
pub const SUBSCRIPTIONS_MAX: usize = 256;
/// The bytes of a stored image that one answer holds in memory at a time.
pub const CONTENT_PART_BYTES: usize = 64 * 1024;
/// The bytes of a stored image that one answer holds while [`CONTENT_PARTS_BYTES`] are taken.
pub const CONTENT_SMALL_PART_BYTES: usize = 4 * 1024;
/// The most bytes that large parts of stored images take in memory, all answers together.
pub const CONTENT_PARTS_BYTES: usize = 48 * 1024 * 1024;
/// The most bytes that answers take which are in memory as a whole, all together: renditions, images without metadata,
/// lists. One owner has half of it. An answer of at most [`CONTENT_SMALL_PART_BYTES`] is not counted.
pub const ANSWERS_BYTES: usize = 48 * 1024 * 1024;
/// The most open connections of one server, where the number of open files allows as many.
pub const CONNECTIONS_MAX: usize = 16_384;
/// The most requests that wait for the end of their job at a time (`Prefer: wait`); more are answered at once.
pub const WAITERS_MAX: usize = 2_048;
/// How many messages a client may send on a WebSocket at once, after a pause.
pub const SOCKET_MESSAGES_BURST: u32 = 1_024;
/// How many messages a second a client may send on a WebSocket for long.
pub const SOCKET_MESSAGES_PER_S: u32 = 100;
/// How many wrong keys or tickets of one address are answered at once within [`WRONG_KEYS_WINDOW`].
pub const WRONG_KEYS_FREE: u32 = 10;
/// How many more are answered with 401, each after [`WRONG_KEYS_DELAY`]; further ones with 429.
pub const WRONG_KEYS_DELAYED: u32 = 10;
/// How long the answer to one wrong key too many is held back.
pub const WRONG_KEYS_DELAY: Duration = Duration::from_secs(1);
/// After how long an address begins anew, counted from its first wrong key.
pub const WRONG_KEYS_WINDOW: Duration = Duration::from_secs(60);
/// How many addresses are remembered that sent wrong keys.
pub const WRONG_KEYS_ADDRESSES: usize = 4_096;
