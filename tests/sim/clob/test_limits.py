"""Rate limits in simulated time."""

from __future__ import annotations

import re

import pytest

from sim.clob.venue import Venue, answer
from tieout.sim.engine.amounts import ONE
from tieout.sim.scheduler import Scheduler
from tieout.sim.wire.http import Request
from tieout.sim.wire.limits import IP_RULES, TIERS, IpLimits, IpRule, SignerLimits

RULE = IpRule(re.compile(r"GET /data/.*"), 3)


def test_a_window_slides():
    scheduler = Scheduler(0)
    limits = IpLimits(scheduler, (RULE,))

    def admitted() -> bool:
        return limits.admits("1.1.1.1", "GET", "/data/orders")

    assert [admitted(), admitted()] == [True, True]
    scheduler.run_for(6_000)
    assert [admitted(), admitted()] == [True, False]
    scheduler.run_for(3_900)
    assert not admitted()
    scheduler.run_for(100)
    assert [admitted(), admitted(), admitted()] == [True, True, False]
    assert limits.admits("2.2.2.2", "GET", "/data/orders")
    assert limits.admits("1.1.1.1", "POST", "/data/orders")


@pytest.mark.parametrize(
    ("method", "path", "limit"),
    [
        ("GET", "/ok", 100),
        ("GET", "/balance-allowance/update", 50),
        ("GET", "/balance-allowance", 200),
        ("GET", "/data/orders", 500),
        ("GET", "/notifications", 125),
        ("POST", "/auth/api-key", 100),
        ("DELETE", "/cancel-all", 250),
        ("POST", "/order", 5_000),
        ("GET", "/clob-markets/0x" + "1" * 64, 9_000),
    ],
)
def test_the_published_burst_limits_hold(method: str, path: str, limit: int):
    limits = IpLimits(Scheduler(0))
    assert limits.rules is IP_RULES
    assert all(limits.admits("ip", method, path) for _ in range(limit))
    assert not limits.admits("ip", method, path)


def test_one_request_too_many_is_a_429(venue: Venue):
    venue.clob.ip_limits.replace((IpRule(re.compile(r"GET /time"), 1),))
    assert venue.get("/time").status == 200
    refused = venue.get("/time")
    assert (refused.status, refused.body, refused.headers["retry-after"]) == (429, {"error": "Too Many Requests"}, "10")
    other = answer(venue.clob.handle(Request("GET", "/time", ip="10.0.0.9")))
    assert other.status == 200
    venue.run(10)
    assert venue.get("/time").status == 200


def test_a_bucket_gives_its_burst_then_its_rate():
    scheduler = Scheduler(1_000_000)
    limits = SignerLimits(scheduler, enforced=True)
    assert all(limits.order("a").admitted for _ in range(60))
    refused = limits.order("a")
    assert not refused.admitted
    assert refused.headers["poly-ratelimit-remaining"] == "0"
    assert (refused.headers["poly-ratelimit-reset"], refused.headers["retry-after"]) == ("1001", "1")
    assert limits.cancel("a").admitted
    assert limits.order("b").admitted
    scheduler.run_for(25)
    assert [limits.order("a").admitted, limits.order("a").admitted] == [True, False]
    scheduler.run_for(60_000)
    assert limits.order("a").headers["poly-ratelimit-remaining"] == "59"


def test_a_batch_is_taken_whole_or_not_at_all():
    limits = SignerLimits(Scheduler(0), enforced=True)
    assert limits.order("a", 50).admitted
    assert not limits.order("a", 15).admitted
    assert limits.order("a", 10).headers["poly-ratelimit-remaining"] == "0"
    assert "retry-after" not in limits.order("b", 61).headers


def test_a_mass_cancel_may_leave_a_debt_in_lower_tiers_only():
    limits = SignerLimits(Scheduler(0), enforced=True, tiers={"elite": TIERS["Elite"]})
    assert limits.cancelled("a", 200)["poly-ratelimit-remaining"] == "-80"
    assert not limits.cancel("a").admitted
    assert limits.cancelled("elite", 2_000)["poly-ratelimit-remaining"] == "0"
    assert limits.cancelled("elite", 0)["poly-ratelimit-tier"] == "Elite"


def test_orders_and_cancels_carry_the_headers_and_only_warn_until_enforced(venue: Venue):
    trader = venue.trader()
    bodies = [trader.order(venue.market, "BUY", 0, 10_000 * n, 5 * ONE) for n in range(1, 16)]
    answers = [trader.ask("POST", "/orders", bodies) for _ in range(5)]
    assert [reply.headers["poly-ratelimit-remaining"] for reply in answers] == ["45", "30", "15", "0", "0"]
    assert [reply.headers.get("poly-ratelimit-warning") for reply in answers] == [None] * 4 + ["true"]
    assert answers[4].status == 200
    venue.clob.signer_limits.enforced = True
    refused = trader.ask("POST", "/order", bodies[0])
    assert (refused.status, refused.body) == (429, {"error": "Too Many Requests"})
    assert refused.headers["retry-after"] == "1"
    assert trader.ask("DELETE", "/cancel-all").headers["poly-ratelimit-remaining"] == str(120 - 1 - 15)
    assert trader.ask("DELETE", "/orders", ["0x" + "0" * 64] * 110).status == 429


def test_a_refused_order_is_told_its_headers_too(venue: Venue):
    trader = venue.trader(cash=0, shares=0)
    refused = trader.place(venue.market, "BUY", 0, 400_000, 10 * ONE)
    assert (refused.status, refused.headers["poly-ratelimit-remaining"]) == (400, "59")
