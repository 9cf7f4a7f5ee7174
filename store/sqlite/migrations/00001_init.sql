-- +goose Up

-- "OCLW": says whose file this is, to file(1) and to Open.
PRAGMA application_id = 0x4f434c57;

-- A counter, since counting a workspace's sessions one by one costs more the more there are. The newest are not in it yet:
-- those behind sequence.counted.
CREATE TABLE workspaces (
    name     TEXT    NOT NULL PRIMARY KEY,
    sessions INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    id            INTEGER PRIMARY KEY, -- the seq of its first message, so never another's, though it be deleted
    workspace     TEXT    NOT NULL,
    key           TEXT    NOT NULL,
    channel       TEXT    NOT NULL,
    created_at    INTEGER NOT NULL, -- this and all other times: microseconds since 1970, UTC
    last_activity INTEGER NOT NULL, -- when its newest message was written: for people to read
    activity      INTEGER NOT NULL, -- a seq, of when its newest message was written: what sessions are ordered by
    message_count INTEGER NOT NULL,
    UNIQUE (workspace, key)
) STRICT;
CREATE INDEX sessions_by_activity ON sessions (workspace, activity);
CREATE INDEX sessions_by_channel ON sessions (workspace, channel, activity);

-- The last seq that may have been given. It is the order of arrival of all messages, and is never given twice: a cursor made
-- of it must not come to mean another message.
CREATE TABLE sequence (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    last    INTEGER NOT NULL,
    counted INTEGER NOT NULL -- the id up to which sessions are in the counters of their workspaces
) STRICT;
INSERT INTO sequence (id, last, counted) VALUES (1, 0, 0);

-- Without row ids, so that a session's messages lie side by side, however many other sessions were written to between
-- them: a page of history is read from one or two pages of the file and not from one for each message.
CREATE TABLE messages (
    session_id    INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    listed        INTEGER NOT NULL, -- 0: the answer of a run that failed without a word; found by its id, not in history
    seq           INTEGER NOT NULL,
    id            TEXT    NOT NULL UNIQUE,
    role          TEXT    NOT NULL,
    content       TEXT    NOT NULL,
    status        TEXT    NOT NULL,
    model         TEXT    NOT NULL,
    input_tokens  INTEGER,          -- NULL, as the next two: the model was never reached
    output_tokens INTEGER,
    estimated     INTEGER,
    error         TEXT,             -- JSON
    created_at    INTEGER NOT NULL,
    PRIMARY KEY (session_id, listed, seq)
) STRICT, WITHOUT ROWID;

-- A run's seq is that of its answer, set aside when it begins: so an ended run is found by its answer, and needs no index of its
-- own. user_seq is that of a message of the same session. Neither is declared as a foreign key, which would need indexes that
-- every turn had to write: runs go with their answers and sessions by the triggers below.
CREATE TABLE runs (
    seq        INTEGER PRIMARY KEY,
    id         TEXT    NOT NULL,
    session_id INTEGER NOT NULL,
    user_seq   INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at   INTEGER,          -- NULL while it runs
    end_seq    INTEGER NOT NULL, -- of the run's terminal event; 0 while it runs
    deltas     BLOB              -- lengths in bytes of the deltas of the answer, each a varint
) STRICT;
CREATE UNIQUE INDEX runs_running ON runs (id) WHERE ended_at IS NULL;

-- +goose StatementBegin
CREATE TRIGGER runs_of_answers AFTER DELETE ON messages
BEGIN
    DELETE FROM runs WHERE seq = OLD.seq;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER runs_of_sessions AFTER DELETE ON sessions
BEGIN
    DELETE FROM runs WHERE ended_at IS NULL AND session_id = OLD.id; -- they have no answers yet, and are few
END;
-- +goose StatementEnd

-- What came so far of the answers of running runs: only ever appended to, so that a checkpoint costs what is new and
-- not what is there. Those of runs that have ended are of no use and are deleted a little later.
CREATE TABLE run_parts (
    n      INTEGER PRIMARY KEY,
    run    INTEGER NOT NULL REFERENCES runs (seq) ON DELETE CASCADE,
    text   TEXT    NOT NULL,
    deltas BLOB    NOT NULL
) STRICT;
CREATE INDEX run_parts_by_run ON run_parts (run);

CREATE TABLE idempotency (
    token       TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    fingerprint BLOB    NOT NULL,
    run         INTEGER NOT NULL REFERENCES runs (seq) ON DELETE CASCADE,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (token, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_run ON idempotency (run);
