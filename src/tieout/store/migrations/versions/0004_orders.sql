-- Two questions that are asked every few seconds, of tables that grow for ever: which orders are ours, which are open.

-- Ours are those with an intent in the log. A fact is canonical JSON: its kind comes first (jobs/own_orders.py).
CREATE INDEX log_own_intent ON log (wallet_id, substring(fact, '"order_id":"([^"]*)"'))
    WHERE source = 'own' AND starts_with(fact, '{"kind":"order_intended"');

CREATE INDEX orders_open ON orders (wallet_id, state) WHERE state IN ('intended', 'live', 'closing');
