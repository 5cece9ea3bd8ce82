"""Our signatures and bytes against eth-account's and the official client's, bit for bit.

The golden files always; fresh random orders where DUTCHBOOK_ORACLES names a directory with the
environments evm/ and clob/ (locks/oracles/*.lock; tools/oracles/polymarket_vectors.py).
"""

import json
import os
import subprocess
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dutchbook.domain.errors import ConfigError
from dutchbook.domain.orders import Order
from dutchbook.domain.secret import Secret
from dutchbook.io import evm
from dutchbook.io.signer import Signer
from dutchbook.venues.base import Call, Sign
from dutchbook.venues.polymarket import amounts, signed, typed

HOME = Path(__file__).parents[3]
GOLDEN = HOME / "tests/golden/polymarket"
SCRIPT = HOME / "tools/oracles/polymarket_vectors.py"
TICK = {"0.1": 100_000, "0.01": 10_000, "0.005": 5_000, "0.0025": 2_500, "0.001": 1_000,
        "0.0001": 100}  # fmt: skip


def golden(name):
    return json.loads((GOLDEN / f"{name}.json").read_bytes())


def order_of(case):
    return Order(
        case["id"], "polymarket", "main", "polymarket:0xc", "yes", case["action"], case["px"],
        case["qty"], case["tif"], case["made_at"], "leg", expires=case["expires"],
        post_only=case["post_only"], token=case["token"], neg_risk=case["neg_risk"],
    )  # fmt: skip


def made(case):
    key = Secret(case["key"])
    payer = signed.wallet(
        evm.address(key), case["funder"], case["signature_type"], case["chain_id"]
    )
    return signed.signable(order_of(case), payer, case["owner"], "k", "@sig@")


def posted(case):
    signer = Signer()
    signer.add_secret("k", Secret(case["key"]))
    order = made(case)
    call = Call("c", "POST", "u", msgspec.json.encode(order.post), sign=(order.sign,))
    return signer.prepare(call, 0)[1].decode()


def agrees_with_eth_account(case, theirs):
    order = made(case)
    digest = bytes.fromhex(order.sign.text)
    key = Secret(case["key"])
    assert evm.address(key) == theirs["address"]
    assert order.name == "0x" + theirs["order_id"].removeprefix("0x")
    assert digest.hex() == theirs["digest"].removeprefix("0x")
    assert evm.sign_digest(key, digest).hex() == theirs["signature"].removeprefix("0x")


def test_every_order_is_named_and_signed_as_eth_account_does():
    cases = golden("eth_account")["orders"]
    assert {case["signature_type"] for case, _ in cases} == {0, 1, 2, 3}
    assert {case["tick"] for case, _ in cases} == set(TICK)
    for case, theirs in cases:
        agrees_with_eth_account(case, theirs)


def test_every_body_is_the_official_clients_byte_for_byte():
    for case, theirs in golden("client")["orders"]:
        assert posted(case) == theirs["body"]


def test_proof_of_a_wallet_is_eth_accounts():
    for case, theirs in golden("eth_account")["requests"]:
        key = Secret(case["key"])
        digest = typed.clob_auth(evm.address(key), str(case["at"]), case["nonce"], case["chain_id"])
        assert "0x" + evm.sign_digest(key, digest).hex() == "0x" + theirs["signature"]


def test_headers_of_both_levels_are_the_official_clients():
    for case, theirs in golden("client")["requests"]:
        key = Secret(case["key"])
        who = evm.address(key)
        digest = typed.clob_auth(who, str(case["at"]), case["nonce"], case["chain_id"])
        assert theirs["level1"] == {
            "POLY_ADDRESS": who,
            "POLY_SIGNATURE": "0x" + evm.sign_digest(key, digest).hex(),
            "POLY_TIMESTAMP": str(case["at"]),
            "POLY_NONCE": str(case["nonce"]),
        }
        signer = Signer()
        signer.add_secret("s", Secret(case["secret"]))
        text = "{s}" + case["method"] + case["path"]
        sign = Sign("s", text, "POLY_SIGNATURE", "hmac", "POLY_TIMESTAMP", with_body=True)
        plain = {"POLY_ADDRESS": who, "POLY_API_KEY": "the-key", "POLY_PASSPHRASE": "pass"}
        # Their client reads an apostrophe in a body as a quotation mark; no body here has one.
        call = Call("c", case["method"], "u", case["body"].encode(), plain, (sign,))
        headers, _ = signer.prepare(call, case["at"] * 10**9)
        assert headers == theirs["level2"]


def test_market_amounts_are_the_official_rules_where_floats_reach_them():
    """The official client works in binary floats: it may be off by one unit of the last place."""
    off, cases = 0, golden("client")["orders"]
    for case, theirs in cases:
        tick = TICK[case["tick"]]
        ours = amounts.market(case["action"], case["px"], case["qty"], tick)
        unit = 10 ** (6 - amounts.PLACES[tick].amount)
        for mine, other in zip(ours, map(int, theirs["market"]), strict=True):
            off += mine != other
            assert abs(mine - other) <= unit
    assert off <= len(cases) // 20


