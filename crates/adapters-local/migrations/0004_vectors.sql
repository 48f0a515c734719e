-- Vectors of saved images (core's `Embedding`, as its bytes), each of a kind: how a picture looks, what a prompt means.
CREATE TABLE vectors (
    kind     TEXT NOT NULL,
    owner    TEXT NOT NULL,
    image_id BLOB NOT NULL,
    vector   BLOB NOT NULL,
    PRIMARY KEY (kind, owner, image_id)
) WITHOUT ROWID;

-- In what way those of a kind were made.
CREATE TABLE vector_spaces (
    kind       TEXT PRIMARY KEY,
    name       TEXT    NOT NULL,
    dimensions INTEGER NOT NULL
) WITHOUT ROWID;

-- The images whose vectors are still to be made.
CREATE TABLE vectors_waiting (
    kind     TEXT NOT NULL,
    image_id BLOB NOT NULL,
    PRIMARY KEY (kind, image_id)
) WITHOUT ROWID;
INSERT INTO vectors_waiting SELECT 'look', id FROM images UNION ALL SELECT 'meaning', id FROM images;

-- Whoever writes images: a new one waits, and one that goes takes its vectors along.
CREATE TRIGGER vectors_of_new AFTER INSERT ON images BEGIN
    INSERT OR IGNORE INTO vectors_waiting VALUES ('look', new.id), ('meaning', new.id);
END;
CREATE TRIGGER vectors_of_gone AFTER DELETE ON images BEGIN
    DELETE FROM vectors WHERE kind IN ('look', 'meaning') AND owner = old.owner AND image_id = old.id;
    DELETE FROM vectors_waiting WHERE kind IN ('look', 'meaning') AND image_id = old.id;
END;
