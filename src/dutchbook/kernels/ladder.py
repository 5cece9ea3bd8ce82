"""Bulk changes of ladders from a columnar tape, and the best slots found anew."""

from typing import Any, Final

from dutchbook.kernels.kernel import I8, LADDER, SIZE_MAX, U1, kernel, part

DELTA: Final = 1
"""Flag of a line: its size is a signed change, not a new total."""
CLEAR: Final = 2
"""Flag of a line: the row is emptied first (a snapshot begins); slot 0 then means no level."""


@part
def next_up(occupied: Any, words: Any, at: int, end: int) -> int:
    """The first cell in use of [at, end), -1 if none; rows start and end on whole words."""
    while at < end and at & 7:
        if occupied[at]:
            return at
        at += 1
    word, last = at >> 3, end >> 3
    while word < last and words[word] == 0:
        word += 1
    if word >= last:
        return -1
    at = word << 3
    while not occupied[at]:
        at += 1
    return at


@part
def next_down(occupied: Any, words: Any, base: int, at: int) -> int:
    """The last cell in use of [base, at), -1 if none; `base` lies on a whole word."""
    at -= 1
    while at >= base and at & 7 != 7:
        if occupied[at]:
            return at
        at -= 1
    word, first = at >> 3, base >> 3
    while word >= first and words[word] == 0:
        word -= 1
    if word < first:
        return -1
    at = (word << 3) + 7
    while not occupied[at]:
        at -= 1
    return at


@part
def clear_row(sizes: Any, occupied: Any, words: Any, base: int, end: int) -> None:
    for word in range(base >> 3, end >> 3):
        if words[word]:
            for at in range(word << 3, (word << 3) + 8):
                sizes[at] = 0
            words[word] = 0


@kernel(f"int64({I8}, {U1}, {I8}, {I8}, {U1}, {LADDER}, int64, int64, int64)")
def apply_tape(
    rows: Any,
    sides: Any,
    slots: Any,
    changes: Any,
    flags: Any,
    sizes: Any,
    occupied: Any,
    words: Any,
    best: Any,
    row_count: int,
    stride: int,
    slot_count: int,
) -> int:
    """Apply lines in order; the number applied, less than all if a line is one no book allows.

    The line at that number, and all after it, changed nothing. `row_count` rows are in use.
    """
    for i in range(rows.size):
        row, side, slot, change, flag = rows[i], sides[i], slots[i], changes[i], flags[i]
        if row < 0 or row >= row_count or side > 1 or change > SIZE_MAX or change < -SIZE_MAX:
            return i
        bids = row * 2 * stride
        if flag & CLEAR:
            # a line that clears must be good itself: nothing is cleared for a bad one
            if slot < 0 or slot >= slot_count - 1 or change < 0:
                return i
            clear_row(sizes, occupied, words, bids, bids + 2 * stride)
            best[row * 2], best[row * 2 + 1] = 0, slot_count - 1
            if slot == 0:
                continue
        elif slot <= 0 or slot >= slot_count - 1:
            return i
        at = bids + side * stride + slot
        old = sizes[at]
        new = old + change if flag & DELTA else change  # both within +-SIZE_MAX: no overflow
        if new < 0 or new > SIZE_MAX:
            return i
        sizes[at] = new
        occupied[at] = 1 if new else 0
        if side == 0:
            top = best[row * 2]
            if new:
                if slot > top:
                    best[row * 2] = slot
            elif slot == top:
                best[row * 2] = max(next_down(occupied, words, bids, at) - bids, 0)
        else:
            top = best[row * 2 + 1]
            if new:
                if slot < top:
                    best[row * 2 + 1] = slot
            elif slot == top:
                asks = bids + stride
                found = next_up(occupied, words, at, asks + stride)
                best[row * 2 + 1] = found - asks if found >= 0 else slot_count - 1
    return int(rows.size)


@kernel(f"void({LADDER}, int64, int64, int64)")
def rebuild_tops(
    sizes: Any,
    occupied: Any,
    words: Any,
    best: Any,
    row_count: int,
    stride: int,
    slot_count: int,
) -> None:
    """Find occupation and best slots of every row anew, from the sizes alone."""
    for row in range(row_count):
        bids = row * 2 * stride
        asks = bids + stride
        for at in range(bids, asks + stride):
            occupied[at] = 1 if sizes[at] else 0
        best[row * 2] = max(next_down(occupied, words, bids, asks) - bids, 0)
        found = next_up(occupied, words, asks, asks + stride)
        best[row * 2 + 1] = found - asks if found >= 0 else slot_count - 1
