"""What some device or program added to the sound: repetitions, clicks, a hum."""

from __future__ import annotations

from voipbin_cli.analysis.findings import pace
from voipbin_cli.analysis.findings.row import WARNING, Case, Evidence, FindingRow, tenths
from voipbin_cli.analysis.findings.sound import judge_low_level
from voipbin_cli.analysis.pauses import PauseKind
from voipbin_cli.analysis.words import Words
from voipbin_cli.finding_ids import FindingId

# Two might be a made-up sound; 0.2 % is one frame in ten seconds.
REPEATS_LEAST = 3
REPEATED_SHARE = 0.002
# The mains and what is within its regulation, as exactly as a tone is measured.
_MAINS_HZ = (50.0, 60.0)
_MAINS_WITHIN_HZ = 1.0
# The mains have ten harmonics that can be heard; clicks each 20 ms have 72 below 3600 Hz.
COMB_TONES = 24
# In less than this the beat of music is as regular as a chunk.
PERIOD_SECONDS = 5.0
# Joins stand on the grid of frames, and each has its place in a period that one in four may share.
CLICKS_OF_A_JOIN = 4
# Half waves: a tenth of one, over the stretch that a period is measured on.
_IN_STEP = 0.1
# Above, a multiple of the mains is as good as any other frequency.
_MAINS_MOST_HZ = 500.0


def judge_repeated_audio(case: Case) -> float:
    told, reception = case.measured.repeats, case.measured.reception
    if told.repeats < REPEATS_LEAST or told.repeated_ms < REPEATED_SHARE * told.seconds * 1000:
        return 0.0
    if not case.measured.is_sound_known:
        return 0.0
    if reception is not None and 2 * reception.duplicate >= told.repeats:
        return 0.0  # the network doubled the packets, which `sequence` tells
    return 0.97


def repeated_audio(case: Case) -> Evidence:
    told = case.measured.repeats
    return {
        "repeats": told.repeats,
        "piece_ms": told.piece_ms,
        "share": round(told.share, 4),
        "listened_seconds": tenths(told.seconds),
    }


def word_repeated_audio(case: Case) -> Words:
    told = case.measured.repeats
    return Words(
        f"{told.repeats} times the same {told.piece_ms:g} ms of sound come twice in a row, "
        f"bit for bit, in the {told.seconds:.0f} s listened to"
    )


def is_each_frame_twice(case: Case) -> bool:
    """There are so many copies that the rest of the sound has no time to be heard."""
    return pace.is_of_copies(case.measured)


def judge_clicks(case: Case) -> float:
    told = case.measured.clicks
    if not told.clicks or not case.measured.is_settled:
        return 0.0
    if told.clicks <= CLICKS_OF_A_JOIN * _joins(case) or _is_too_soft(case):
        return 0.0
    if told.period_ms is None:
        return 0.9
    if told.seconds < PERIOD_SECONDS:
        return 0.0
    return 0.6 if _is_in_step_with_hum(case, told.period_ms) else 0.95


def _is_too_soft(case: Case) -> bool:
    """Whether speech is so soft that it moves by few steps of G.711, each like a click."""
    reading = case.measured.reading
    is_g711 = reading is not None and reading.codec.sample_bytes == 1
    return is_g711 and judge_low_level(case) > 0


def _joins(case: Case) -> int:
    """Where frames meet that did not follow each other: what was between them never came."""
    measured, reception = case.measured, case.measured.reception
    joins = len(measured.losses) + len(measured.paused(PauseKind.MEANT))
    if reception is not None:
        joins += reception.missing + reception.duplicate + reception.reordered
    return joins


def _is_in_step_with_hum(case: Case, period_ms: float) -> bool:
    """Whether every click would meet a tone at the same phase: its own steps may be taken for them.

    Where G.711 is coarse a tone moves by few steps, and those stand at its zeros and its peaks.
    """
    halves = (2 * tone.hertz * period_ms / 1000 for tone in case.measured.hum)
    return any(abs(half - round(half)) < _IN_STEP for half in halves)


