"""A market's allowed prices: its price ranges, or the name of a structure with one form."""

from itertools import pairwise

from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.instrument import CENT, MILL, Band
from dutchbook.domain.units import ONE, Px
from dutchbook.venues.kalshi.numbers import quote, read
from dutchbook.venues.kalshi.wire import Range

TAPERED = (
    Band(Px(0), Px(100_000), Px(1_000)),
    Band(Px(100_000), Px(900_000), Px(10_000)),
    Band(Px(900_000), Px(ONE), Px(1_000)),
)
FINEST = (Band(Px(0), Px(ONE), Px(100)),)
_BY_NAME = {"linear_cent": CENT, "deci_cent": MILL, "tapered_deci_cent": TAPERED}
_BANDS_MAX = 100


def grid_of(ranges: list[Range] | None, structure: str, path: str, market: str) -> tuple[Band, ...]:
    """The bands in ascending order. Raises RemoteProtocolError if they make no grid."""
    where = f"{path}.price_ranges" if path else "price_ranges"
    if not ranges:
        if structure in _BY_NAME:
            return _BY_NAME[structure]
        raise RemoteProtocolError("kalshi", where, "missing or empty", market=market)
    if len(ranges) > _BANDS_MAX:
        raise RemoteProtocolError("kalshi", where, "too many bands", market=market)
    bands = []
    for n, band in enumerate(ranges):
        at = f"{where}[{n}]"
        start, end, step = (
            read(f"{at}.{name}", market, quote, getattr(band, name))
            for name in ("start", "end", "step")
        )
        if not (start < end and step > 0 and (end - start) % step == 0):
            raise RemoteProtocolError("kalshi", at, "not a band of whole steps", market=market)
        bands.append(Band(Px(start), Px(end), Px(step)))
    bands.sort(key=lambda band: band.start)
    for below, above in pairwise(bands):
        if above.start < below.end:
            raise RemoteProtocolError("kalshi", where, "bands overlap", market=market)
    return tuple(bands)
