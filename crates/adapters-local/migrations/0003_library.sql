-- Named sets of saved images. Which images are in one is noted in each image, and found by its facets.
CREATE TABLE collections (
    id      BLOB    PRIMARY KEY,
    owner   TEXT    NOT NULL,
    version INTEGER NOT NULL,
    body    TEXT    NOT NULL
) WITHOUT ROWID;
CREATE INDEX collections_of_owner ON collections (owner, id);

-- How many images of a list have a facet, by its token in `image_index`: for choosing how a filter is looked up.
CREATE TABLE facet_counts (
    token  TEXT    PRIMARY KEY,
    images INTEGER NOT NULL
) WITHOUT ROWID;
