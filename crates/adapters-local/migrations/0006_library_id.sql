-- Which library this is. A backup is of the same one, and so is what is restored from it.
CREATE TABLE library (id TEXT NOT NULL);
INSERT INTO library VALUES (lower(hex(randomblob(16))));
