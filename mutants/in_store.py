"""Bugs between the folded books and the database."""

from __future__ import annotations

from mutants.life import Life, directed
from mutants.mutant import HERE, OLDER, Mutant

MUTANTS = (
    Mutant(
        id="status-not-updated",
        file="store/migrations/versions/0001_books.sql",
        old="cash = EXCLUDED.cash, status = EXCLUDED.status,",
        new="cash = EXCLUDED.cash,",
        wrong="A fill that settles stays unsettled in its row.",
        rows="F1 L1",
        origin=OLDER,
        known=(directed(1),),
    ),
    Mutant(
        id="gone-movements-kept",
        file="intake/booking.py",
        old="                    booking.gone_movements.append(key)\n",
        new="                    continue\n",
        wrong="What turned out to be part of another movement stays beside it.",
        rows="F2 R5",
        origin=OLDER,
        known=(Life(9),),
    ),
    Mutant(
        id="chain-of-hashes-broken",
        file="intake/booking.py",
        old="            previous = entry.chained(previous)\n",
        new="            previous = entry.chained(cache.head.hash)\n",
        wrong="Every entry of a batch carries the hash of the batch before, not of the entry before.",
        rows="L2",
        origin=HERE,
        known=(directed(1),),
    ),
    Mutant(
        id="epoch-not-raised",
        file="store/wallets.py",
        old="SET epoch = epoch + 1, holder = $2 WHERE",
        new="SET holder = $2 WHERE",
        wrong="A worker whose wallet was taken over is not refused, and goes on beside the one that took it.",
        rows="R1 R2",
        origin=OLDER,
        known=(directed(3),),
    ),
    Mutant(
        id="lease-not-checked",
        file="store/migrations/versions/0001_books.sql",
        old="        WHERE wallet_id = p_wallet AND head_seq = p_seq AND epoch = p_epoch;",
        new="        WHERE wallet_id = p_wallet AND head_seq = p_seq;",
        wrong="A worker whose wallet was taken over books until its next job ends it.",
        rows="R1 R2",
        origin=OLDER,
        known=(
            Life(5),
            directed(5),
        ),
    ),
)