@given(
    st.sampled_from(sorted(TICK.values())), st.integers(1, 9_999), st.integers(1, 10**9),
    st.sampled_from(["buy", "sell"]),
)  # fmt: skip
def test_a_price_on_its_tick_and_a_size_in_hundredths_are_never_rounded(tick, n, hundredths, act):
    px, qty = n * tick % 1_000_000 or tick, hundredths * 10_000
    assert amounts.exact(act, px, qty) == amounts.limit(act, px, qty, tick)


def test_r5_a_change_of_the_tick_changes_no_byte_of_an_order():
    """0.005 and 0.0025 of July 2026; a price with half a cent is exact, never rounded to a cent."""
    assert amounts.exact("buy", 2_500, 10_000) == (25, 10_000)
    assert amounts.limit("sell", 155_000, 1_230_000, 5_000) == (1_230_000, 190_650)
    for px, qty in ((50, 10_000), (0, 10_000), (1_000_000, 10_000), (10_000, 5_000), (10_000, 0)):
        with pytest.raises(ValueError, match="not a"):
            amounts.exact("buy", px, qty)
    for tick in (0, 20_000):
        with pytest.raises(ValueError, match="tick"):
            amounts.limit("buy", 10_000, 10_000, tick)
    with pytest.raises(ValueError, match="below its tick"):
        amounts.market("buy", 5_000, 10_000, 10_000)


def test_r1_the_same_order_is_the_same_bytes_for_ever_and_another_is_another():
    case = golden("eth_account")["orders"][0][0]
    assert made(case) == made(dict(case))
    assert made({**case, "id": "other"}).name != made(case).name
    assert 0 <= signed.salt_of("x" * 40) < 1 << 53


@pytest.mark.parametrize(
    "change",
    [
        {"token": ""}, {"token": "0x12"}, {"token": "1" * 79}, {"token": "9" * 78},
        {"token": "१२"}, {"token": "-1"}, {"px": 0}, {"px": 1_000_000}, {"px": 12_345},
        {"qty": 0}, {"qty": -10_000}, {"qty": 10_001}, {"tif": "ioc", "post_only": True},
        {"tif": "gtd", "expires": 5},
    ],
)  # fmt: skip
def test_what_is_no_order_is_refused_before_it_is_signed(change):
    case = {**golden("eth_account")["orders"][0][0], **change}
    with pytest.raises(ValueError):
        made(case)


def test_a_token_of_77_digits_stays_text():
    token = "7" * 77
    case = {**golden("eth_account")["orders"][0][0], "token": token}
    assert made(case).post.order.token_id == token
    assert f'"tokenId":"{token}"'.encode() in msgspec.json.encode(made(case).post)


@pytest.mark.parametrize(
    ("address", "funder", "kind", "chain"),
    [
        ("0x12", "", 0, 137), ("0x" + "g" * 40, "", 0, 137), ("0x" + "1" * 40, "", 1, 137),
        ("0x" + "1" * 40, "0x" + "2" * 40, 0, 137), ("0x" + "1" * 40, "", 4, 137),
        ("0x" + "1" * 40, "", 0, 1),
    ],
)  # fmt: skip
def test_a_wallet_that_cant_be_is_a_config_error(address, funder, kind, chain):
    with pytest.raises(ConfigError):
        signed.wallet(address, funder, kind, chain)


@pytest.mark.parametrize("key", ["", "0x12", "z" * 64, "0" * 64, "f" * 64])
def test_a_key_that_is_none_is_a_config_error_that_does_not_show_it(key):
    with pytest.raises(ConfigError) as raised:
        evm.sign_digest(Secret(key), bytes(32))
    assert not key or key not in str(raised.value)


def test_an_api_secret_that_is_no_base64_is_a_config_error():
    with pytest.raises(ConfigError, match="derive"):
        evm.hmac(Secret("a b*"), b"text")


ORACLES = os.environ.get("DUTCHBOOK_ORACLES", "")
needs_oracles = pytest.mark.skipif(
    not ORACLES, reason="DUTCHBOOK_ORACLES names no directory with evm/ and clob/"
)


def ask(name, cases):
    run = subprocess.run(
        [f"{ORACLES}/{name}/bin/python", str(SCRIPT), "answer"],
        input=json.dumps(cases).encode(), capture_output=True, check=True, timeout=100,
    )  # fmt: skip
    return json.loads(run.stdout)


def fresh(count):
    import importlib.util

    spec = importlib.util.spec_from_file_location("vectors", SCRIPT)
    vectors = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(vectors)
    return vectors.cases(int.from_bytes(os.urandom(6), "big"), count)


@needs_oracles
def test_fresh_random_orders_are_signed_as_the_oracles_do():
    cases = fresh(2_000 if os.environ.get("DUTCHBOOK_TEST_ALL") else 60)
    for case, theirs in zip(cases, ask("evm", cases), strict=True):
        agrees_with_eth_account(case, theirs)
    for case, theirs in zip(cases, ask("clob", cases), strict=True):
        assert posted(case) == theirs["body"], case
