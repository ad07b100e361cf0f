-- Definitions, instances, their history, timers, user tasks and incidents.
--
-- Ids are UUIDs as 16 bytes, times milliseconds since 1970 in UTC. The tables are private; the
-- views are what people and programs read (docs/sqlite.md).

CREATE TABLE bpm_meta (
    only   INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    schema INTEGER NOT NULL,  -- the number of the last migration
    latest INTEGER NOT NULL   -- the engine's time, at most a second behind the last commit
) STRICT;

INSERT INTO bpm_meta (only, schema, latest) VALUES (1, 0, 0);

CREATE TABLE bpm_definition (
    name        TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    fingerprint TEXT    NOT NULL,
    graph       TEXT    NOT NULL,
    PRIMARY KEY (name, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE bpm_instance (
    id           BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    process      TEXT    NOT NULL,
    version      INTEGER NOT NULL,
    key          TEXT,
    input_hash   INTEGER NOT NULL,
    status       TEXT    NOT NULL CHECK (status IN
                     ('Running', 'Failing', 'Cancelling', 'Completing', 'Suspended', 'Completed',
                      'Failed', 'Cancelled', 'Terminated')),
    active       INTEGER NOT NULL CHECK (active IN (0, 1)),
    tokens       TEXT    NOT NULL,  -- a JSON array, as of state_seq
    state_seq    INTEGER NOT NULL,  -- the turn that wrote status, active and tokens
    snapshot     TEXT,
    snapshot_seq INTEGER NOT NULL,  -- the turn after which the snapshot was taken, 0 for none
    outcome      TEXT,
    created      INTEGER NOT NULL,
    updated      INTEGER NOT NULL,  -- when state_seq happened
    ended        INTEGER
) STRICT;

CREATE INDEX bpm_instance_suspended ON bpm_instance (id) WHERE status = 'Suspended';

CREATE UNIQUE INDEX bpm_instance_key ON bpm_instance (process, key) WHERE key IS NOT NULL;

CREATE INDEX bpm_instance_active ON bpm_instance (id) WHERE active = 1;

CREATE INDEX bpm_instance_live ON bpm_instance (process, version, ended)
    WHERE ended IS NULL;

CREATE TABLE bpm_history (
    instance BLOB    NOT NULL,
    seq      INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    body     TEXT    NOT NULL,
    PRIMARY KEY (instance, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE bpm_timer (
    instance BLOB    NOT NULL REFERENCES bpm_instance (id),
    timer    INTEGER NOT NULL,  -- its number in the instance, never used again
    token    INTEGER NOT NULL,  -- which waits for it
    due      INTEGER NOT NULL,
    calendar INTEGER NOT NULL CHECK (calendar IN (0, 1)),  -- 1: due by the wall clock
    PRIMARY KEY (instance, timer)
) STRICT, WITHOUT ROWID;

CREATE INDEX bpm_timer_due ON bpm_timer (calendar, due, instance, timer, token);

CREATE TABLE bpm_user_task (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    instance   BLOB    NOT NULL REFERENCES bpm_instance (id),
    process    TEXT    NOT NULL,
    key        TEXT,
    node       TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    form       TEXT    NOT NULL,
    for_group  TEXT,
    for_user   TEXT,
    due        INTEGER,
    priority   INTEGER,
    created    INTEGER NOT NULL,
    closed_how TEXT    CHECK (closed_how IN ('Completed', 'Cancelled')),
    closed_at  INTEGER,
    closed_by  TEXT,
    CHECK ((closed_how IS NULL) = (closed_at IS NULL))
) STRICT;

CREATE INDEX bpm_user_task_instance ON bpm_user_task (instance);

CREATE INDEX bpm_user_task_open ON bpm_user_task (created, id) WHERE closed_how IS NULL;

CREATE INDEX bpm_user_task_name ON bpm_user_task (name, created, id) WHERE closed_how IS NULL;

CREATE INDEX bpm_user_task_group ON bpm_user_task (for_group, created, id)
    WHERE closed_how IS NULL AND for_group IS NOT NULL;

CREATE INDEX bpm_user_task_user ON bpm_user_task (for_user, created, id)
    WHERE closed_how IS NULL AND for_user IS NOT NULL;

CREATE INDEX bpm_user_task_key ON bpm_user_task (key, created, id)
    WHERE closed_how IS NULL AND key IS NOT NULL;

CREATE TABLE bpm_incident (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    instance   BLOB    NOT NULL REFERENCES bpm_instance (id),
    process    TEXT    NOT NULL,
    node       TEXT    NOT NULL,
    error      TEXT    NOT NULL,
    attempts   INTEGER NOT NULL,
    lost       INTEGER NOT NULL,
    hint       TEXT    NOT NULL,
    since      INTEGER NOT NULL,
    closed_how TEXT    CHECK (closed_how IN
                   ('Completed', 'Cancelled', 'Retried', 'Skipped', 'Failed')),
    closed_at  INTEGER,
    closed_by  TEXT,
    CHECK ((closed_how IS NULL) = (closed_at IS NULL))
) STRICT;

CREATE INDEX bpm_incident_instance ON bpm_incident (instance);

CREATE INDEX bpm_incident_open ON bpm_incident (since, id) WHERE closed_how IS NULL;

CREATE VIEW v_instance AS
SELECT
    lower(substr(hex(id), 1, 8) || '-' || substr(hex(id), 9, 4) || '-' || substr(hex(id), 13, 4)
        || '-' || substr(hex(id), 17, 4) || '-' || substr(hex(id), 21)) AS id,
    process,
    version,
    key,
    status,
    active,
    state_seq AS as_of_seq,
    outcome,
    strftime('%Y-%m-%dT%H:%M:%fZ', created / 1000.0, 'unixepoch') AS created,
    strftime('%Y-%m-%dT%H:%M:%fZ', updated / 1000.0, 'unixepoch') AS updated,
    strftime('%Y-%m-%dT%H:%M:%fZ', ended / 1000.0, 'unixepoch') AS ended,
    created AS created_ms,
    updated AS updated_ms,
    ended AS ended_ms
FROM bpm_instance;

CREATE VIEW v_token AS
SELECT
    lower(substr(hex(i.id), 1, 8) || '-' || substr(hex(i.id), 9, 4)
        || '-' || substr(hex(i.id), 13, 4) || '-' || substr(hex(i.id), 17, 4)
        || '-' || substr(hex(i.id), 21)) AS instance,
    i.process,
    i.version,
    i.key,
    json_extract(t.value, '$.token') AS token,
    json_extract(t.value, '$.node') AS node,
    json_extract(t.value, '$.state') AS state,
    t.value AS detail,
    i.active = 0 AS exact,
    i.state_seq AS as_of_seq
FROM bpm_instance AS i,
    json_each(CASE WHEN json_valid(i.tokens) THEN i.tokens ELSE '[]' END) AS t
WHERE t.type = 'object';

CREATE VIEW v_task AS
SELECT
    lower(substr(hex(id), 1, 8) || '-' || substr(hex(id), 9, 4) || '-' || substr(hex(id), 13, 4)
        || '-' || substr(hex(id), 17, 4) || '-' || substr(hex(id), 21)) AS id,
    lower(substr(hex(instance), 1, 8) || '-' || substr(hex(instance), 9, 4)
        || '-' || substr(hex(instance), 13, 4) || '-' || substr(hex(instance), 17, 4)
        || '-' || substr(hex(instance), 21)) AS instance,
    process,
    key,
    node,
    name,
    coalesce(closed_how, 'Open') AS status,
    for_group,
    for_user,
    priority,
    form,
    closed_by,
    strftime('%Y-%m-%dT%H:%M:%fZ', due / 1000.0, 'unixepoch') AS due,
    strftime('%Y-%m-%dT%H:%M:%fZ', created / 1000.0, 'unixepoch') AS created,
    strftime('%Y-%m-%dT%H:%M:%fZ', closed_at / 1000.0, 'unixepoch') AS closed,
    due AS due_ms,
    created AS created_ms,
    closed_at AS closed_ms
FROM bpm_user_task;

CREATE VIEW v_incident AS
SELECT
    lower(substr(hex(id), 1, 8) || '-' || substr(hex(id), 9, 4) || '-' || substr(hex(id), 13, 4)
        || '-' || substr(hex(id), 17, 4) || '-' || substr(hex(id), 21)) AS id,
    lower(substr(hex(instance), 1, 8) || '-' || substr(hex(instance), 9, 4)
        || '-' || substr(hex(instance), 13, 4) || '-' || substr(hex(instance), 17, 4)
        || '-' || substr(hex(instance), 21)) AS instance,
    process,
    node,
    coalesce(closed_how, 'Open') AS status,
    error,
    hint,
    attempts,
    lost,
    closed_by,
    strftime('%Y-%m-%dT%H:%M:%fZ', since / 1000.0, 'unixepoch') AS since,
    strftime('%Y-%m-%dT%H:%M:%fZ', closed_at / 1000.0, 'unixepoch') AS closed,
    since AS since_ms,
    closed_at AS closed_ms
FROM bpm_incident;

CREATE VIEW v_timer AS
SELECT
    lower(substr(hex(i.id), 1, 8) || '-' || substr(hex(i.id), 9, 4)
        || '-' || substr(hex(i.id), 13, 4) || '-' || substr(hex(i.id), 17, 4)
        || '-' || substr(hex(i.id), 21)) AS instance,
    i.process,
    i.version,
    i.key,
    t.timer,
    t.token,
    (SELECT json_extract(at.value, '$.node')
        FROM json_each(CASE WHEN json_valid(i.tokens) THEN i.tokens ELSE '[]' END) AS at
        WHERE at.type = 'object' AND json_extract(at.value, '$.token') = t.token) AS node,
    strftime('%Y-%m-%dT%H:%M:%fZ', t.due / 1000.0, 'unixepoch') AS due,
    t.due AS due_ms
FROM bpm_timer AS t JOIN bpm_instance AS i ON i.id = t.instance;
