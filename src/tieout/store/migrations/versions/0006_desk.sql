-- What a worker shows of itself, written over about once a second. Worth nothing after a crash, so it is not logged;
-- nothing is decided by it.
CREATE UNLOGGED TABLE worker_status (
    wallet_id integer NOT NULL PRIMARY KEY REFERENCES wallet,
    at_ms     bigint  NOT NULL,
    status    jsonb   NOT NULL CHECK (jsonb_typeof(status) = 'object')
);
CREATE UNLOGGED TABLE market_status (
    wallet_id    integer NOT NULL REFERENCES wallet,
    condition_id text    NOT NULL CHECK (condition_id <> ''),
    at_ms        bigint  NOT NULL,
    status       jsonb   NOT NULL CHECK (jsonb_typeof(status) = 'object'),
    PRIMARY KEY (wallet_id, condition_id)
);

-- What people call a market. For show: the books know conditions and tokens alone.
CREATE TABLE market_name (
    wallet_id    integer NOT NULL REFERENCES wallet,
    condition_id text    NOT NULL CHECK (condition_id <> ''),
    question     text    NOT NULL,
    slug         text    NOT NULL,
    outcomes     text[]  NOT NULL,
    PRIMARY KEY (wallet_id, condition_id)
);

-- What a person asks of whoever runs the wallet, and what became of it. A worker that is not there answers nothing.
CREATE TABLE request (
    wallet_id  integer NOT NULL REFERENCES wallet,
    request_id bigint  GENERATED ALWAYS AS IDENTITY,
    kind       text    NOT NULL CONSTRAINT request_kind CHECK (kind IN ('alert_test', 'full_sync', 'adjust')),
    arguments  jsonb   NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(arguments) = 'object'),
    who        text    NOT NULL CHECK (who <> ''),
    at_ms      bigint  NOT NULL,
    done_at_ms bigint,
    outcome    text    NOT NULL DEFAULT '',
    PRIMARY KEY (wallet_id, request_id),
    CONSTRAINT request_done_says_how CHECK ((done_at_ms IS NULL) = (outcome = ''))
);

-- What people did at the desk or by its interface, whatever became of it.
CREATE TABLE deed (
    wallet_id integer NOT NULL REFERENCES wallet,
    seq       bigint  GENERATED ALWAYS AS IDENTITY,
    at_ms     bigint  NOT NULL,
    who       text    NOT NULL CHECK (who <> ''),
    what      text    NOT NULL CHECK (what <> ''),
    subject   text    NOT NULL,
    reason    text    NOT NULL,
    outcome   text    NOT NULL CHECK (outcome <> ''),
    PRIMARY KEY (wallet_id, seq)
);
CREATE TRIGGER deed_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON deed
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The newest fills and orders of wallets with hundreds of thousands.
CREATE INDEX movements_by_time ON movements (wallet_id, occurred_at_ms, key);
CREATE INDEX orders_by_time ON orders (wallet_id, placed_at_ms, order_id);
