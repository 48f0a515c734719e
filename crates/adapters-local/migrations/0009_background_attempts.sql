-- Background work on images that was begun and has not ended: a process that died at it counts.
CREATE TABLE background_attempts (
    kind        TEXT    NOT NULL,
    image_id    BLOB    NOT NULL,
    attempts    INTEGER NOT NULL,
    in_progress INTEGER NOT NULL,
    -- Why the image was given up, once it was.
    reason      TEXT,
    PRIMARY KEY (kind, image_id)
) WITHOUT ROWID;
CREATE INDEX background_in_progress ON background_attempts (kind) WHERE in_progress = 1;

CREATE TRIGGER background_attempts_of_deleted AFTER DELETE ON images BEGIN
    DELETE FROM background_attempts WHERE kind IN ('look', 'meaning') AND image_id = old.id;
END;
-- An image that was given up does not become pending again when its prompt changes.
CREATE TRIGGER given_up_is_not_pending AFTER INSERT ON vectors_waiting
WHEN EXISTS (
    SELECT 1 FROM background_attempts WHERE kind = new.kind AND image_id = new.image_id AND reason IS NOT NULL
)
BEGIN
    DELETE FROM vectors_waiting WHERE kind = new.kind AND image_id = new.image_id;
END;

-- Jobs that were running when a process died: each is run alone next.
ALTER TABLE queue ADD COLUMN suspect INTEGER NOT NULL DEFAULT 0;
CREATE INDEX queue_suspects ON queue (created_at, job_id) WHERE suspect = 1;
