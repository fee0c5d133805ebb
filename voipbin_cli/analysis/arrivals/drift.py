"""By how many ppm the far end's clock runs faster than ours, and how far off that may be.

Whatever delays a frame only ever delays it: the fastest frame of a stretch of time shows the
clocks, the others show the link. How long a stretch has to be until its fastest frame was held up
by nothing nobody can tell beforehand (half a second on a quiet link, many seconds on a mobile
one), so that the slope is measured over stretches of several lengths. The one that leaves the
least doubt is believed, as far as longer ones agree with it.

A clock's drift is one straight line. Where a half of the run has another slope than the whole, a
step or a bend is seen (a new route, a queue that fills), and how far off the half is is the doubt.

Audio that never came lifts the delay for good. A slope is taken within the pieces between such
losses only, unless all of them are whole frames to a millisecond: then how much is missing is
known, and the pieces are one.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.arrivals.backlog import TOGETHER_NS
from voipbin_cli.analysis.columns import Blocks, Floats, Ints, Mask

WINDOW_FRAMES = 25
# No crystal, sound card or server runs wrong by more than 1 %: what is further off is no clock.
MOST_PPM = 10_000.0
_MS = 1_000_000
# Half a second, one window of 20 ms frames; of a long run so much that 200 are compared.
LEAST_STRETCH_NS = 500 * _MS
MOST_STRETCHES = 200
# Stretches beyond those that the levels of the pieces and the slope use up. With fewer their
# scatter says too little of the error.
LEAST_FREEDOM = 6
# Half the width of a 95 % interval in standard errors: Student's t as 1.96 (1 + a/f + b/f^2) of
# f degrees of freedom, within 3 % from f = 4 on (2.78; 2.23 at 10).
_NORMAL, _STUDENT_A, _STUDENT_B = 1.96, 1.2, 1.9
# The standard deviation of what a few stalls lifted far is theirs and not the others', which the
# median of all slopes keeps to: it counts up to four times the usual deviation (1.48 medians).
_MOST_SPREAD = 4 * 1.48
# A lasting step of the delay by more than this, from one window to the next, is audio that never
# came or a new route: a clock that is off by 1000 ppm drifts by 0.5 ms in half a second.
STEP_NS = 10 * _MS
# Windows before and behind a step that show whether it lasts: 3 s each.
_NEIGHBOURS = 6
# Losses are of whole frames if the delay, less those, is the same before and after to 1.5 ms at
# three of four. A pause of any length would be by chance at 1.5 of 10; so many are enough.
WHOLE_FRAME_NS = 1_500_000
WHOLE_FRAME_LOSSES = 4
_AROUND_LOSS = 2  # windows
# Where nearly half of the frames come together with the one before, whoever collects them decides
# when the fastest comes: its timer is seen, and no clock.
TOGETHER_SHARE = 0.45


# The slope of half a run is off that of the whole by 2.6 times the error of the latter: three times
# its 95 % interval, which is six errors, are beyond chance.
BEND_DOUBTS = 3.0
# Stretches of each half that have a slope.
LEAST_OF_HALF = 3

# One frame lost lifts the delay by 20 ms. Where half seconds scatter by a twentieth of that and
# more, whoever looks for losses misses some, and a rise of half a frame and more may be such.
UNSEEN_LOSS_NS = 10 * _MS
UNSEEN_SCATTER_NS = 1 * _MS


class Drift(NamedTuple):
    """`ppm`: positive where the far clock is faster than ours, so that audio piles up.

    `uncertainty_ppm` is half the width of the 95 % interval. Both are None where too little came
    between losses, which takes four seconds at least, and where frames come together in batches.
    `windows` counts windows of 25 frames, those that a loss ended early included.
    """

    ppm: float | None
    uncertainty_ppm: float | None
    windows: int
    seconds: float

    @property
    def is_of_a_clock(self) -> bool:
        """Whether any clock runs so wrong; otherwise it is a sender's timer, or another rate."""
        return self.ppm is not None and abs(self.ppm) <= MOST_PPM


class Piece(NamedTuple):
    """The fastest frames of windows between two losses: places in the audio, and delays, in ns."""

    places: Floats
    delays: Floats


class _Slope(NamedTuple):
    """Of the delay over time, without unit; half of its 95 % interval; over which stretches.

    `scatter_ns` is the median of how far off it the stretches are.
    """

    slope: float
    doubt: float
    stretch_ns: float
    scatter_ns: float


