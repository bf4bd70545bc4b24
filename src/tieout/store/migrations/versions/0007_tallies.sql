-- Records of runs grow by tens of thousands a day. What is asked of all of them is kept here as they end.
-- Times are milliseconds of Unix time (UTC).

-- How often each job ended in each way, how long that took, and the last run that did.
CREATE TABLE run_tally (
    wallet_id     integer NOT NULL REFERENCES wallet,
    job           text    NOT NULL,
    outcome       text    NOT NULL,
    runs          bigint  NOT NULL CHECK (runs > 0),
    took_ms       bigint  NOT NULL CHECK (took_ms >= 0),
    last_took_ms  bigint  NOT NULL CHECK (last_took_ms >= 0),
    last_ended_ms bigint  NOT NULL,
    last_run_id   bigint  NOT NULL,
    PRIMARY KEY (wallet_id, job, outcome)
);

-- The last comparison of all balances of a wallet, and the last that held. block 0: the Data API was the witness.
-- since_ms: from when on every comparison of the worker of that epoch held, 0 when the last one did not.
CREATE TABLE comparison (
    wallet_id   integer NOT NULL PRIMARY KEY REFERENCES wallet,
    epoch       bigint  NOT NULL,
    at_ms       bigint  NOT NULL,
    block       bigint  NOT NULL,
    balances    bigint  NOT NULL,
    differences bigint  NOT NULL,
    pending     bigint  NOT NULL,
    since_ms    bigint  NOT NULL,
    clean_at_ms bigint  NOT NULL DEFAULT 0,
    clean_block bigint  NOT NULL DEFAULT 0,
    CONSTRAINT comparison_differs_or_held CHECK ((differences = 0) = (since_ms > 0))
);

-- The figures of the comparison that a run made, NULL when it made none.
CREATE FUNCTION compared(p_job text, p_outcome text, p_detail jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT figures FROM (SELECT CASE p_job WHEN 'position_sync' THEN p_detail
                                           WHEN 'full_sync' THEN p_detail->'positions' END AS figures) AS told
    WHERE p_outcome IN ('ok', 'issues') AND jsonb_typeof(figures->'tokens') = 'number'
        AND jsonb_typeof(figures->'differences') = 'number'
$$;

CREATE FUNCTION tally_run() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    took    constant bigint := NEW.ended_at_ms - NEW.started_at_ms;
    figures constant jsonb := compared(NEW.job, NEW.outcome, NEW.detail);
BEGIN
    INSERT INTO run_tally AS known VALUES (NEW.wallet_id, NEW.job, NEW.outcome, 1, took, took, NEW.ended_at_ms,
            NEW.run_id)
        ON CONFLICT (wallet_id, job, outcome) DO UPDATE SET runs = known.runs + 1, took_ms = known.took_ms + took,
            last_took_ms = took, last_ended_ms = NEW.ended_at_ms, last_run_id = GREATEST(known.last_run_id, NEW.run_id);
    IF figures IS NOT NULL THEN
        INSERT INTO comparison AS known (wallet_id, epoch, at_ms, block, balances, differences, pending, since_ms,
                clean_at_ms, clean_block)
            SELECT NEW.wallet_id, NEW.epoch, NEW.ended_at_ms, block, balances, differences, pending,
                CASE WHEN differences = 0 THEN NEW.ended_at_ms ELSE 0 END,
                CASE WHEN differences = 0 THEN NEW.ended_at_ms ELSE 0 END,
                CASE WHEN differences = 0 THEN block ELSE 0 END
            FROM (SELECT COALESCE((figures->>'block')::bigint, 0) AS block, (figures->>'tokens')::bigint AS balances,
                (figures->>'differences')::bigint AS differences,
                COALESCE((figures->>'pending')::bigint, 0) AS pending) AS told
        ON CONFLICT (wallet_id) DO UPDATE SET epoch = EXCLUDED.epoch, at_ms = EXCLUDED.at_ms, block = EXCLUDED.block,
            balances = EXCLUDED.balances, differences = EXCLUDED.differences, pending = EXCLUDED.pending,
            since_ms = CASE WHEN EXCLUDED.since_ms > 0 AND known.since_ms > 0 AND known.epoch = EXCLUDED.epoch
                            THEN known.since_ms ELSE EXCLUDED.since_ms END,
            clean_at_ms = CASE WHEN EXCLUDED.since_ms > 0 THEN EXCLUDED.clean_at_ms ELSE known.clean_at_ms END,
            clean_block = CASE WHEN EXCLUDED.since_ms > 0 THEN EXCLUDED.clean_block ELSE known.clean_block END;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER sync_run_is_tallied AFTER UPDATE OF outcome ON sync_run FOR EACH ROW
    WHEN (OLD.outcome = 'running' AND NEW.outcome <> 'running') EXECUTE FUNCTION tally_run();

-- What ran before: `since` begins with the last comparison, for nobody looked closer then.
INSERT INTO run_tally
    SELECT wallet_id, job, outcome, count(*), sum(ended_at_ms - started_at_ms),
        (array_agg(ended_at_ms - started_at_ms ORDER BY run_id DESC))[1], max(ended_at_ms), max(run_id)
    FROM sync_run WHERE outcome <> 'running' GROUP BY wallet_id, job, outcome;
INSERT INTO comparison
    SELECT wallet_id, last.epoch, ended_at_ms, COALESCE((figures->>'block')::bigint, 0), (figures->>'tokens')::bigint,
        (figures->>'differences')::bigint, COALESCE((figures->>'pending')::bigint, 0),
        CASE WHEN (figures->>'differences')::bigint = 0 THEN ended_at_ms ELSE 0 END
    FROM wallet w CROSS JOIN LATERAL (
        SELECT epoch, ended_at_ms, compared(job, outcome, detail) AS figures FROM sync_run r
        WHERE r.wallet_id = w.wallet_id AND compared(job, outcome, detail) IS NOT NULL
        ORDER BY run_id DESC LIMIT 1
    ) AS last;
UPDATE comparison SET clean_at_ms = clean.ended_at_ms, clean_block = clean.block
    FROM wallet w CROSS JOIN LATERAL (
        SELECT ended_at_ms, COALESCE((compared(job, outcome, detail)->>'block')::bigint, 0) AS block FROM sync_run r
        WHERE r.wallet_id = w.wallet_id AND (compared(job, outcome, detail)->>'differences')::bigint = 0
        ORDER BY run_id DESC LIMIT 1
    ) AS clean
    WHERE w.wallet_id = comparison.wallet_id;

-- Which issues a run raised.
CREATE INDEX sync_issue_of_run ON sync_issue (wallet_id, run_id);
-- How many there are of each kind, without reading them.
CREATE INDEX movements_by_kind ON movements (wallet_id, kind);
-- What is still on its way, among hundreds of thousands that are not.
CREATE INDEX movements_moving ON movements (wallet_id)
    WHERE status IN ('MATCHED', 'MATCHED_NOT_BROADCASTED', 'MINED', 'RETRYING');
CREATE INDEX orders_provisional ON orders (wallet_id) WHERE provisional > 0;
-- Messages that somebody should look at, among those of other wallets.
CREATE INDEX raw_problem_wrong ON raw_problem (code, raw_id) WHERE code IN ('undecodable', 'unknown_kind');
