-- What the live worker keeps beside the books. Nothing here is needed to make the books again.
-- Times are milliseconds of Unix time (UTC) and given by the caller; amounts and prices are micro-units (10^-6).

-- One execution of a job.
CREATE TABLE sync_run (
    wallet_id     integer NOT NULL REFERENCES wallet,
    run_id        bigint  GENERATED ALWAYS AS IDENTITY,
    epoch         bigint  NOT NULL,
    job           text    NOT NULL CONSTRAINT run_job CHECK (job IN (
        'market_making', 'position_sync', 'order_sync', 'quick_sync', 'full_sync', 'settle', 'reconcile', 'portfolio',
        'catch_up')),
    reason        text    NOT NULL,
    started_at_ms bigint  NOT NULL,
    ended_at_ms   bigint,
    outcome       text    NOT NULL DEFAULT 'running'
        CONSTRAINT run_outcome CHECK (outcome IN ('running', 'ok', 'issues', 'failed', 'skipped')),
    issues        integer NOT NULL DEFAULT 0 CHECK (issues >= 0),
    detail        jsonb   NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(detail) = 'object'),
    PRIMARY KEY (wallet_id, run_id),
    CONSTRAINT run_ended_when_not_running CHECK ((outcome = 'running') = (ended_at_ms IS NULL)),
    CONSTRAINT run_ends_after_it_starts CHECK (ended_at_ms >= started_at_ms)
);
CREATE INDEX sync_run_of_job ON sync_run (wallet_id, job, run_id);
-- R1: a job never runs twice at once on one wallet.
CREATE UNIQUE INDEX run_once_at_a_time ON sync_run (wallet_id, job) WHERE outcome = 'running';

-- Something that did not tie out, or could not be told. The same open issue is one row that is counted.
CREATE TABLE sync_issue (
    wallet_id          integer NOT NULL REFERENCES wallet,
    issue_id           bigint  GENERATED ALWAYS AS IDENTITY,
    run_id             bigint,
    type               text    NOT NULL CONSTRAINT issue_type CHECK (type IN (
        'ORDER_IN_DB_NOT_CLOB', 'ORDER_IN_CLOB_NOT_DB', 'ORDER_MISMATCH', 'UNKNOWN_TOKEN', 'POSITION_DRIFT',
        'AVG_COST_DRIFT', 'PNL_MISMATCH', 'ORPHAN_ORDER', 'CLOB_UNAVAILABLE', 'DATA_API_UNAVAILABLE',
        'DATA_API_STALE', 'SYNC_FAILED', 'FILL_UNVERIFIED', 'INVARIANT_VIOLATED')),
    severity           text    NOT NULL CONSTRAINT issue_severity CHECK (severity IN ('INFO', 'WARN', 'ERROR', 'CRITICAL')),
    action             text    NOT NULL CONSTRAINT issue_action
        CHECK (action IN ('CORRECTED', 'LOGGED', 'REQUIRES_MANUAL', 'HALTED')),
    condition_id       text    NOT NULL,
    token_id           text    NOT NULL,
    order_id           text    NOT NULL,
    summary            text    NOT NULL CHECK (summary <> ''),
    evidence           jsonb   NOT NULL CHECK (jsonb_typeof(evidence) = 'object'),
    at_ms              bigint  NOT NULL,
    last_at_ms         bigint  NOT NULL CHECK (last_at_ms >= at_ms),
    times              integer NOT NULL DEFAULT 1 CHECK (times > 0),
    acknowledged_by    text    CHECK (acknowledged_by <> ''),
    acknowledged_at_ms bigint,
    PRIMARY KEY (wallet_id, issue_id),
    FOREIGN KEY (wallet_id, run_id) REFERENCES sync_run,
    CONSTRAINT issue_acknowledged_by_somebody CHECK ((acknowledged_by IS NULL) = (acknowledged_at_ms IS NULL))
);
CREATE UNIQUE INDEX issue_open_once ON sync_issue (wallet_id, type, condition_id, token_id, order_id)
    WHERE acknowledged_at_ms IS NULL;

