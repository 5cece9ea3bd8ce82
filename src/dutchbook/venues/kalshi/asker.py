"""REST requests as values: signed, charged to the read budget, asked again after a refusal."""

from urllib.parse import quote as quoted
from urllib.parse import urlencode, urlsplit

import msgspec

from dutchbook.domain.units import Ns
from dutchbook.venues.base import Call, Sign, Wake
from dutchbook.venues.kalshi.config import Config
from dutchbook.venues.kalshi.limits import COST, READ, wait


class Job(msgspec.Struct, frozen=True):
    """A question: its kind, its path and query, the tickers it is about, how often refused."""

    kind: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    about: tuple[str, ...] = ()
    attempt: int = 0


class Asker:
    """Which questions are out and which wait to be asked again. Ids count up and never repeat."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.out: dict[str, Job] = {}
        self.later: dict[str, Job] = {}
        self.count = 0

    def ask(self, job: Job, now: Ns) -> Call:
        """The HTTP request for a question, signed where we have a key."""
        self.count += 1
        name = f"kalshi:{self.count}:{job.kind}"
        self.out[name] = job
        url = self.config.rest + job.path + (f"?{urlencode(job.query)}" if job.query else "")
        headers, sign = signature(self.config, url)
        return Call(name, "GET", url, headers=headers, sign=sign, bucket=READ, cost=COST)

    def take(self, call: str) -> Job | None:
        """The question that an answer belongs to; None for one that nobody waits for."""
        return self.out.pop(call, None)

    def again(self, job: Job, now: Ns) -> Wake:
        """Ask later, waiting longer after every refusal."""
        self.count += 1
        token = f"retry:{self.count}"
        later = msgspec.structs.replace(job, attempt=job.attempt + 1)
        self.later[token] = later
        return Wake(token, Ns(now + wait(later.attempt)))

    def due(self, token: str, now: Ns) -> list[Call]:
        """The request whose time has come."""
        job = self.later.pop(token, None)
        return [self.ask(job, now)] if job is not None else []


def signature(
    config: Config, url: str, method: str = "GET"
) -> tuple[dict[str, str], tuple[Sign, ...]]:
    """Plain headers, and what to sign: time in ms, the method, and the path without its query."""
    if not config.key_id:
        return {}, ()
    headers = {"KALSHI-ACCESS-KEY": config.key_id}
    text = f"{{ms}}{method}{urlsplit(url).path}"
    stamp = "KALSHI-ACCESS-TIMESTAMP"
    return headers, (Sign(config.key, text, "KALSHI-ACCESS-SIGNATURE", stamp=stamp),)


def safe(ticker: str) -> str:
    """A ticker as one part of a path."""
    return quoted(ticker, safe="")
