-- The journal, the log and the state of every wallet. Amounts are micro-units (10^-6).
--
-- log and state name the wallet without a foreign key: `book` is their only writer and it begins with the wallet's row,
-- and a check for every row would cost a third of a booking.

CREATE TABLE wallet (
    wallet_id  integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    address    text    NOT NULL UNIQUE CHECK (address = lower(address)),
    epoch      bigint  NOT NULL DEFAULT 0,
    holder     text    NOT NULL DEFAULT '',
    head_seq   bigint  NOT NULL DEFAULT 0,
    head_hash  bytea   NOT NULL DEFAULT '\x0000000000000000000000000000000000000000000000000000000000000000',
    next_book  integer NOT NULL DEFAULT 1
);

-- Every raw message, kept before it is parsed. One row for equal bytes.
CREATE TABLE raw_message (
    raw_id         bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    wallet_id      integer NOT NULL REFERENCES wallet,
    received_at_ms bigint  NOT NULL,
    source         text    NOT NULL,
    origin         text    NOT NULL,
    body           bytea   NOT NULL,
    digest         bytea   NOT NULL CHECK (octet_length(digest) = 16),
    UNIQUE (wallet_id, digest)
);

-- What could not be booked of a raw message, and why.
CREATE TABLE raw_problem (
    raw_id   bigint NOT NULL REFERENCES raw_message,
    code     text   NOT NULL,
    message  text   NOT NULL,
    PRIMARY KEY (raw_id, code, message)
);

-- Unknown fields and statuses: kept, counted, shown.
CREATE TABLE unknown_seen (
    wallet_id  integer NOT NULL REFERENCES wallet,
    kind       text    NOT NULL,
    what       text    NOT NULL,
    times      bigint  NOT NULL,
    raw_id     bigint  NOT NULL,
    PRIMARY KEY (wallet_id, kind, what)
);

-- The log. Append-only; each entry carries the hash over the one before.
CREATE TABLE log (
    wallet_id      integer NOT NULL,
    seq            bigint  NOT NULL CHECK (seq > 0),
    book           integer NOT NULL,
    occurred_at_ms bigint  NOT NULL,
    received_at_ms bigint  NOT NULL,
    raw_id         bigint  NOT NULL,
    source         text    NOT NULL,
    fact           text    NOT NULL,
    digest         bytea   NOT NULL CHECK (octet_length(digest) = 16),
    hash           bytea   NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (wallet_id, seq),
    CONSTRAINT log_fact_once UNIQUE (wallet_id, digest)
);
CREATE INDEX log_book ON log (wallet_id, book);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'TI003';
END $$;
CREATE TRIGGER log_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER raw_message_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON raw_message
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Routing: which book a token, condition, order or entry belongs to.
CREATE TABLE node (
    wallet_id integer NOT NULL,
    node      text    NOT NULL,
    book      integer NOT NULL,
    PRIMARY KEY (wallet_id, node)
);
CREATE TABLE book_join (
    wallet_id integer NOT NULL,
    book      integer NOT NULL,
    into_book integer NOT NULL CHECK (into_book < book),
    PRIMARY KEY (wallet_id, book)
);

-- State. Every column follows from the log; the constraints are the invariants that SQL can hold.
CREATE TABLE positions (
    wallet_id            integer NOT NULL,
    token_id             text    NOT NULL CHECK (token_id <> ''),
    condition_id         text    NOT NULL,
    outcome_index        integer NOT NULL,
    shares               bigint  NOT NULL CONSTRAINT i3_inventory_not_negative CHECK (shares >= 0),
    cost_basis           bigint  NOT NULL CONSTRAINT c3_cost_not_negative CHECK (cost_basis >= 0),
    realized_pnl         bigint  NOT NULL,
    fees                 bigint  NOT NULL,
    bought               bigint  NOT NULL,
    sold                 bigint  NOT NULL,
    unexplained_shares   bigint  NOT NULL CHECK (unexplained_shares >= 0),
    unexplained_proceeds bigint  NOT NULL CHECK (unexplained_proceeds >= 0),
    provisional_shares   bigint  NOT NULL,
    unsettled_shares     bigint  NOT NULL,
    PRIMARY KEY (wallet_id, token_id),
    CONSTRAINT c4_nothing_held_costs_nothing CHECK (shares > 0 OR cost_basis = 0),
    CONSTRAINT c2_books_balance CHECK (bought - sold = cost_basis - realized_pnl - unexplained_proceeds)
);

CREATE TABLE orders (
    wallet_id       integer NOT NULL,
    order_id        text    NOT NULL CHECK (order_id <> ''),
    token_id        text    NOT NULL,
    condition_id    text    NOT NULL,
    side            text    NOT NULL CHECK (side IN ('BUY', 'SELL', '')),
    price           bigint  NOT NULL CONSTRAINT f4_price_between_0_and_1 CHECK (price > 0 AND price < 1000000 OR side = ''),
    size            bigint  NOT NULL CHECK (size >= 0),
    order_type      text    NOT NULL,
    placed_at_ms    bigint  NOT NULL,
    state           text    NOT NULL CHECK (state IN ('unknown', 'intended', 'live', 'closing', 'closed', 'rejected')),
    claimed         bigint  NOT NULL CHECK (claimed >= 0),
    filled          bigint  NOT NULL CHECK (filled >= 0),
    failed          bigint  NOT NULL CHECK (failed >= 0),
    provisional     bigint  NOT NULL CHECK (provisional >= 0),
    rejected_shares bigint  NOT NULL CHECK (rejected_shares >= 0),
    reason          text    NOT NULL,
    PRIMARY KEY (wallet_id, order_id),
    CONSTRAINT o3_closed_only_when_booked CHECK (state <> 'closed' OR provisional = 0),
    CONSTRAINT gap_rule CHECK (provisional = GREATEST(0, claimed - filled - failed - rejected_shares))
);

