"""Double entry in whole millionths: every set of postings sums to zero for each asset.

Accounts: cash:VENUE, inventory:KEY|OUTCOME (what the contracts held cost, fees in it), pnl, and
capital:VENUE in dollars; holding:KEY|OUTCOME and market:KEY|OUTCOME in contracts; fees:VENUE
against paid:VENUE as a memorandum of what was charged. Nothing is ever changed: what proves wrong
is reversed by postings of its own.
"""

from typing import Final

import msgspec

from dutchbook.domain.candidate import Outcome
from dutchbook.domain.units import Ns, Qty, Usd

USD: Final = "USD"
FEE: Final = "FEE"


class Posting(msgspec.Struct, frozen=True, array_like=True):
    """`amount` of `asset` comes into `account` (or leaves it, negative)."""

    account: str
    asset: str
    amount: int


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One set of postings, of the step `seq`. `ref` names the fill or payment behind it."""

    seq: int
    at: Ns
    what: str
    ref: str
    postings: tuple[Posting, ...]


class Ledger:
    """Totals by (account, asset); `fresh` holds the entries that nobody has taken yet.

    `by_key`, `by_venue`, `held_total`: what the contracts held cost; `cash_total` everywhere.
    `shrunk`: KEY|OUTCOME of which contracts went since the account last looked.
    """

    def __init__(self) -> None:
        self.totals: dict[tuple[str, str], int] = {}
        self.fresh: list[Entry] = []
        self.by_key: dict[str, int] = {}
        self.by_venue: dict[str, int] = {}
        self.shrunk: dict[str, None] = {}
        self.held_total = 0
        self.cash_total = 0
        self.seq = 0
        self.at = Ns(0)

    def total(self, account: str, asset: str = USD) -> int:
        """What an account holds."""
        return self.totals.get((account, asset), 0)

    def post(self, what: str, ref: str, *rows: tuple[str, str, int]) -> Entry:
        """Book a set; it must balance in each asset, whatever else happens."""
        sums: dict[str, int] = {}
        for _, asset, amount in rows:
            sums[asset] = sums.get(asset, 0) + amount
        assert not any(sums.values()), f"{what} {ref} does not balance: {sums}"
        for account, asset, amount in rows:
            if amount:
                place = (account, asset)
                self.totals[place] = self.totals.get(place, 0) + amount
                if asset == USD:
                    self.sum_up(account, amount)
                elif amount < 0 and account.startswith("holding:"):
                    self.shrunk[asset] = None
        entry = Entry(self.seq, self.at, what, ref, tuple(Posting(*row) for row in rows if row[2]))
        self.fresh.append(entry)
        return entry

    def sum_up(self, account: str, amount: int) -> None:
        """Keep the sums that limits are read from."""
        if account.startswith("inventory:"):
            key = account[10:].rpartition("|")[0]
            venue = key.partition(":")[0]
            self.by_key[key] = self.by_key.get(key, 0) + amount
            self.by_venue[venue] = self.by_venue.get(venue, 0) + amount
            self.held_total += amount
        elif account.startswith("cash:"):
            self.cash_total += amount

    def reverse(self, what: str, ref: str, rows: tuple[Posting, ...]) -> Entry:
        """Take a set back by its opposite."""
        return self.post(what, ref, *((p.account, p.asset, -p.amount) for p in rows))

    def drain(self) -> list[Entry]:
        """The entries since the last call."""
        taken, self.fresh = self.fresh, []
        return taken

    # -- what happens to money and contracts -----------------------------------------------------

    def bought(
        self, venue: str, key: str, outcome: Outcome, qty: int, cost: int, fee: int, ref: str
    ) -> Entry:
        asset = f"{key}|{outcome}"
        return self.post(
            "buy", ref, (f"cash:{venue}", USD, -cost - fee),
            (f"inventory:{asset}", USD, cost + fee),
            (f"holding:{asset}", asset, qty), (f"market:{asset}", asset, -qty),
            *_fee(venue, fee),
        )  # fmt: skip

    def sold(
        self, venue: str, key: str, outcome: Outcome, qty: int, value: int, fee: int, ref: str
    ) -> Entry:
        asset = f"{key}|{outcome}"
        part = self.part(key, outcome, qty)
        return self.post(
            "sell", ref, (f"cash:{venue}", USD, value - fee), (f"inventory:{asset}", USD, -part),
            ("pnl", USD, part - value + fee),
            (f"holding:{asset}", asset, -qty), (f"market:{asset}", asset, qty),
            *_fee(venue, fee),
        )  # fmt: skip

    def paired(self, what: str, venue: str, key: str, qty: int, cash: int, ref: str) -> Entry:
        """`qty` of YES and NO each become cash (merge), or the other way where it is negative."""
        rows: list[tuple[str, str, int]] = [(f"cash:{venue}", USD, cash)]
        gone = 0
        for outcome in ("yes", "no"):
            asset = f"{key}|{outcome}"
            part = self.part(key, outcome, qty) if qty > 0 else cash // 2
            part = cash - gone if qty < 0 and outcome == "no" else part
            gone += part
            rows += [
                (f"inventory:{asset}", USD, -part),
                (f"holding:{asset}", asset, -qty), (f"market:{asset}", asset, qty),
            ]  # fmt: skip
        return self.post(what, ref, *rows, ("pnl", USD, gone - cash))

    def settled(
        self, what: str, venue: str, key: str, yes: int, no: int, cash: int, fee: int, ref: str
    ) -> Entry:
        """A market paid for `yes` and `no` contracts."""
        rows: list[tuple[str, str, int]] = [(f"cash:{venue}", USD, cash)]
        gone = 0
        for outcome, qty in (("yes", yes), ("no", no)):
            asset = f"{key}|{outcome}"
            part = self.part(key, outcome, qty)
            gone += part
            rows += [
                (f"inventory:{asset}", USD, -part),
                (f"holding:{asset}", asset, -qty), (f"market:{asset}", asset, qty),
            ]  # fmt: skip
        return self.post(what, ref, *rows, ("pnl", USD, gone - cash), *_fee(venue, fee))

    def moved(self, what: str, venue: str, cash: int, ref: str) -> Entry:
        """Money came in or went out."""
        return self.post(what, ref, (f"cash:{venue}", USD, cash), (f"capital:{venue}", USD, -cash))

    def found(self, key: str, outcome: Outcome, qty: int, ref: str) -> Entry:
        """Contracts that are there without a fill that we know of; they cost nothing here."""
        asset = f"{key}|{outcome}"
        return self.post(
            "found", ref, (f"holding:{asset}", asset, qty), (f"market:{asset}", asset, -qty)
        )

    def earned(self, what: str, venue: str, cash: int, ref: str) -> Entry:
        return self.post(what, ref, (f"cash:{venue}", USD, cash), ("pnl", USD, -cash))

    def charged(self, venue: str, less: int, ref: str) -> Entry:
        """A fee turned out `less` than booked: the difference is a gain of the account."""
        return self.post(
            "fee", ref, (f"cash:{venue}", USD, less), ("pnl", USD, -less), *_fee(venue, -less)
        )

    def emptied(self, key: str, outcome: str, ref: str) -> None:
        """Nothing is held any more, so nothing of it has a cost: after a void, what was sold
        before had cost something else than was counted."""
        asset = f"{key}|{outcome}"
        cost = self.total(f"inventory:{asset}")
        if cost and not self.total(f"holding:{asset}", asset):
            self.post("void", ref, (f"inventory:{asset}", USD, -cost), ("pnl", USD, cost))

    def close(self, venue: str, why: str) -> None:
        """Bring a venue's accounts to zero, as when all there is left behind, its profit too."""
        rows = [
            (account, asset, -amount)
            for (account, asset), amount in self.totals.items()
            if venue_of(account) == venue
        ]
        rest = sum(amount for _, asset, amount in rows if asset == USD)
        self.post("close", why, *rows, ("pnl", USD, -rest))

    def part(self, key: str, outcome: str, qty: int) -> int:
        """What `qty` of the contracts held cost on average; the last ones take the rest."""
        asset = f"{key}|{outcome}"
        held, cost = self.total(f"holding:{asset}", asset), self.total(f"inventory:{asset}")
        if held <= 0 or qty >= held:
            return cost if held > 0 else 0
        return cost * qty // held

    def held(self, key: str, outcome: str) -> Qty:
        asset = f"{key}|{outcome}"
        return Qty(self.total(f"holding:{asset}", asset))

    def cash(self, venue: str) -> Usd:
        return Usd(self.total(f"cash:{venue}"))


def venue_of(account: str) -> str:
    """Whose an account of the ledger is; "" of none: pnl."""
    return account.split(":")[1] if ":" in account else ""


def _fee(venue: str, fee: int) -> tuple[tuple[str, str, int], ...]:
    return ((f"fees:{venue}", FEE, fee), (f"paid:{venue}", FEE, -fee)) if fee else ()
