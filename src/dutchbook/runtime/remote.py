"""Commands that people write in a chat: freqtrade's names, and ours; each answers in text."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from dutchbook import __version__
from dutchbook.alerts.notice import KINDS, Muted
from dutchbook.alerts.words import cents, clean, clock, moment, size, usd
from dutchbook.domain.events import OperatorAsked
from dutchbook.domain.units import SECOND, Ns
from dutchbook.risk.halt import unknown
from dutchbook.state.account import Account
from dutchbook.state.baskets import BasketLife

if TYPE_CHECKING:
    from dutchbook.runtime.live import Live

ROWS: Final = 20
MUTE_MAX: Final = 7 * 86_400
_UNITS: Final = {"m": 60, "h": 3_600, "d": 86_400}


class Remote:
    """Of one run. `alerting` is the run's own."""

    def __init__(self, live: "Live") -> None:
        self.live = live
        self._own: dict[str, Callable[[str, list[str]], str]] = {
            "start": self._verb("resume"), "stop": self._verb("halt"),
            "stopentry": self._verb("pause"), "stopbuy": self._verb("pause"),
            "pause": self._verb("pause"), "resume": self._verb("resume"),
            "kill": self._verb("kill"), "status": self._status, "profit": self._profit,
            "daily": self._by("d"), "weekly": self._by("w"), "monthly": self._by("m"),
            "performance": self._performance, "balance": self._balance, "trades": self._trades,
            "count": self._count, "forceexit": self._exit, "fx": self._exit, "logs": self._logs,
            "reload_config": self._reload, "show_config": self._config, "opps": self._opps,
            "why": self._why, "mute": self._mute, "book": self._book, "journal": self._journal,
            "help": self._help, "version": lambda who, args: f"dutchbook {__version__}",
        }  # fmt: skip

    def __call__(self, who: str, text: str) -> str:
        """The answer to one line; a command that is not known says which there are."""
        name, *args = text[:500].removeprefix("/").split() or [""]
        found = self._own.get(name.partition("@")[0].lower())
        return found(who, args) if found is not None else self._help(who, args)

    @property
    def _account(self) -> Account | None:
        trading = self.live.engine.trading
        return trading.account if trading is not None else None

    def _verb(self, verb: str) -> Callable[[str, list[str]], str]:
        def asked(who: str, args: list[str]) -> str:
            engine, scope = self.live.engine, args[0] if args else "all"
            if engine.trading is None:
                return "This run only watches."
            scope = f"strategy:{scope}" if scope in engine.trading.strategies else scope
            none = unknown(scope, partial(engine.trading.unknown_name, engine.view))
            if none and verb != "kill" and scope not in engine.trading.account.halts:
                return f"{clean(scope, 80)}: {none}"
            self.live.tell(OperatorAsked(who, verb, () if verb == "kill" else (scope,)))
            return f"Asked: {verb} {'' if verb == 'kill' else scope}. /status shows what holds."

        return asked

    def _status(self, who: str, args: list[str]) -> str:
        live, account = self.live, self._account
        feeds = live.engine.world.feeds.values()
        lines = [
            f"{live.house.settings.mode.upper()} {live.run}: "
            f"{sum(f.up for f in feeds)}/{len(feeds)} streams, {len(live.engine.open)} "
            f"opportunities, {len(live.engine.world.instruments)} markets"
        ]
        if account is None:
            return lines[0] + "\nThis run only watches."
        lines += [f"{h.scope}: {h.level} ({clean(h.why, 80)})" for h in account.halts.values()]
        lines.append(f"equity {usd(account.equity())} · realised {usd(account.realised())}")
        working = [b for b in account.baskets.values() if not b.over]
        lines += [_basket(b) for b in working[:ROWS]] or ["nothing is under way"]
        return "\n".join(lines)

    def _profit(self, who: str, args: list[str]) -> str:
        days = int(args[0]) if args and args[0].isdecimal() and len(args[0]) < 5 else 0
        since = self.live.clock.now() - days * 86_400 * SECOND if days else 0
        over = [b for b in self._over() if b.moved_at >= since]
        won = sum(b.locked > 0 for b in over)
        word = f"last {days} d" if days else "all"
        return (
            f"{word}: {usd(sum(b.locked for b in over), sign=True)}, {len(over)} baskets, {won} won"
        )

    def _by(self, unit: str) -> Callable[[str, list[str]], str]:
        def asked(who: str, args: list[str]) -> str:
            zone, sums = self.live.zone, dict[str, int]()
            for basket in self._over():
                at = moment(basket.moved_at, zone)
                if unit == "w":
                    at -= timedelta(days=at.weekday())
                name = at.strftime("%Y-%m" if unit == "m" else "%Y-%m-%d")
                sums[name] = sums.get(name, 0) + basket.locked
            rows = [f"{name}  {usd(gain, sign=True)}" for name, gain in sorted(sums.items())]
            return "\n".join(rows[-ROWS:]) or "Nothing has ended yet."

        return asked

    def _performance(self, who: str, args: list[str]) -> str:
        sums: dict[str, list[int]] = {}
        for basket in self._over():
            sums.setdefault(basket.begun.strategy or basket.begun.kind, []).append(basket.locked)
        rows = sorted(sums.items(), key=lambda row: -sum(row[1]))
        lines = [f"{name}  {usd(sum(gains), sign=True)} ({len(gains)})" for name, gains in rows]
        return "\n".join(lines) or "Nothing has ended yet."

    def _balance(self, who: str, args: list[str]) -> str:
        account = self._account
        if account is None:
            return "This run only watches."
        lines = [
            f"{venue}  {usd(account.cash(venue))}, {usd(account.reserved(venue))} reserved"
            for venue in self.live.drivers
        ]
        return "\n".join([*lines, f"equity {usd(account.equity())}"])

    def _trades(self, who: str, args: list[str]) -> str:
        most = int(args[0]) if args and args[0].isdecimal() and len(args[0]) < 3 else 10
        return "\n".join(map(_basket, self._over()[-max(most, 1) :])) or "None yet."

    def _count(self, who: str, args: list[str]) -> str:
        account = self._account
        if account is None:
            return "This run only watches."
        most = self.live.house.settings.execution.baskets_max
        working = sum(not b.over for b in account.baskets.values())
        return f"{working} of {most} baskets under way, {len(account.live)} orders open"

    def _exit(self, who: str, args: list[str]) -> str:
        if not args or args[0] == "all":
            return "Name one: /forceexit b…, or /forceexit MARKET yes|no; to stop all: /kill."
        self.live.tell(OperatorAsked(who, "exit", tuple(args[:2])))
        return f"Asked: exit {clean(' '.join(args[:2]), 90)}. /status shows what is under way."

    def _logs(self, who: str, args: list[str]) -> str:
        lives = list(self.live.alerting.center.book.lives.values())[-ROWS // 2 :]
        zone = self.live.zone
        lines = [
            f"{clock(x.notice.at, zone)} {clean(x.notice.text.splitlines()[0], 120)}" for x in lives
        ]
        return "\n".join(lines) or "Nothing was told yet."

    def _reload(self, who: str, args: list[str]) -> str:
        return "Settings are read at the start of a run; nothing was changed. Restart to apply."

    def _config(self, who: str, args: list[str]) -> str:
        s = self.live.house.settings
        return "\n".join(
            [
                f"mode {s.mode} · edge_min {cents(s.arbitrage.edge_min)} · "
                f"style {s.execution.style} · auto {'on' if s.execution.auto else 'off'}",
                f"per basket {usd(s.risk.per_basket)} · per account {usd(s.risk.per_account)}",
                f"alerts above {cents(s.alerts.min_edge)} · execute {s.alerts.telegram.execute}"
                f" · valid {s.alerts.ttl_s} s · quiet {s.alerts.quiet_hours or 'never'}",
            ]
        )

    def _opps(self, who: str, args: list[str]) -> str:
        found = sorted(self.live.engine.open.values(), key=lambda one: -one.best)[:ROWS]
        lines = [f"#{one.id}  edge up to {cents(one.best)}, {usd(one.proved)}" for one in found]
        return "\n".join(lines) or "None is open now; /why tells what is in the way."

    def _why(self, who: str, args: list[str]) -> str:
        told = self.live.engine.why()
        funnel, reasons = told["funnel"], told["reasons"]
        assert isinstance(reasons, dict)
        top = sorted(reasons.items(), key=lambda row: -row[1])[:8]
        shown = (
            " → ".join(f"{k} {v}" for k, v in funnel.items()) if isinstance(funnel, dict) else ""
        )
        return "\n".join([shown, *(f"{clean(str(name), 80)}  {n}" for name, n in top)])

    def _mute(self, who: str, args: list[str]) -> str:
        """`/mute 1h`, `/mute fill 2h`, `/mute fill 0m` lifts it."""
        kind = args[0] if args and args[0] in KINDS else "all"
        span = args[-1] if args else "1h"
        if not (span[:-1].isdecimal() and len(span) < 7 and span[-1] in _UNITS):
            return f"/mute [kind] 30m, 1h or 2d; kinds: {', '.join(KINDS)}"
        seconds = min(int(span[:-1]) * _UNITS[span[-1]], MUTE_MAX)
        now = self.live.clock.now()
        until = Ns(now + seconds * SECOND)
        self.live.alerting.center.do(Muted(kind, until, clean(who, 40), now))
        return f"{kind}: quiet until {clock(until, self.live.zone)[:5]} (CRITICAL still comes)."

    def _book(self, who: str, args: list[str]) -> str:
        world, words = self.live.engine.world, " ".join(args).casefold()
        near = [m for m in world.instruments.values() if words and words in m.key.casefold()]
        near = near or [
            m for m in world.instruments.values() if words and words in m.title.casefold()
        ]
        if len(near) != 1:
            names = "\n".join(clean(m.key, 80) for m in near[:8])
            return f"{len(near)} markets match.\n{names}" if near else "No such market."
        view, key = self.live.engine.view, near[0].key
        stale = view.stale(key, "yes")
        rows = [
            f"{word}  " + "  ".join(f"{cents(px)} ×{size(qty)}" for px, qty in levels)
            for word, levels in (
                ("ask", view.offers(key, "yes", 3)),
                ("bid", view.bids(key, "yes", 3)),
            )
        ]
        head = f"{clean(near[0].title, 120)} (YES){f', stale: {stale}' if stale else ''}"
        return "\n".join([head, *rows])

    def _journal(self, who: str, args: list[str]) -> str:
        text = clean(" ".join(args), 400)
        if not text:
            return "/journal TEXT"
        self.live.tell(OperatorAsked(who, "journal", (text,)))
        return "Kept in the record."

    def _help(self, who: str, args: list[str]) -> str:
        return "/" + " /".join(self._own)

    def _over(self) -> list[BasketLife]:
        account = self._account
        return [b for b in account.baskets.values() if b.over] if account is not None else []


def _basket(life: BasketLife) -> str:
    begun = life.begun
    return (
        f"{begun.id} {begun.kind} ×{size(begun.qty)} {life.stage} "
        f"{usd(life.locked, sign=True) if life.over else f'promised {usd(begun.promised)}'}"
    )
