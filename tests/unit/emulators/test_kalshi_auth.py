"""Signatures: who is let in, and with which word each other request is turned away."""

import httpx2
import pytest
from rig import running
from websockets.exceptions import InvalidStatus

PATH = "/trade-api/ws/v2"
REFUSED = {
    "no key": ({"key": ""}, "signature_is_missing_from_headers"),
    "no signature": ({"signature": ""}, "signature_is_missing_from_headers"),
    "unknown key": ({"key": "00000000-0000-0000-0000-000000000000"}, "NOT_FOUND"),
    "old": ({"age_ms": 16_000}, "header_timestamp_expired"),
    "bad signature": ({"signature": "AAAA"}, "INCORRECT_API_KEY_SIGNATURE"),
    "not base64": ({"signature": "%%"}, "INCORRECT_API_KEY_SIGNATURE"),
    "time not signed": ({"time": "99999999999999"}, "INCORRECT_API_KEY_SIGNATURE"),
    "time no number": ({"time": "now"}, "INCORRECT_API_KEY_SIGNATURE"),
}


async def test_good_signatures_open_the_socket(tmp_path):
    """Both key kinds, a little late, and any future time."""
    async with running(tmp_path, "kalshi") as rig:
        for how in ({}, {"kind": "rsa"}, {"age_ms": 14_000}, {"age_ms": -3_600_000}):
            async with rig.kalshi_socket(**how) as ws:
                assert ws.response.status_code == 101


async def test_each_refusal_of_the_handshake_says_why(tmp_path):
    async with running(tmp_path, "kalshi") as rig:
        for name, (change, word) in REFUSED.items():
            with pytest.raises(InvalidStatus) as refused:
                await rig.kalshi_socket(**change)
            response = refused.value.response
            assert (response.status_code, word in response.body.decode()) == (401, True), name


async def test_rest_asks_for_a_signature_where_the_venue_does(tmp_path):
    """The order book wants one for its own path without the query; the market list does not."""
    async with running(tmp_path, "kalshi") as rig, httpx2.AsyncClient() as client:
        ticker = rig.tickers()[0]
        path = f"/trade-api/v2/markets/{ticker}/orderbook"
        url = f"{rig.kalshi['rest']}/markets/{ticker}/orderbook?depth=3"
        assert (await client.get(f"{rig.kalshi['rest']}/markets?limit=1")).status_code == 200
        assert (await client.get(url)).status_code == 401
        other = await client.get(url, headers=rig.headers(path + "?depth=3"))
        assert other.json()["error"]["details"] == "INCORRECT_API_KEY_SIGNATURE"
        good = await client.get(url, headers=rig.headers(path))
        assert (good.status_code, list(good.json()["orderbook_fp"])) == (
            200,
            ["yes_dollars", "no_dollars"],
        )
