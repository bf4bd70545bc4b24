"""What `tieout audit` was asked to do, and which of its options do not go together."""

from __future__ import annotations

from dataclasses import dataclass, field

from tieout.cli.options import wallet_address
from tieout.cli.output import fail
from tieout.client.endpoints import Endpoints


@dataclass(frozen=True, slots=True)
class AuditRequest:
    """Whom to audit, and by what. Without a node only what the books themselves can tell is told."""

    wallet: str
    nodes: tuple[str, ...] = field(repr=False)
    from_chain: bool
    first_block: int | None
    from_data_api: bool
    data_api: str
    no_data_api: bool

    @property
    def is_plain(self) -> bool:
        """Whether nothing but the books is looked at."""
        return not (self.nodes or self.from_chain or self.from_data_api)


def request_of(
    address: str | None,
    wallet: str | None,
    nodes: list[str] | None,
    from_chain: bool,
    first_block: int | None,
    from_data_api: bool,
    data_api: str | None,
    no_data_api: bool,
) -> AuditRequest:
    """The options as one request. Ends the command with a sentence when they do not go together."""
    named = {wallet_address(each) for each in (address, wallet) if each is not None}
    if len(named) != 1:
        fail("name one wallet: tieout audit 0x..." if not named else "two different wallets are named; name one")
    if from_chain and from_data_api:
        fail("--from-chain and --from-data-api: the chain tells all that the Data API does; say one of them")
    if first_block is not None and not from_chain:
        fail("--from-block says where --from-chain begins; without it nothing is read")
    if (data_api or no_data_api) and not (from_chain or from_data_api):
        fail("--data-api and --no-data-api go with --from-chain or --from-data-api")
    if no_data_api and (data_api or from_data_api):
        fail("--no-data-api: then nothing can be read from it; leave one of the options out")
    if data_api is not None and not data_api.startswith(("http://", "https://")):
        fail("--data-api: expected http:// or https:// and a host, was something else")
    usual = Endpoints()
    asked = tuple(nodes or (usual.rpc if from_chain else ()))
    return AuditRequest(
        named.pop(),
        asked,
        from_chain,
        first_block,
        from_data_api,
        (data_api or usual.data_api).rstrip("/"),
        no_data_api,
    )
