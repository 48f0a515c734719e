-- Blobs that may be unlinked: the transaction that removed the last reference of a `job` or an `image` recorded each here.
-- Written by this program alone, never by a trigger: rows that vanish in another way prove nothing.
CREATE TABLE released_blobs (
    holder TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    -- When, in milliseconds since 1970. A blob that was put after that may have been referred to since by what is lost.
    released_at INTEGER NOT NULL,
    PRIMARY KEY (holder, sha256)
) WITHOUT ROWID;

-- How many transactions this database has committed. The folder of blobs holds a copy, so that an older database is known.
ALTER TABLE library ADD COLUMN commits INTEGER NOT NULL DEFAULT 0;

-- A checksum of each row's other columns (`checksum.rs`); of a job's idempotency key there is one of its own.
ALTER TABLE jobs ADD COLUMN checksum INTEGER;
ALTER TABLE jobs ADD COLUMN key_checksum INTEGER;
ALTER TABLE events ADD COLUMN checksum INTEGER;
ALTER TABLE images ADD COLUMN checksum INTEGER;
ALTER TABLE collections ADD COLUMN checksum INTEGER;
