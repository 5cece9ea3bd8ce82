"""What the official client and eth-account make of orders and requests, to hold ours against.

    evm/bin/python tools/oracles/polymarket_vectors.py write tests/golden/polymarket
    clob/bin/python tools/oracles/polymarket_vectors.py write tests/golden/polymarket
    ... polymarket_vectors.py answer < cases.json > answers.json

`evm/` holds locks/oracles/evm.lock, `clob/` locks/oracles/clob.lock; each writes the file it can.
The keys are random numbers that own nothing. Nothing here reads our own code.
"""

import hashlib
import json
import random
import sys
from pathlib import Path

CHAINS = {
    137: ("0xE111180000d2663C0091e4f400237545B87B996B",
          "0xe2222d279d744050d28e00520010520000310F59",
          "0xe3333700cA9d93003F00f0F71f8515005F6c00Aa"),
    80002: ("0xE111180000d2663C0091e4f400237545B87B996B",
            "0xe2222d279d744050d28e00520010520000310F59",
            "0x9fE6e61422AdB6F610d8597F9684b16912D50C3D"),
}  # fmt: skip
TICKS = {"0.1": 100_000, "0.01": 10_000, "0.005": 5_000, "0.0025": 2_500, "0.001": 1_000,
         "0.0001": 100}  # fmt: skip
KINDS = {"gtc": "GTC", "gtd": "GTD", "ioc": "FAK", "fok": "FOK"}
ORDER = [
    ("salt", "uint256"), ("maker", "address"), ("signer", "address"), ("tokenId", "uint256"),
    ("makerAmount", "uint256"), ("takerAmount", "uint256"), ("side", "uint8"),
    ("signatureType", "uint8"), ("timestamp", "uint256"), ("metadata", "bytes32"),
    ("builder", "bytes32"),
]  # fmt: skip
DOMAIN = [("name", "string"), ("version", "string"), ("chainId", "uint256"),
          ("verifyingContract", "address")]  # fmt: skip
ATTEST = "This message attests that I control the given wallet"


