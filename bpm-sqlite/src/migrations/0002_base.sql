CREATE TABLE bpm_base (
    instance BLOB    NOT NULL REFERENCES bpm_instance (id),
    seq      INTEGER NOT NULL,  -- the turn behind which the snapshot was taken
    snapshot TEXT    NOT NULL,
    PRIMARY KEY (instance, seq)
) STRICT, WITHOUT ROWID;
