"""The figures of the fresh-book gate: settings, with the defaults that hold everywhere."""

import msgspec

from dutchbook.domain.units import MILLI, SECOND, Ns


class FreshLimits(msgspec.Struct, frozen=True):
    """All in ns, except `sample_books`: how many books of each stream a sample asks for."""

    silent: Ns = Ns(10 * SECOND)
    check: Ns = Ns(10 * SECOND)
    sample: Ns = Ns(30 * SECOND)
    crossed: Ns = Ns(500 * MILLI)
    late: Ns = Ns(SECOND)
    sample_books: int = 3