class DriftFold:
    """The fastest frame of each 25, in pieces between losses, and a slope through them.

    A day of 20 ms frames is kept as 172,800 pairs of numbers (2.8 MB).
    """

    def __init__(self) -> None:
        self._block_delays: Blocks[np.int64] = Blocks(WINDOW_FRAMES, np.int64)
        self._block_places: Blocks[np.int64] = Blocks(WINDOW_FRAMES, np.int64)
        self._delays = array("q")
        self._places = array("q")
        self._cuts = array("q")  # windows before which audio was lost
        self._last_ns: int | None = None
        self._frames = self._together = 0

    def add(self, delays_ns: Ints, places_ns: Ints, lost_ns: Ints) -> None:
        """Take frames in order of arrival, audio that never came counted as time that passed.

        Places are in that time, delays are arrivals less places; `lost_ns` is what was lost right
        before a frame.
        """
        self._count(delays_ns + places_ns)
        start = 0
        for cut in np.flatnonzero(lost_ns).tolist():
            self._take(delays_ns[start:cut], places_ns[start:cut])
            self.cut()
            start = cut
        self._take(delays_ns[start:], places_ns[start:])

    def _count(self, arrivals_ns: Ints) -> None:
        if not len(arrivals_ns):
            return
        before = int(arrivals_ns[0]) if self._last_ns is None else self._last_ns
        gaps = np.diff(arrivals_ns, prepend=before)[self._last_ns is None :]
        self._frames += gaps.size
        self._together += int(np.count_nonzero(gaps < TOGETHER_NS))
        self._last_ns = int(arrivals_ns[-1])

    def _take(self, delays_ns: Ints, places_ns: Ints) -> None:
        delays, places = self._block_delays.add(delays_ns), self._block_places.add(places_ns)
        if len(delays):
            self._note(delays, places)

    def cut(self) -> None:
        """What comes next has a delay of its own, after a loss or on another connection."""
        rest = self._block_delays.rest
        if rest.size:
            self._note(rest[None, :], self._block_places.rest[None, :])
        self._block_delays = Blocks(WINDOW_FRAMES, np.int64)
        self._block_places = Blocks(WINDOW_FRAMES, np.int64)
        self._cuts.append(len(self._delays))

    def _note(self, delays: Ints, places: Ints) -> None:
        fastest = delays.argmin(axis=1)[:, None]
        self._delays.frombytes(np.take_along_axis(delays, fastest, 1).tobytes())
        self._places.frombytes(np.take_along_axis(places, fastest, 1).tobytes())

    def result(self) -> Drift:
        """The figures so far; frames of a window not yet full do not count."""
        delays, places = np.array(self._delays), np.array(self._places)
        seconds = float(places[-1] - places[0]) / 1e9 if places.size else 0.0
        if self._together > TOGETHER_SHARE * self._frames:
            return Drift(None, None, delays.size, seconds)
        pieces = list(self._pieces(delays, places))
        slopes = list(_slopes(pieces, seconds * 1e9))
        told = min(slopes, key=lambda one: one.doubt, default=None)
        # All of the audio came at once: arrival times that do not grow are no clock.
        if told is None or told.slope <= -1:
            return Drift(None, None, delays.size, seconds)
        longer = (abs(one.slope - told.slope) for one in slopes if one.stretch_ns > told.stretch_ns)
        doubt = max(told.doubt, *longer, _bend(pieces, told), 0.0)
        if slopes[0].scatter_ns > UNSEEN_SCATTER_NS and told.slope * seconds * 1e9 > UNSEEN_LOSS_NS:
            doubt = max(doubt, told.slope)
        # Arrival time is (1 + slope) x audio time; later means a slower far clock.
        stretched = 1 + told.slope
        ppm, uncertainty_ppm = -told.slope / stretched * 1e6, doubt / stretched**2 * 1e6
        return Drift(ppm, uncertainty_ppm, delays.size, seconds)

    def _pieces(self, delays: Ints, places: Ints) -> Iterator[Piece]:
        """Windows with no loss and no step between them."""
        cuts = [] if _lost_whole_frames(delays, self._cuts) else self._cuts.tolist()
        origin = delays[:1]
        for start, end in pairwise([0, *cuts, delays.size]):
            if end - start > 1:
                part = slice(start, end)
                level = (delays[part] - origin).astype(np.float64)
                yield from _between_steps(Piece(places[part].astype(np.float64), level))


def _lost_whole_frames(delays: Ints, cuts: array[int]) -> bool:
    """Whether the delay comes back to what it was, once the frames lost at the cuts are counted."""
    rises = []
    for before, cut, after in zip([0, *cuts], cuts, [*cuts[1:], delays.size], strict=False):
        left = delays[max(before, cut - _AROUND_LOSS) : cut]
        right = delays[cut : min(after, cut + _AROUND_LOSS)]
        if left.size and right.size:
            rises.append(abs(int(right.min() - left.min())))
    return len(rises) >= WHOLE_FRAME_LOSSES and float(np.percentile(rises, 75)) < WHOLE_FRAME_NS