CREATE FUNCTION severity_rank(p_severity text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT array_position(ARRAY['INFO', 'WARN', 'ERROR', 'CRITICAL'], p_severity)
$$;

-- Raise an issue: a row of its own, or one more time of the equal open one. Such a row tells of the gravest time, the
-- last one among equals: severity, action, summary, evidence and run belong together.
CREATE FUNCTION raise_issue(
    p_wallet integer, p_run bigint, p_type text, p_severity text, p_action text, p_condition text, p_token text,
    p_order text, p_summary text, p_evidence jsonb, p_at_ms bigint
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    raised bigint;
BEGIN
    INSERT INTO sync_issue AS known (wallet_id, run_id, type, severity, action, condition_id, token_id, order_id,
            summary, evidence, at_ms, last_at_ms)
        VALUES (p_wallet, p_run, p_type, p_severity, p_action, p_condition, p_token, p_order, p_summary, p_evidence,
            p_at_ms, p_at_ms)
        ON CONFLICT (wallet_id, type, condition_id, token_id, order_id) WHERE acknowledged_at_ms IS NULL
        DO UPDATE SET times = known.times + 1, last_at_ms = GREATEST(known.last_at_ms, EXCLUDED.last_at_ms)
        RETURNING issue_id INTO raised;
    UPDATE sync_issue SET run_id = p_run, severity = p_severity, action = p_action, summary = p_summary,
            evidence = p_evidence
        WHERE wallet_id = p_wallet AND issue_id = raised AND severity_rank(p_severity) >= severity_rank(severity);
    UPDATE sync_run SET issues = issues + 1 WHERE wallet_id = p_wallet AND run_id = p_run;
    RETURN raised;
END $$;

-- Quote history: what became of every quote, in the order it was told.
CREATE TABLE quote_event (
    wallet_id     integer NOT NULL REFERENCES wallet,
    seq           bigint  GENERATED ALWAYS AS IDENTITY,
    at_ms         bigint  NOT NULL,
    condition_id  text    NOT NULL CHECK (condition_id <> ''),
    token_id      text    NOT NULL CHECK (token_id <> ''),
    outcome_index integer NOT NULL CHECK (outcome_index >= 0),
    side          text    NOT NULL CONSTRAINT quote_side CHECK (side IN ('BUY', 'SELL')),
    tier          integer CHECK (tier >= 0),
    price         bigint  NOT NULL CONSTRAINT quote_price_between_0_and_1 CHECK (price > 0 AND price < 1000000),
    size          bigint  NOT NULL CONSTRAINT quote_size_positive CHECK (size > 0),
    order_id      text    NOT NULL,
    event         text    NOT NULL CONSTRAINT quote_event_kind
        CHECK (event IN ('PLACED', 'CANCELLED', 'PARTIAL_FILL', 'FILL', 'REPLACED', 'REJECTED')),
    dry           boolean NOT NULL,
    reason        text    NOT NULL,
    PRIMARY KEY (wallet_id, seq),
    CONSTRAINT quote_has_its_order CHECK (order_id <> '' OR dry OR event = 'REJECTED')
);
CREATE INDEX quote_event_of_market ON quote_event (wallet_id, condition_id, seq);
CREATE INDEX quote_event_of_order ON quote_event (wallet_id, order_id, seq) WHERE order_id <> '';
CREATE TRIGGER quote_event_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON quote_event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Whether a wallet (condition '') or one of its markets may be quoted. No row: active.
-- lift: what it takes to loosen the state again.
CREATE TABLE control (
    wallet_id    integer NOT NULL REFERENCES wallet,
    condition_id text    NOT NULL,
    state        text    NOT NULL CONSTRAINT control_state CHECK (state IN ('active', 'paused', 'halted')),
    reason       text    NOT NULL CHECK (reason <> ''),
    who          text    NOT NULL CHECK (who <> ''),
    at_ms        bigint  NOT NULL,
    lift         text    NOT NULL CONSTRAINT control_lift CHECK (lift IN ('anyone', 'person', 'force')),
    PRIMARY KEY (wallet_id, condition_id),
    CONSTRAINT control_active_holds_nothing CHECK (state <> 'active' OR lift = 'anyone')
);

CREATE TABLE control_event (
    wallet_id    integer NOT NULL REFERENCES wallet,
    seq          bigint  GENERATED ALWAYS AS IDENTITY,
    condition_id text    NOT NULL,
    before       text    NOT NULL CHECK (before IN ('active', 'paused', 'halted')),
    state        text    NOT NULL CHECK (state IN ('active', 'paused', 'halted')),
    reason       text    NOT NULL CHECK (reason <> ''),
    who          text    NOT NULL CHECK (who <> ''),
    actor        text    NOT NULL CONSTRAINT control_actor CHECK (actor IN ('worker', 'person', 'invariant')),
    forced       boolean NOT NULL,
    at_ms        bigint  NOT NULL,
    PRIMARY KEY (wallet_id, seq)
);
CREATE INDEX control_event_of_market ON control_event (wallet_id, condition_id, seq);
CREATE TRIGGER control_event_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON control_event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Change a control: row, history and NOTIFY ("address control condition") in one statement. Returns whether it changed.
-- Anybody may tighten. To loosen takes what the state's `lift` says: a worker lifts only what workers set, a person
-- also what a person set, and a halt by an invariant only with force. TI004: refused for that reason. A pause by a
-- worker or an invariant never loosens a halt; a pause by a person does.
CREATE FUNCTION set_control(
    p_wallet integer, p_condition text, p_state text, p_reason text, p_who text, p_actor text, p_force boolean,
    p_at_ms bigint
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    states  constant text[] := ARRAY['active', 'paused', 'halted'];
    lifts   constant text[] := ARRAY['anyone', 'person', 'force'];
    known   control%ROWTYPE;
    own     integer := CASE WHEN p_state = 'active' OR p_actor = 'worker' THEN 1
                            WHEN p_actor = 'invariant' AND p_state = 'halted' THEN 3 ELSE 2 END;
    may     integer := CASE WHEN p_actor <> 'person' THEN 1 WHEN p_force THEN 3 ELSE 2 END;
    held    integer;
    step    integer;
    changed boolean := false;
BEGIN
    -- The row first, so that two at once take turns.
    INSERT INTO control SELECT p_wallet, p_condition, p_state, p_reason, p_who, p_at_ms, lifts[own]
        WHERE p_state <> 'active' ON CONFLICT DO NOTHING;
    IF FOUND THEN
        known.state := 'active';
        changed := true;
    ELSE
        SELECT * INTO known FROM control WHERE wallet_id = p_wallet AND condition_id = p_condition FOR UPDATE;
        IF NOT FOUND THEN
            RETURN false;  -- active, as everything is that nobody set
        END IF;
        held := array_position(lifts, known.lift);
        step := array_position(states, p_state) - array_position(states, known.state);
        IF step < 0 AND p_state = 'paused' AND p_actor <> 'person' THEN
            RETURN false;  -- a program that pauses means: paused at least
        END IF;
        IF step < 0 AND may < held THEN
            RAISE EXCEPTION '% by % (%)', known.state, known.who, known.reason
                USING ERRCODE = 'TI004', HINT = known.lift;
        END IF;
        -- The same state again: only whoever holds it as firmly may give it another reason.
        changed := step <> 0 OR p_state <> 'active' AND own >= held
            AND (known.reason, known.who, known.lift) IS DISTINCT FROM (p_reason, p_who, lifts[own]);
        IF changed THEN
            IF step >= 0 THEN
                own := GREATEST(own, held);  -- tightening leaves the hold as firm as it was
            END IF;
            UPDATE control SET state = p_state, reason = p_reason, who = p_who, at_ms = p_at_ms, lift = lifts[own]
                WHERE wallet_id = p_wallet AND condition_id = p_condition;
        END IF;
    END IF;
    IF changed THEN
        INSERT INTO control_event (wallet_id, condition_id, before, state, reason, who, actor, forced, at_ms)
            VALUES (p_wallet, p_condition, known.state, p_state, p_reason, p_who, p_actor, p_force, p_at_ms);
        PERFORM pg_notify('tieout', address || ' control ' || p_condition) FROM wallet WHERE wallet_id = p_wallet;
    END IF;
    RETURN changed;
END $$;

-- How far each source was read.
CREATE TABLE watermark (
    wallet_id integer NOT NULL REFERENCES wallet,
    source    text    NOT NULL CHECK (source <> ''),
    value     text    NOT NULL,
    at_ms     bigint  NOT NULL,
    PRIMARY KEY (wallet_id, source)
);

-- Whether a watermark is not behind another: whole numbers by size, anything else (a cursor) by when it was read.
CREATE FUNCTION not_behind(p_new text, p_new_at bigint, p_old text, p_old_at bigint) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF p_new ~ '^[0-9]{1,40}$' AND p_old ~ '^[0-9]{1,40}$' THEN
        RETURN p_new::numeric >= p_old::numeric;
    END IF;
    RETURN p_new_at >= p_old_at;
END $$;
