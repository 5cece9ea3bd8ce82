"""Keeps what tells others apart from what decides: where it fails, it is given up, and we go on."""

import logging
from collections.abc import Callable

from dutchbook.domain.step import Step

_log = logging.getLogger(__name__)


class Apart:
    """Calls of one teller. After its first failure it is called no more, and `lost` is told why.

    Nothing is lost for good: steps are in the journal, and the next run tells what was missed.
    """

    def __init__(self, name: str, lost: Callable[[str], None]) -> None:
        self.name = name
        self.failed = False
        self._lost = lost

    def heed(self, call: Callable[[Step], bool]) -> Callable[[Step], bool]:
        """As `call`; False once it was given up."""

        def heed(step: Step) -> bool:
            if not self.failed:
                try:
                    return call(step)
                except Exception as error:
                    self._give_up(error)
            return False

        return heed

    def put(self, call: Callable[[Step], None]) -> Callable[[Step], None]:
        """As `call`, for what answers nothing."""

        def put(step: Step) -> None:
            if not self.failed:
                try:
                    call(step)
                except Exception as error:
                    self._give_up(error)

        return put

    def publish(self, call: Callable[[], None]) -> Callable[[], None]:
        """As `call`, without a step."""

        def publish() -> None:
            if not self.failed:
                try:
                    call()
                except Exception as error:
                    self._give_up(error)

        return publish

    def _give_up(self, error: Exception) -> None:
        self.failed = True
        _log.exception("%s is given up", self.name)
        self._lost(f"{self.name} is given up until the next start: {type(error).__name__}: {error}")
