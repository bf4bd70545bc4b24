-- The whole wallet marked to market. Nothing here is needed to make the books again.
-- Amounts are micro-units (10^-6) of collateral; at_ms is Unix time (UTC) in milliseconds and given by the caller.

CREATE TABLE portfolio_mark (
    wallet_id    integer NOT NULL REFERENCES wallet,
    seq          bigint  GENERATED ALWAYS AS IDENTITY,
    at_ms        bigint  NOT NULL,
    cash         bigint  CHECK (cash >= 0),
    market_value bigint  NOT NULL CHECK (market_value >= 0),
    cost_basis   bigint  NOT NULL CHECK (cost_basis >= 0),
    realized_pnl bigint  NOT NULL,
    fees         bigint  NOT NULL,
    rewards      bigint  NOT NULL,
    positions    integer NOT NULL CHECK (positions >= 0),
    unpriced     integer NOT NULL CONSTRAINT mark_unpriced_among_positions CHECK (unpriced BETWEEN 0 AND positions),
    PRIMARY KEY (wallet_id, seq)
);
CREATE INDEX portfolio_mark_at ON portfolio_mark (wallet_id, at_ms);
CREATE TRIGGER portfolio_mark_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON portfolio_mark
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
