"""What an order costs: the gate, the signatures, and the way from a decision to the venue."""

import json
import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter_ns
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bench.harness import Context, Row
from bench.orders_world import basket, crowded, unthrottled
from bench.reliability.served import DATA, ENV, served
from dutchbook.domain.orders import Order
from dutchbook.domain.secret import Secret
from dutchbook.domain.units import MILLI, Ns, Px, Qty
from dutchbook.io import evm
from dutchbook.io.signer import Signer
from dutchbook.venues.polymarket import signed

KEY: Final = "0x" + "4c" * 32
THREE: Final = 3
ROOT: Final = Path(__file__).resolve().parents[1]


def run(context: Context) -> list[Row]:
    """Rows as the table of promises names them."""
    return [
        _risk(context),
        _sign_kalshi(context),
        *_sign_polymarket(context),
        *_whole_way(context),
    ]


def _spans(work: Any, times: int) -> list[float]:
    found = []
    for _ in range(times):
        started = perf_counter_ns()
        work()
        found.append((perf_counter_ns() - started) / 1_000)
    return sorted(found)


def _risk(context: Context) -> Row:
    """A basket of three legs, with 50 baskets and their orders alive."""
    gate, account, view, now = crowded(50)
    orders, certificate = basket(view, now)

    def check() -> None:
        refused = gate.check(orders, account, view, now, certificate=certificate)
        assert refused is None, refused

    gate.limits = unthrottled(gate.limits)
    spans = _spans(check, context.size(3_000))
    p99 = spans[int(len(spans) * 0.99)]
    return Row("risk_check", round(p99, 1), "us p99", "value <= 100", p99 <= 100)


def _sign_kalshi(context: Context) -> Row:
    """RSA-PSS of a request with a 2,048-bit key."""
    key = generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    signer = Signer()
    signer.add("k", Secret(pem))
    spans = []
    for n in range(context.size(300)):
        started = perf_counter_ns()
        signer.sign("k", f"{n}POST/trade-api/v2/portfolio/events/orders")
        spans.append((perf_counter_ns() - started) / 1e6)
    value = sorted(spans)[len(spans) // 2]
    return Row("sign_kalshi", round(value, 3), "ms p50", "value <= 1.5", value <= 1.5)


def _order(n: int) -> Order:
    return Order(
        f"e-{n}-1", "polymarket", "us", "polymarket:0x1", "yes", "buy", Px(440_000),
        Qty(25_000_000), "ioc", Ns(1_790_000_000_000_000_000 + n * MILLI), "leg",
        token="71321045679252212594626385532706912750332728571942532289631379312455583992563",
    )  # fmt: skip


def _sign_polymarket(context: Context) -> list[Row]:
    """From our order to the signed bytes of the wire, against the official client's own."""
    key = Secret(KEY)
    payer = signed.wallet(evm.address(key), "", 0, 137)
    count = context.size(2_000)

    def build(n: int) -> None:
        made = signed.signable(_order(n), payer, "owner", "wallet", "@here@")
        evm.sign_digest(key, bytes.fromhex(made.sign.text.removeprefix("0x")))

    for n in range(50):
        build(n)
    started = perf_counter_ns()
    for n in range(count):
        build(n)
    ours = (perf_counter_ns() - started) / count / 1e6
    theirs = _official(context)
    ratio = round(theirs / ours, 1) if theirs else None
    rows = [Row("sign_polymarket", round(ours, 4), "ms", "value <= 0.5", ours <= 0.5)]
    rows.append(
        Row("sign_polymarket_ratio", ratio or 0, "x", "ratio >= 10" if ratio else None,
            ratio >= 10 if ratio else None, "py-clob-client-v2 1.2.1 build+sign", ratio)
    )  # fmt: skip
    return rows


def _official(context: Context) -> float:
    """Milliseconds an order of the official client, 0 where its environment is not there."""
    python = Path(os.environ.get("DUTCHBOOK_ORACLES", "")) / "clob" / "bin" / "python"
    if not os.environ.get("DUTCHBOOK_ORACLES") or not python.exists():
        context.say("bench: no official client (DUTCHBOOK_ORACLES): no ratio")
        return 0.0
    done = subprocess.run(
        [python, ROOT / "bench" / "peer_clob.py", KEY], capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[-1])


def _whole_way(context: Context) -> list[Row]:
    """A trader on exchanges of another process: from the step that decided to its bytes."""
    seconds = "10" if context.quick else "60"
    with served(context.scratch / "way") as exchanges:
        done = subprocess.run(
            [sys.executable, "-m", "bench.first_byte", exchanges.at,
             str(context.scratch / "way" / DATA), seconds],
            check=True, capture_output=True, text=True, env=os.environ | ENV,
        )  # fmt: skip
    spans = json.loads(done.stdout.splitlines()[-1])["spans"]
    rows = [_row("decision_to_first_byte", [first for _, first, _ in spans], 5)]
    several = [last for legs, _, last in spans if legs >= THREE]
    if several:
        rows.append(_row("update_to_three_legs", several, 10))
    return rows


def _row(name: str, spans: list[float], most: float) -> Row:
    value = sorted(spans)[len(spans) // 2] if spans else 0.0
    unit = f"ms p50 of {len(spans)} baskets"
    return Row(name, round(value, 2), unit, f"value <= {most}", 0 < value <= most)
