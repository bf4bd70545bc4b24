pragma solidity 0.5.10;
pragma experimental ABIEncoderV2;

/// A wallet that is a contract, as Polymarket's are: it does several things in one transaction, and takes tokens.
contract Account {
    function act(address[] calldata places, bytes[] calldata calls) external {
        for (uint256 i = 0; i < places.length; i++) {
            (bool done, ) = places[i].call(calls[i]);
            require(done, "an act was refused");
        }
    }

    function onERC1155Received(address, address, uint256, uint256, bytes calldata) external pure returns (bytes4) {
        return this.onERC1155Received.selector;
    }

    function onERC1155BatchReceived(address, address, uint256[] calldata, uint256[] calldata, bytes calldata)
        external
        pure
        returns (bytes4)
    {
        return this.onERC1155BatchReceived.selector;
    }

    function supportsInterface(bytes4) external pure returns (bool) {
        return true;
    }
}
