"""The venue's contracts on a local EVM, at their addresses on Polygon, and what people do with them.

An act is a call to a contract. A wallet with a key sends each act as a transaction; one that is a contract, as
Polymarket's are, may do several in one transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from evm.machine import Evm, call_data, compiled, shipped
from tieout.venue.addresses import CTF, P_USD, USDC_E

ONE = 1_000_000
NO_PARENT = "0x" + "0" * 64
EVERYTHING = (1 << 256) - 1
BALANCE_SLOT_OF_COIN = 0
BALANCE_SLOT_OF_CTF = 1


class Act(NamedTuple):
    """A call to a contract."""

    to: str
    data: str


class Condition(NamedTuple):
    """A question with two outcomes; the real contract says what its tokens are."""

    question: str
    condition_id: str
    tokens: tuple[int, int]


@dataclass
class Ground:
    """Both coins, the ConditionalTokens, and an oracle."""

    evm: Evm

    def __post_init__(self) -> None:
        self.evm.place(CTF, shipped("@gnosis.pm/conditional-tokens-contracts", "ConditionalTokens"))
        self.evm.place(USDC_E, compiled("Coin"))
        self.evm.place(P_USD, compiled("Coin"))
        self.oracle = self.evm.accounts[9]
        self.people = self.evm.accounts[:8]
        self.conditions: list[Condition] = []

    # wallets and conditions

    def contract_wallet(self, number: int) -> str:
        """A wallet that is a contract; anybody may use it."""
        address = f"0x{0xACC0 + number:040x}"
        self.evm.place(address, compiled("Account"))
        return address

    def condition(self, number: int) -> Condition:
        """A new condition."""
        question = f"0x{number:064x}"
        prepare = call_data("prepareCondition(address,bytes32,uint256)", self.oracle, question, 2)
        (log,) = self.evm.send(self.oracle, CTF, prepare)["logs"]
        condition_id = log["topics"][1]
        tokens = []
        for index_set in 1, 2:
            collection = call_data("getCollectionId(bytes32,bytes32,uint256)", NO_PARENT, condition_id, index_set)
            (found,) = self.evm.words(CTF, collection)
            tokens += self.evm.words(CTF, call_data("getPositionId(address,bytes32)", USDC_E, f"0x{found:064x}"))
        made = Condition(question, condition_id, (tokens[0], tokens[1]))
        self.conditions.append(made)
        return made

    # doing things

    def submit(self, wallet: str, *acts: Act) -> list[str]:
        """The acts for the next block, one transaction each."""
        return [self.evm.submit(wallet, *act) for act in acts]

    def submit_together(self, wallet: str, *acts: Act) -> list[str]:
        """The acts of a wallet that is a contract for the next block, in one transaction."""
        places, calls = [act.to for act in acts], [bytes.fromhex(act.data[2:]) for act in acts]
        return [self.evm.submit(self.people[0], wallet, call_data("act(address[],bytes[])", places, calls))]

    def block(self, *hashes: list[str]) -> int:
        """A block of what was submitted, none of which may have failed; its number."""
        number = self.evm.mine()
        for tx_hash in (each for several in hashes for each in several):
            assert int(self.evm.receipt(tx_hash)["blockNumber"], 16) == number
        return number

    def done(self, wallet: str, *acts: Act) -> int:
        """The acts in one block, by a wallet of either kind, in one transaction if it is a contract."""
        is_contract = wallet not in self.evm.accounts
        return self.block((self.submit_together if is_contract else self.submit)(wallet, *acts))

    def report(self, condition: Condition, *payouts: int) -> list[str]:
        """The oracle's word, for the next block."""
        data = call_data("reportPayouts(bytes32,uint256[])", condition.question, payouts)
        return self.submit(self.oracle, Act(CTF, data))

    # what the contracts say

    def held(self, wallet: str, block: int | None = None) -> dict[str, int]:
        """The wallet's shares of every token of every condition, where it has any."""
        tokens = [token for condition in self.conditions for token in condition.tokens]
        if not tokens:
            return {}
        data = call_data("balanceOfBatch(address[],uint256[])", [wallet] * len(tokens), tokens)
        _, _, *balances = self.evm.words(CTF, data, block)
        return {str(token): balance for token, balance in zip(tokens, balances, strict=True) if balance}

    def coins(self, wallet: str, block: int | None = None) -> int:
        """The wallet's USDC.e and pUSD together."""
        data = call_data("balanceOf(address)", wallet)
        return sum(self.evm.words(coin, data, block)[0] for coin in (USDC_E, P_USD))

    # what no log tells

    def slip_coins(self, wallet: str, by: int) -> None:
        """Change the wallet's USDC.e without a trace."""
        (balance,) = self.evm.words(USDC_E, call_data("balanceOf(address)", wallet))
        self.evm.store(USDC_E, (BALANCE_SLOT_OF_COIN, wallet), balance + by)

    def slip_shares(self, wallet: str, token: int, by: int) -> None:
        """Change the wallet's shares of a token without a trace."""
        (balance,) = self.evm.words(CTF, call_data("balanceOf(address,uint256)", wallet, token))
        self.evm.store(CTF, (BALANCE_SLOT_OF_CTF, token, wallet), balance + by)


# acts


def mint(wallet: str, amount: int, coin: str = USDC_E) -> Act:
    """New coins for a wallet, by anybody."""
    return Act(coin, call_data("mint(address,uint256)", wallet, amount))


def pay(to: str, amount: int, coin: str = USDC_E) -> Act:
    """Coins to somebody."""
    return Act(coin, call_data("transfer(address,uint256)", to, amount))


def approve() -> Act:
    """The contract may take the wallet's USDC.e."""
    return Act(USDC_E, call_data("approve(address,uint256)", CTF, EVERYTHING))


def allow(operator: str) -> Act:
    """Somebody may move the wallet's shares."""
    return Act(CTF, call_data("setApprovalForAll(address,bool)", operator, True))


def split(condition: Condition, amount: int) -> Act:
    """Collateral into a full set."""
    return _set("splitPosition", condition, amount)


def merge(condition: Condition, amount: int) -> Act:
    """A full set into collateral."""
    return _set("mergePositions", condition, amount)


def _set(name: str, condition: Condition, amount: int) -> Act:
    signature = f"{name}(address,bytes32,bytes32,uint256[],uint256)"
    return Act(CTF, call_data(signature, USDC_E, NO_PARENT, condition.condition_id, (1, 2), amount))


def redeem(condition: Condition, index_sets: tuple[int, ...] = (1, 2)) -> Act:
    """All that is held of the outcomes named into their payout."""
    signature = "redeemPositions(address,bytes32,bytes32,uint256[])"
    return Act(CTF, call_data(signature, USDC_E, NO_PARENT, condition.condition_id, index_sets))


def send(owner: str, to: str, token: int, amount: int) -> Act:
    """Shares of one token to somebody, by the owner or whom it allowed."""
    signature = "safeTransferFrom(address,address,uint256,uint256,bytes)"
    return Act(CTF, call_data(signature, owner, to, token, amount, b""))


def send_batch(owner: str, to: str, tokens: tuple[int, ...], amounts: tuple[int, ...]) -> Act:
    """Shares of several tokens at once."""
    signature = "safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)"
    return Act(CTF, call_data(signature, owner, to, tokens, amounts, b""))
