-- Whoever writes images: one whose prompt changed waits again, since a vector may be of its prompt. A record that can't be
-- read had none.
CREATE TRIGGER vectors_of_changed AFTER UPDATE OF body ON images
WHEN iif(json_valid(old.body), json_extract(old.body, '$.prompt'), NULL) IS NOT
    iif(json_valid(new.body), json_extract(new.body, '$.prompt'), NULL)
BEGIN
    INSERT OR IGNORE INTO vectors_waiting VALUES ('look', new.id), ('meaning', new.id);
END;
-- Those that got their prompts after they were looked at.
INSERT OR IGNORE INTO vectors_waiting SELECT 'meaning', id FROM images WHERE NOT EXISTS (
    SELECT 1 FROM vectors WHERE kind = 'meaning' AND owner = images.owner AND image_id = images.id
);
