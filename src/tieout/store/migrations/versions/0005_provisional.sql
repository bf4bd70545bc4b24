-- What was read of the chain above the finalized block: a reorganisation may still take it away. Everything here can be
-- read from the chain again; a row goes when its block is final.

CREATE TABLE provisional (
    wallet_id  integer NOT NULL REFERENCES wallet,
    tx_hash    text    NOT NULL,
    block      bigint  NOT NULL CHECK (block >= 0),
    block_hash text    NOT NULL,
    version    integer NOT NULL CHECK (version >= 0),
    is_gone    boolean NOT NULL,
    receipt    text    NOT NULL,
    PRIMARY KEY (wallet_id, tx_hash)
);

ALTER TABLE sync_issue DROP CONSTRAINT issue_type;
ALTER TABLE sync_issue ADD CONSTRAINT issue_type CHECK (type IN (
    'ORDER_IN_DB_NOT_CLOB', 'ORDER_IN_CLOB_NOT_DB', 'ORDER_MISMATCH', 'UNKNOWN_TOKEN', 'POSITION_DRIFT',
    'COLLATERAL_DRIFT', 'AVG_COST_DRIFT', 'PNL_MISMATCH', 'ORPHAN_ORDER', 'CLOB_UNAVAILABLE', 'DATA_API_UNAVAILABLE',
    'DATA_API_STALE', 'SYNC_FAILED', 'FILL_UNVERIFIED', 'INVARIANT_VIOLATED'));