def _between_steps(piece: Piece) -> Iterator[Piece]:
    """Cut a piece at lasting steps: all delays behind a jump are above, or below, those before."""
    piece = _fastest(piece, (piece.places[-1] - piece.places[0]) / (2 * MOST_STRETCHES))
    level = piece.delays - _common_slope([piece]) * piece.places
    start = 0
    for index in (np.flatnonzero(np.abs(np.diff(level)) > STEP_NS) + 1).tolist():
        before = level[max(start, index - _NEIGHBOURS) : index].min()
        if abs(level[index : index + _NEIGHBOURS].min() - before) > STEP_NS:
            yield Piece(piece.places[start:index], piece.delays[start:index])
            start = index
    yield Piece(piece.places[start:], piece.delays[start:])


def _slopes(pieces: list[Piece], run_ns: float) -> Iterator[_Slope]:
    """The slope over stretches of one length after the other, each twice as long."""
    stretch_ns = max(float(LEAST_STRETCH_NS), run_ns / MOST_STRETCHES)
    while told := _slope(pieces, stretch_ns):
        yield told
        stretch_ns *= 2


def _slope(pieces: list[Piece], stretch_ns: float) -> _Slope | None:
    """The slope that all pieces share, each at a level of its own; None with too little."""
    stretched = [_stretched(piece, stretch_ns) for piece in pieces]
    several = [piece for piece in stretched if piece.places.size > 1]
    freedom = sum(piece.places.size - 1 for piece in several) - 1
    if freedom < LEAST_FREEDOM:
        return None
    slope = _common_slope(several)
    tilted = (piece.delays - slope * piece.places for piece in several)
    off = np.concatenate([delays - np.median(delays) for delays in tilted])
    spread = sum(float(piece.places.var()) * piece.places.size for piece in several)
    if not spread:
        return None
    student = _NORMAL * (1 + _STUDENT_A / freedom + _STUDENT_B / freedom**2)
    scatter_ns = float(np.median(np.abs(off)))
    deviation_ns = min(float(np.sqrt((off**2).sum() / freedom)), _MOST_SPREAD * scatter_ns)
    doubt = student * deviation_ns / float(np.sqrt(spread))
    return _Slope(slope, doubt, stretch_ns, scatter_ns)


def _bend(pieces: list[Piece], told: _Slope) -> float:
    """By how much a half of the run has another slope than the whole, 0 where by chance."""
    middle = (pieces[0].places[0] + pieces[-1].places[-1]) / 2
    stretched = [_stretched(piece, told.stretch_ns) for piece in pieces]
    off = 0.0
    for is_late in (False, True):
        parts = [_part(piece, (piece.places > middle) == is_late) for piece in stretched]
        several = [part for part in parts if part.places.size >= LEAST_OF_HALF]
        if several:
            off = max(off, abs(_common_slope(several) - told.slope))
    return off if off > BEND_DOUBTS * told.doubt else 0.0


def _part(piece: Piece, which: Mask) -> Piece:
    return Piece(piece.places[which], piece.delays[which])


def _stretched(piece: Piece, stretch_ns: float) -> Piece:
    """The fastest frames of whole stretches of about this length."""
    run_ns = float(piece.places[-1] - piece.places[0]) + LEAST_STRETCH_NS
    count = int(run_ns // stretch_ns)
    return _fastest(piece, run_ns / count) if count else Piece(piece.places[:0], piece.delays[:0])


def _fastest(piece: Piece, stretch_ns: float) -> Piece:
    """Of each stretch of the audio the frame with the least delay."""
    if piece.places.size < 2 or stretch_ns <= 0:
        return piece
    stretch = ((piece.places - piece.places[0]) // stretch_ns).astype(np.int64)
    order = np.lexsort((piece.delays, stretch))
    first = order[np.diff(stretch[order], prepend=-1) > 0]
    return Piece(piece.places[first], piece.delays[first])


def _common_slope(pieces: list[Piece]) -> float:
    """Median of the slopes of all pairs within a piece, each of the weight of its length.

    0 where no pair has a length.
    """
    runs, rises = [], []
    for piece in pieces:
        first, second = np.triu_indices(piece.places.size, 1)
        runs.append(piece.places[second] - piece.places[first])
        rises.append(piece.delays[second] - piece.delays[first])
    run, rise = np.concatenate(runs), np.concatenate(rises)
    run, rise = run[run > 0], rise[run > 0]  # what came twice or out of order has no length
    if not run.size:
        return 0.0
    slopes = rise / run
    order = np.argsort(slopes)
    weight = np.cumsum(run[order])
    return float(slopes[order][np.searchsorted(weight, weight[-1] / 2)])
