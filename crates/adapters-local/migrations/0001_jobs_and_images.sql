-- Ids and addresses are their bytes (16 and 32), times are milliseconds since 1970. A record is JSON in `body`;
-- beside it stand only the columns that a query asks for.

CREATE TABLE jobs (
    id              BLOB    PRIMARY KEY,
    owner           TEXT    NOT NULL,
    status          TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    idempotency_key TEXT,
    fingerprint     BLOB,
    body            TEXT    NOT NULL
) WITHOUT ROWID; -- An accept then writes one page less; ids rise with time, so rows are appended.
-- With the status, so that a list of one status passes over the others without reading them.
CREATE INDEX jobs_of_owner ON jobs (owner, created_at, id, status);
CREATE UNIQUE INDEX jobs_by_key ON jobs (owner, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX jobs_ended ON jobs (expires_at) WHERE status NOT IN ('queued', 'running');

-- Each job's log, from its second event on: the job's own row tells the first. It is append-only, and goes with its job.
CREATE TABLE events (
    job_id BLOB    NOT NULL,
    seq    INTEGER NOT NULL,
    time   INTEGER NOT NULL,
    body   TEXT    NOT NULL,
    PRIMARY KEY (job_id, seq)
) WITHOUT ROWID;

-- Which content addresses a job refers to: its sources and its results.
CREATE TABLE job_blobs (
    sha256 BLOB NOT NULL,
    job_id BLOB NOT NULL,
    PRIMARY KEY (sha256, job_id)
) WITHOUT ROWID;

-- The line of the workflow: one row for each job that has not ended.
-- `ready` may be claimed; `later` waits until `due`; `leased` belongs to the claim `holder` until `due`.
-- `rank` is the priority turned round, so that one ascending index gives the order.
CREATE TABLE queue (
    job_id     BLOB    PRIMARY KEY,
    owner      TEXT    NOT NULL,
    rank       INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    state      TEXT    NOT NULL,
    due        INTEGER NOT NULL,
    holder     INTEGER
) WITHOUT ROWID;
CREATE INDEX queue_ready ON queue (owner, rank, created_at, job_id) WHERE state = 'ready';
CREATE INDEX queue_due ON queue (due) WHERE state <> 'ready';

CREATE TABLE images (
    number     INTEGER PRIMARY KEY,
    id         BLOB    NOT NULL UNIQUE,
    owner      TEXT    NOT NULL,
    sha256     BLOB    NOT NULL,
    saved_at   INTEGER NOT NULL,
    trashed_at INTEGER,
    version    INTEGER NOT NULL,
    body       TEXT    NOT NULL,
    -- The address first: the same index tells whether anybody has it.
    UNIQUE (sha256, owner)
);
CREATE INDEX images_library ON images (owner, saved_at, id) WHERE trashed_at IS NULL;
CREATE INDEX images_trash ON images (owner, saved_at, id) WHERE trashed_at IS NOT NULL;
CREATE INDEX images_trashed ON images (trashed_at) WHERE trashed_at IS NOT NULL;