CREATE TABLE movements (
    wallet_id      integer NOT NULL,
    key            text    NOT NULL CHECK (key <> ''),
    kind           text    NOT NULL,
    occurred_at_ms bigint  NOT NULL,
    chain_position bigint  NOT NULL,
    token_id       text    NOT NULL,
    condition_id   text    NOT NULL,
    shares         bigint  NOT NULL CHECK (shares >= 0),
    collateral     bigint  NOT NULL,
    fee            bigint  NOT NULL,
    cash           bigint  NOT NULL,
    status         text    NOT NULL,
    role           text    NOT NULL,
    order_id       text    NOT NULL,
    tx_hash        text    NOT NULL,
    legs           text    NOT NULL,
    -- F2: the key of a fill is (trade id, own order id), that of a log (transaction, log index).
    CONSTRAINT f2_one_movement_an_event PRIMARY KEY (wallet_id, key),
    CONSTRAINT f4_buy_and_sell_cash CHECK (
        kind NOT IN ('buy', 'sell') OR collateral >= 0 AND cash = CASE kind WHEN 'buy' THEN -collateral ELSE collateral END - fee)
);

-- One booking: log, routing and state in one statement, or nothing.
-- TI001: the head moved (another writer was here: read again). TI002: the lease is lost.
CREATE FUNCTION book(
    p_wallet integer, p_epoch bigint, p_seq bigint, p_hash bytea, p_next_book integer,
    p_log log[], p_nodes node[], p_joins book_join[],
    p_positions positions[], p_orders orders[], p_movements movements[],
    p_gone_positions text[], p_gone_movements text[], p_notice text
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    head record;
BEGIN
    UPDATE wallet SET head_seq = p_seq + cardinality(p_log), head_hash = p_hash, next_book = p_next_book
        WHERE wallet_id = p_wallet AND head_seq = p_seq AND epoch = p_epoch;
    IF NOT FOUND THEN
        SELECT epoch, holder, head_seq INTO head FROM wallet WHERE wallet_id = p_wallet;
        IF head.epoch IS DISTINCT FROM p_epoch THEN
            RAISE EXCEPTION 'lease lost: expected epoch %, was % (held by %)', p_epoch, head.epoch, head.holder
                USING ERRCODE = 'TI002';
        END IF;
        RAISE EXCEPTION 'head moved: expected seq %, was %', p_seq, head.head_seq USING ERRCODE = 'TI001';
    END IF;
    INSERT INTO log SELECT * FROM unnest(p_log);
    IF cardinality(p_nodes) > 0 THEN
        INSERT INTO node SELECT * FROM unnest(p_nodes);
    END IF;
    IF cardinality(p_joins) > 0 THEN
        INSERT INTO book_join SELECT * FROM unnest(p_joins);
    END IF;
    IF cardinality(p_gone_positions) > 0 THEN
        DELETE FROM positions WHERE wallet_id = p_wallet AND token_id = ANY (p_gone_positions);
    END IF;
    IF cardinality(p_gone_movements) > 0 THEN
        DELETE FROM movements WHERE wallet_id = p_wallet AND key = ANY (p_gone_movements);
    END IF;
    IF cardinality(p_positions) > 0 THEN
        INSERT INTO positions SELECT * FROM unnest(p_positions)
        ON CONFLICT (wallet_id, token_id) DO UPDATE SET
            condition_id = EXCLUDED.condition_id, outcome_index = EXCLUDED.outcome_index, shares = EXCLUDED.shares,
            cost_basis = EXCLUDED.cost_basis, realized_pnl = EXCLUDED.realized_pnl, fees = EXCLUDED.fees,
            bought = EXCLUDED.bought, sold = EXCLUDED.sold, unexplained_shares = EXCLUDED.unexplained_shares,
            unexplained_proceeds = EXCLUDED.unexplained_proceeds, provisional_shares = EXCLUDED.provisional_shares,
            unsettled_shares = EXCLUDED.unsettled_shares;
    END IF;
    IF cardinality(p_orders) > 0 THEN
        INSERT INTO orders SELECT * FROM unnest(p_orders)
        ON CONFLICT (wallet_id, order_id) DO UPDATE SET
            token_id = EXCLUDED.token_id, condition_id = EXCLUDED.condition_id, side = EXCLUDED.side,
            price = EXCLUDED.price, size = EXCLUDED.size, order_type = EXCLUDED.order_type,
            placed_at_ms = EXCLUDED.placed_at_ms, state = EXCLUDED.state, claimed = EXCLUDED.claimed,
            filled = EXCLUDED.filled, failed = EXCLUDED.failed, provisional = EXCLUDED.provisional,
            rejected_shares = EXCLUDED.rejected_shares, reason = EXCLUDED.reason;
    END IF;
    IF cardinality(p_movements) > 0 THEN
        INSERT INTO movements SELECT * FROM unnest(p_movements)
        ON CONFLICT (wallet_id, key) DO UPDATE SET
            kind = EXCLUDED.kind, occurred_at_ms = EXCLUDED.occurred_at_ms, chain_position = EXCLUDED.chain_position,
            token_id = EXCLUDED.token_id, condition_id = EXCLUDED.condition_id, shares = EXCLUDED.shares,
            collateral = EXCLUDED.collateral, fee = EXCLUDED.fee, cash = EXCLUDED.cash, status = EXCLUDED.status,
            role = EXCLUDED.role, order_id = EXCLUDED.order_id, tx_hash = EXCLUDED.tx_hash, legs = EXCLUDED.legs;
    END IF;
    PERFORM pg_notify('tieout', p_notice);
END $$;
