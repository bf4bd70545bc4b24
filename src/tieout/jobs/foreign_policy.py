"""What may become of orders of the wallet that are not ours (catalog E2)."""

from __future__ import annotations

from enum import StrEnum


class ForeignOrders(StrEnum):
    """What becomes of an open order of the wallet that is not ours."""

    ADOPT = "adopt"
    """Quoting treats it as its own: it counts, and is cancelled when it is not wanted."""
    CANCEL = "cancel"
    """It is cancelled at once."""
    LEAVE = "leave"
    """It is shown, and nothing of ours touches it."""
