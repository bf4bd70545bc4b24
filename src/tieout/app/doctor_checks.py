"""All checks of the doctor under the names they are shown by."""

from __future__ import annotations

from collections.abc import Mapping

from tieout.app import doctor_account as account
from tieout.app import doctor_keeping as keeping
from tieout.app import doctor_venue as venue
from tieout.app.doctor import Check, Patient


def checks_of(patient: Patient) -> Mapping[str, Check]:
    """Every check, in the order they are shown."""
    count = len(patient.nodes)
    nodes = {
        "node" if count == 1 else f"node {number}": venue.node_check(chain)
        for number, chain in enumerate(patient.nodes, 1)
    }
    return {
        "database": keeping.database,
        "schema": keeping.schema,
        "disk space": keeping.disk,
        "last comparison": keeping.comparison,
        "open issues": keeping.issues,
        "controls": keeping.held,
        **({"backup": keeping.backups(patient.settings.backups)} if patient.settings.backups else {}),
        "private key": account.private_key,
        "clock": venue.clock,
        "CLOB": venue.clob,
        "API key": account.api_key,
        "restrictions": account.restrictions,
        "open orders": account.open_orders,
        "collateral, venue": account.venue_collateral,
        "collateral, chain": account.chain_collateral,
        "approvals": account.approvals,
        **(nodes or {"node": venue.no_node}),
        "Data API": venue.data_api,
        "Gamma": venue.gamma,
        "user socket": venue.user_socket,
        "market socket": venue.market_socket,
        "markets": venue.markets,
        "rate-limit tier": account.tier,
        "alerts": keeping.alerts,
    }
