"""Checks of the account: its keys, what it may do, its money and what the exchanges may take of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tieout.app.config import SIGNATURE_KINDS
from tieout.app.doctor import Finding, MissingError, Patient, State
from tieout.app.market_choice import UnknownMarketsError
from tieout.client.errors import VenueError
from tieout.client.rpc import CallFailedError
from tieout.client.signing import exchange_of, signature_type_of
from tieout.ledger.units import decimal_text
from tieout.venue.addresses import CONTRACTS, CTF, P_USD, POSITION_MANAGER

NAMES: Mapping[str, str] = {contract.address: contract.name for contract in CONTRACTS}
V2_EXCHANGES = tuple(exchange_of("1", neg_risk=neg_risk).lower() for neg_risk in (False, True))
V3_EXCHANGE = next(address for address, name in NAMES.items() if name == "ExchangeV3")
_APPROVE = "make one small trade on the site with this wallet, or approve the exchange by a transaction of your own"
_DIFFERENT = (
    "right after a deposit or a trade it is a matter of minutes; else account.signature_type or account.wallet is not "
    "what the venue trades this key with"
)


def _found(state: State, text: str, todo: str = "") -> Finding:
    """A finding; the name of its check is put in by who runs it."""
    return Finding("", state, text, todo)


async def private_key(patient: Patient) -> Finding:
    """There is one, and the wallet is one of its wallets."""
    key, config = patient.key, patient.config
    if key is None:
        return _found(State.FAIL, patient.key_problem)
    said = config.signature_type
    try:
        kind = signature_type_of(key.address, config.wallet)
    except ValueError:
        text = f"the key is that of {key.address}, and no wallet of that account is {config.wallet}"
        if said == 0:
            todo = "an EOA holds its own tokens: set account.wallet to that address, or give the wallet's own key"
            return _found(State.FAIL, text, todo)
        todo = "right only for a session key or a wallet made in another way; else give the key of the wallet's owner"
        return _found(State.WARN, text, todo)
    if kind != said:
        text = (
            f"account.signature_type is {said}, {SIGNATURE_KINDS[said]}; the wallet is {kind}, {SIGNATURE_KINDS[kind]}"
        )
        return _found(State.FAIL, text, f"set signature_type = {kind}")
    return _found(State.OK, f"of {key.address}, which owns the wallet ({SIGNATURE_KINDS[kind]})")


async def api_key(patient: Patient) -> Finding:
    """It is given or exists, and the venue takes it. None is made here."""
    try:
        await patient.credentials()
    except VenueError as error:
        if error.status in (400, 404):
            return _found(State.WARN, "the venue has none for this private key yet; `tieout run` will make it")
        raise
    desk = await patient.desk()
    ids = await patient.clob.keys.key_ids(desk.session)
    return _found(State.OK, f"{desk.session.credentials.key}, one of {len(ids)} of the account")


async def restrictions(patient: Patient) -> Finding:
    """The account is neither banned nor in closed-only mode. What refuses a place refuses this, too."""
    desk = await patient.desk()
    if await desk.account.closed_only():
        return _found(
            State.FAIL,
            "CLOSED ONLY: the account may close positions and open none",
            "write to the venue's support; often it is the place that the account was used from",
        )
    return _found(State.OK, "none: the account may open positions")


async def open_orders(patient: Patient) -> Finding:
    """The list can be read to its end."""
    listing = await (await patient.desk()).account.open_orders()
    count = len(listing.rows)
    text = f"{count:,} open order{'' if count == 1 else 's'}"
    if not listing.is_complete:
        why = listing.flaw or f"{len(listing.bad_rows)} rows cannot be read"
        return _found(State.FAIL, f"{text}, and the list is not whole: {why}", "look again; if it stays, update tieout")
    return _found(State.OK, text)


async def venue_collateral(patient: Patient) -> Finding:
    """What the CLOB believes, which is what it accepts orders by; it may be older than what the chain says."""
    desk, exchanges = await patient.desk(), await _exchanges(patient)
    held = await desk.account.balance_allowance("COLLATERAL", patient.config.signature_type)
    if other := await _on_chain(patient, held.balance):
        text = f"the venue believes in {decimal_text(held.balance)} pUSD, the chain has {other}"
        return _found(State.WARN if held.balance else State.FAIL, text, _DIFFERENT)
    allowed = {exchange: held.allowances.get(exchange, 0) for exchange in exchanges}
    return _collateral(held.balance, allowed, "the venue believes in ")


async def _on_chain(patient: Patient, believed: int) -> str:
    """What the chain has when that is something else; "" when it is the same or no node tells."""
    try:
        held = await patient.chain.balance(P_USD, patient.config.wallet, "latest") if patient.chain else believed
    except (VenueError, CallFailedError):
        return ""
    return "" if held == believed else decimal_text(held)


async def chain_collateral(patient: Patient) -> Finding:
    """What the chain says."""
    chain, wallet = patient.chain, patient.config.wallet
    if chain is None:
        raise MissingError("it needs a node")
    held = await chain.balance(P_USD, wallet, "latest")
    exchanges = await _exchanges(patient)
    allowed = {exchange: await chain.allowance(P_USD, wallet, exchange, "latest") for exchange in exchanges}
    return _collateral(held, allowed, "")


def _collateral(held: int, allowed: Mapping[str, int], lead: str) -> Finding:
    money = f"{lead}{decimal_text(held)} pUSD"
    if none := [NAMES[exchange] for exchange, amount in allowed.items() if amount == 0]:
        return _found(State.FAIL, f"{money}, and nothing may be taken of it by {', '.join(none)}: no buys", _APPROVE)
    if held == 0:
        return _found(State.WARN, f"{money}: only sells of what is held", "deposit collateral to the wallet")
    if short := [NAMES[exchange] for exchange, amount in allowed.items() if amount < held]:
        return _found(State.WARN, f"{money}, and {', '.join(short)} may take less than that", _APPROVE)
    return _found(State.OK, f"{money}, and {_listed(allowed)} may take it")


async def approvals(patient: Patient) -> Finding:
    """The exchanges may take outcome tokens, which sells need."""
    chain, wallet = patient.chain, patient.config.wallet
    if chain is None:
        raise MissingError("it needs a node")
    exchanges = await _exchanges(patient)
    missing = []
    for exchange in exchanges:
        ledger = POSITION_MANAGER if exchange == V3_EXCHANGE else CTF
        if not await chain.is_approved(ledger, wallet, exchange, "latest"):
            missing.append(NAMES[exchange])
    if missing:
        return _found(State.FAIL, f"{', '.join(missing)} may not take outcome tokens: no sells", _APPROVE)
    return _found(State.OK, f"{_listed(exchanges)} may take outcome tokens")


def _listed(exchanges: Iterable[str]) -> str:
    return " and ".join(NAMES[exchange] for exchange in exchanges)


async def _exchanges(patient: Patient) -> tuple[str, ...]:
    """Those of the configured markets, lower-case; both of the second generation where the markets are not known."""
    try:
        markets = await patient.markets()
    except (VenueError, UnknownMarketsError):
        markets = []
    found = {exchange_of(market.token_ids[0], neg_risk=market.neg_risk).lower() for market in markets}
    return tuple(sorted(found)) or V2_EXCHANGES


async def tier(patient: Patient) -> Finding:
    """What the worker keeps to until the venue says otherwise, which it does with the first order."""
    config = patient.config
    rates = config.tiers[config.tier]
    return _found(
        State.OK,
        f"{config.tier}: {rates.order_rate} orders and {rates.cancel_rate} cancels a second; the venue names the "
        "account's own with its first order, and the worker follows it",
    )
