-- What saved images are found by. A row's number is the image's place in its owner's list, so that every answer comes
-- in the order of the list and a page costs the same at any depth. `words` are those of core's `words`, one text after
-- the other; `facets` are hashes of core's `facets` and of whose list it is. Neither is read back: the record is the
-- image's own row.
CREATE VIRTUAL TABLE image_index USING fts5(
    words, facets, content='', contentless_delete=1, tokenize='ascii', prefix='1 2 3'
);
ALTER TABLE images ADD COLUMN place INTEGER;