def cases(seed: int, count: int) -> list[dict]:
    """Random orders over every tick, signature type, chain, exchange, side and time in force."""
    chance = random.Random(seed)
    made = []
    for index in range(count):
        tick = chance.choice(list(TICKS))
        step = TICKS[tick]
        kind = index % 4
        tif = chance.choice(list(KINDS))
        at = 1_790_000_000_000_000_000 + chance.randrange(10**16)
        token = chance.getrandbits(256)
        if index % 5 == 4:  # a position id: module byte, condition, outcome byte
            token = chance.getrandbits(256) & ~(((1 << 64) - 1) << 40)
        made.append({
            "key": f"{chance.getrandbits(255) + 1:064x}",
            "chain_id": 137 if index % 3 else 80002,
            "signature_type": kind,
            "funder": f"0x{chance.getrandbits(160):040x}" if kind else "",
            "neg_risk": bool(chance.getrandbits(1)),
            "token": str(token),
            "id": f"r-{index}.{chance.getrandbits(32):x}",
            "action": chance.choice(["buy", "sell"]),
            "tick": tick,
            "px": chance.randrange(1, 1_000_000 // step) * step,
            "qty": chance.randrange(1, chance.choice([500, 100_000, 10_000_000])) * 10_000,
            "tif": tif,
            "expires": at + chance.randrange(1, 10**15) if tif == "gtd" else 0,
            "post_only": tif in ("gtc", "gtd") and not chance.getrandbits(2),
            "made_at": at,
            "owner": f"{chance.getrandbits(128):032x}",
        })  # fmt: skip
    return made


def requests(seed: int, count: int) -> list[dict]:
    """Random requests and moments for both levels of authentication."""
    chance = random.Random(seed)
    return [
        {
            "key": f"{chance.getrandbits(255) + 1:064x}",
            "chain_id": chance.choice([137, 80002]),
            "nonce": chance.choice([0, 0, 1, chance.getrandbits(40)]),
            "at": 1_790_000_000 + chance.randrange(10**8),
            "secret": _secret(chance),
            "method": chance.choice(["GET", "POST", "DELETE"]),
            "path": chance.choice(["/order", "/orders", "/data/trades", "/auth/ban-status"]),
            "body": chance.choice(["", '{"orderID":"0xab"}', '[{"a":1},{"b":"ü"}]']),
        }
        for _ in range(count)
    ]


def _secret(chance: random.Random) -> str:
    import base64

    return base64.urlsafe_b64encode(chance.randbytes(32)).decode()


def salt(order_id: str) -> int:
    return int.from_bytes(hashlib.blake2b(order_id.encode(), digest_size=8).digest(), "big") >> 11


def amounts(case: dict) -> tuple[int, int]:
    """Price times size by the plainest arithmetic there is."""
    cash = case["px"] * case["qty"] // 1_000_000
    return (cash, case["qty"]) if case["action"] == "buy" else (case["qty"], cash)


def by_eth_account(case: dict) -> dict:
    """Order id, digest and signature, with the structure spelled out as typed data."""
    from eth_account import Account
    from eth_account.messages import _hash_eip191_message, encode_typed_data

    account = Account.from_key(case["key"])
    kind, token = case["signature_type"], int(case["token"])
    third = token & (((1 << 64) - 1) << 40) == 0
    plain, twin, new = CHAINS[case["chain_id"]]
    maker, taker = amounts(case)
    domain = {
        "name": "Polymarket CTF Exchange",
        "version": "3" if third else "2",
        "chainId": case["chain_id"],
        "verifyingContract": new if third else twin if case["neg_risk"] else plain,
    }
    payer = case["funder"] or account.address
    order = {
        "salt": salt(case["id"]), "maker": payer,
        "signer": payer if kind == 3 else account.address, "tokenId": token,
        "makerAmount": maker, "takerAmount": taker, "side": int(case["action"] == "sell"),
        "signatureType": kind, "timestamp": case["made_at"] // 1_000_000,
        "metadata": bytes(32), "builder": bytes(32),
    }  # fmt: skip
    types = {"EIP712Domain": _fields(DOMAIN), "Order": _fields(ORDER)}
    plainly = encode_typed_data(
        full_message={"types": types, "primaryType": "Order", "domain": domain, "message": order}
    )
    signed = plainly
    if kind == 3:
        wrap = [("contents", "Order"), *DOMAIN, ("salt", "bytes32")]
        signed = encode_typed_data(
            full_message={
                "types": {**types, "TypedDataSign": _fields(wrap)},
                "primaryType": "TypedDataSign",
                "domain": domain,
                "message": {
                    "contents": order, "name": "DepositWallet", "version": "1",
                    "chainId": case["chain_id"], "verifyingContract": payer, "salt": bytes(32),
                },
            }
        )  # fmt: skip
    made = account.sign_message(signed)
    return {
        "address": account.address,
        "order_id": _hash_eip191_message(plainly).hex(),
        "digest": made.message_hash.hex(),
        "signature": made.signature.hex(),
    }


def auth_by_eth_account(case: dict) -> dict:
    from eth_account import Account
    from eth_account.messages import encode_typed_data

    account = Account.from_key(case["key"])
    made = account.sign_message(encode_typed_data(
        {"name": "ClobAuthDomain", "version": "1", "chainId": case["chain_id"]},
        {"ClobAuth": _fields([("address", "address"), ("timestamp", "string"),
                              ("nonce", "uint256"), ("message", "string")])},
        {"address": account.address, "timestamp": str(case["at"]), "nonce": case["nonce"],
         "message": ATTEST},
    ))  # fmt: skip
    return {"address": account.address, "signature": made.signature.hex()}


def by_client(case: dict) -> dict:
    """The body that the official client would post, and the amounts by its own arithmetic."""
    from eth_utils import to_checksum_address
    from py_clob_client_v2.config import get_contract_config
    from py_clob_client_v2.order_builder.builder import ROUNDING_CONFIG, OrderBuilder
    from py_clob_client_v2.order_utils import ExchangeOrderBuilderV2, SignatureTypeV2
    from py_clob_client_v2.order_utils.model.order_data_v2 import OrderDataV2, order_to_json_v2
    from py_clob_client_v2.signer import Signer

    signer = Signer(case["key"], case["chain_id"])
    kind = SignatureTypeV2(case["signature_type"])
    payer = to_checksum_address(case["funder"]) if case["funder"] else None
    builder = OrderBuilder(signer, kind, payer)
    # In its binary floats floor(139.73 * 100) is 13972, a share's hundredth lost: hence the hair.
    size, price = case["qty"] / 1_000_000 + 1e-9, case["px"] / 1_000_000 + 1e-11
    config = ROUNDING_CONFIG[case["tick"]]
    side = case["action"].upper()
    side, maker, taker = builder.get_order_amounts(side, size, price, config)
    market = builder.get_market_order_amounts(case["action"].upper(), size, price, config)
    contracts = get_contract_config(case["chain_id"])
    third = int(case["token"]) & (((1 << 64) - 1) << 40) == 0
    contract = contracts.neg_risk_exchange_v2 if case["neg_risk"] else contracts.exchange_v2
    exchange = ExchangeOrderBuilderV2(
        contracts.exchange_v3 if third else contract, case["chain_id"], signer,
        generate_salt=lambda: str(salt(case["id"])), domain_version="3" if third else "2",
    )  # fmt: skip
    late = -(-(case["expires"] + 60 * 10**9) // 10**9) if case["tif"] == "gtd" else 0
    order = exchange.build_signed_order(OrderDataV2(
        maker=builder.funder, tokenId=case["token"], makerAmount=str(maker),
        takerAmount=str(taker), side=side, signer=builder._v2_order_signer(), signatureType=kind,
        timestamp=str(case["made_at"] // 1_000_000), expiration=str(late),
    ))  # fmt: skip
    body = order_to_json_v2(order, case["owner"], KINDS[case["tif"]], case["post_only"])
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return {"body": text, "market": [str(market[1]), str(market[2])]}


def request_by_client(case: dict) -> dict:
    from py_clob_client_v2.clob_types import ApiCreds, RequestArgs
    from py_clob_client_v2.headers.headers import create_level_1_headers, create_level_2_headers
    from py_clob_client_v2.signer import Signer

    signer = Signer(case["key"], case["chain_id"])
    asked = RequestArgs(
        method=case["method"], request_path=case["path"], body=None,
        serialized_body=case["body"] or None,
    )  # fmt: skip
    credentials = ApiCreds(api_key="the-key", api_secret=case["secret"], api_passphrase="pass")
    return {
        "level1": create_level_1_headers(signer, case["nonce"], case["at"]),
        "level2": create_level_2_headers(signer, credentials, asked, case["at"]),
    }


def _fields(pairs: list[tuple[str, str]]) -> list[dict]:
    return [{"name": name, "type": kind} for name, kind in pairs]


def _tools() -> tuple:
    try:
        import py_clob_client_v2  # noqa: F401
    except ImportError:
        return "eth_account", by_eth_account, auth_by_eth_account
    return "client", by_client, request_by_client


def main() -> None:
    name, order, request = _tools()
    if sys.argv[1] == "answer":
        asked = json.load(sys.stdin)
        json.dump([(order if "id" in case else request)(case) for case in asked], sys.stdout)
        return
    found = {
        "orders": [[case, order(case)] for case in cases(20261121, 240)],
        "requests": [[case, request(case)] for case in requests(20261122, 40)],
    }
    lines = ",\n".join(
        f'"{part}": [\n' + ",\n".join(json.dumps(pair) for pair in pairs) + "\n]"
        for part, pairs in found.items()
    )
    Path(sys.argv[2], f"{name}.json").write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main()