def clicks(case: Case) -> Evidence:
    told = case.measured.clicks
    return {
        "clicks": told.clicks,
        "period_ms": told.period_ms,
        "listened_seconds": tenths(told.seconds),
    }


def word_clicks(case: Case) -> Words:
    told = case.measured.clicks
    if told.period_ms is None:
        return Words(
            f"{told.clicks} clicks in the {told.seconds:.0f} s listened to, at no fixed distance",
            "look for frames or samples that are dropped before the platform, and at the line",
        )
    return Words(
        f"a click, step or seam each {told.period_ms:g} ms",
        f"find out what works on {told.period_ms:g} ms at a time: it has to resample, fade and "
        "filter the stream as a whole, keep its state from chunk to chunk, and drop nothing",
    )


def judge_hum(case: Case) -> float:
    measured = case.measured
    if not measured.hum or not measured.is_settled:
        return 0.0
    # A row of clicks is a comb of tones, each a multiple of their rate.
    if len(measured.hum) > COMB_TONES and measured.clicks.period_ms is not None:
        return 0.0
    # A sender that suppresses silence has heard some: no tone lies under that, however steadily
    # one sounds in what was sent (ringing, say).
    return 0.0 if measured.paused(PauseKind.MEANT) else 0.95


def hum(case: Case) -> Evidence:
    tones = case.measured.hum
    return {
        "frequencies_hz": [tone.hertz for tone in tones],
        "levels_dbfs": [tenths(tone.level_dbfs) for tone in tones],
    }


def word_hum(case: Case) -> Words:
    loudest = case.measured.hum[0]
    title = f"a steady tone of {loudest.hertz:.0f} Hz, {loudest.level_dbfs:.0f} dBFS, under it all"
    if _is_mains(loudest.hertz):
        return Words(title, "that is the mains: look at grounding, cables and power supplies")
    return Words(title, "look for feedback, a fan or interference near the microphone")


def _is_mains(hertz: float) -> bool:
    off_hz = min(abs(hertz - round(hertz / mains) * mains) for mains in _MAINS_HZ)
    return hertz < _MAINS_MOST_HZ and off_hz < _MAINS_WITHIN_HZ


ROWS: tuple[FindingRow, ...] = (
    FindingRow(
        id=FindingId.REPEATED_AUDIO,
        severity=WARNING,
        title="the same sound comes twice in a row, bit for bit",
        rests_on="frames or parts of them that are equal bit for bit, in sound that is not",
        judge=judge_repeated_audio,
        prove=repeated_audio,
        remedy="before the platform a buffer is sent twice, or the last frame is played again for "
        "each one that is lost: look at the sender's buffers, then at the loss on its network",
        symptom="choppy",
        specify=word_repeated_audio,
        explains=frozenset((FindingId.CLICKS,)),
        grave=is_each_frame_twice,
    ),
    FindingRow(
        id=FindingId.HUM,
        severity=WARNING,
        title="a steady tone lies under the sound",
        rests_on="tones that stand still in frequency while everything else moves",
        judge=judge_hum,
        prove=hum,
        remedy="50 or 60 Hz and their multiples are the mains: look at grounding and cables; "
        "a higher tone is feedback, a fan or interference near the microphone",
        symptom="poor quality",
        specify=word_hum,
    ),
    FindingRow(
        id=FindingId.CLICKS,
        severity=WARNING,
        title="clicks: steps, spikes or seams in the sound",
        rests_on="samples that prediction from those before and after them does not explain",
        judge=judge_clicks,
        prove=clicks,
        remedy="if they have a period, it is that of a chunk: resample, fade and filter the stream "
        "as a whole; if not, look for what is dropped before the platform",
        symptom="poor quality",
        specify=word_clicks,
    ),
)
