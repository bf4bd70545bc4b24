-- What is still on its way is every fill without a final status, one with a status that nobody knows among them.
DROP INDEX movements_moving;
CREATE INDEX movements_moving ON movements (wallet_id)
    WHERE kind IN ('buy', 'sell') AND status NOT IN ('SETTLED', 'CONFIRMED', 'REPORTED', 'FAILED');
