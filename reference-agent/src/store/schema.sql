-- Who stores what under which name. `seq` is the order in which versions were stored.
CREATE TABLE version (
    config_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    version TEXT NOT NULL,
    config TEXT NOT NULL,
    metadata TEXT,
    created_at TEXT NOT NULL,
    PRIMARY KEY (config_id, seq),
    UNIQUE (config_id, version)
) STRICT, WITHOUT ROWID;

-- One row an id, with one version that must exist: neither none nor two can be active.
CREATE TABLE config (
    config_id TEXT NOT NULL PRIMARY KEY,
    active_seq INTEGER NOT NULL,
    FOREIGN KEY (config_id, active_seq) REFERENCES version (config_id, seq)
) STRICT, WITHOUT ROWID;

-- How many rows the tables have, as counting them takes longer the more there are.
CREATE TABLE tally (
    configs INTEGER NOT NULL,
    versions INTEGER NOT NULL
) STRICT;
INSERT INTO tally VALUES (0, 0);

CREATE TRIGGER config_added AFTER INSERT ON config
BEGIN UPDATE tally SET configs = configs + 1; END;
CREATE TRIGGER config_gone AFTER DELETE ON config
BEGIN UPDATE tally SET configs = configs - 1; END;
CREATE TRIGGER version_added AFTER INSERT ON version
BEGIN UPDATE tally SET versions = versions + 1; END;
CREATE TRIGGER version_gone AFTER DELETE ON version
BEGIN UPDATE tally SET versions = versions - 1; END;
