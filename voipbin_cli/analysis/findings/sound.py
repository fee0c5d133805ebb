"""The sound itself: its level, what spoils it."""

from __future__ import annotations

from voipbin_cli.analysis.findings.row import (
    WARNING,
    Case,
    Evidence,
    FindingRow,
    sure,
    tenths,
)
from voipbin_cli.analysis.words import NO_WORDS, Words
from voipbin_cli.finding_ids import FindingId

# Heard from half a percent of the samples on; that is measured to a tenth or so.
CLIPPING_RATIO = 0.0045
DC_OFFSET = 0.02
# A room as loud as -45 dBFS is heard, and no trouble beside speech.
NOISE_DBFS = -44.0
# Over 150 streams of speech: white noise is 0.5 flat, pink 0.3 to 0.45, music up to 0.15. A steady
# noise keeps its level in 83 % of the seconds and more, the sibilants of clean speech in 75 %.
NOISE_FLATNESS = 0.2
NOISE_STEADINESS = 0.8
# Of 20 ms of noise 2.9, of brown noise 2.5; of a fax, which is as flat and steady, 1.5 to 2.
NOISE_KURTOSIS = 2.3
# Of speech under which noise is 8 dB softer, 0.24 of the frames are 6 dB louder than the noise and
# more; of noise alone 0.1, of white noise none. Noise alone may be the data of a modem, or meant.
SPOKEN_RATIO = 0.15
NOBODY_SPEAKS = 0.6
# Telephone speech is about -26 dBFS (ITU-T P.56); 16 dB below it is asked back.
LOW_LEVEL_DBFS = -42.0
# Speech is 10 dB above the pauses' level in half of the frames, a steady sound in hardly any.
SPEECH_RATIO = 0.2
# Above the faintest noise of a codec (mu-law's smallest step is -72 dBFS), and no louder in a peak
# than speech of -42 dBFS is: 20 dB above.
LEAST_PEAK_DBFS = -66.0
MOST_PEAK_DBFS = -22.0


def _has_sound(case: Case) -> bool:
    measured = case.measured
    return measured.is_settled and measured.signal.silence_ratio < 1.0


def judge_clipping(case: Case) -> float:
    if not case.measured.is_sound_known:
        return 0.0
    if case.measured.overflow_ratio:
        return 0.9
    return sure(case.measured.clipping_ratio, CLIPPING_RATIO, 0.01)


def clipping(case: Case) -> Evidence:
    overflow_ratio = case.measured.overflow_ratio
    return signal(case) | ({"overflow_ratio": round(overflow_ratio, 5)} if overflow_ratio else {})


def clipping_as(case: Case) -> Words:
    """Overflow is heard as loud crackling, and clipping is not."""
    if not case.measured.overflow_ratio:
        return NO_WORDS
    return Words(
        "overflow: samples too loud for 16 bits jump to the other end of the scale",
        "clip to -32768 and 32767 where samples are added or amplified, and lower the gain",
    )


def judge_dc_offset(case: Case) -> float:
    """Of a second at least: some hundred milliseconds of speech lie on one side of zero."""
    if not case.measured.is_sound_known or case.measured.duration_s < 1.0:
        return 0.0
    return sure(abs(case.measured.signal.dc_offset), DC_OFFSET, 0.1)


def judge_noise(case: Case) -> float:
    """What lies under the speech is loud, steady, and no tone, no music and no modem."""
    floor = case.measured.floor
    if floor.level_dbfs is None or floor.flatness is None or floor.kurtosis is None:
        return 0.0
    if not _has_sound(case) or floor.kurtosis < NOISE_KURTOSIS:
        return 0.0
    if floor.flatness < NOISE_FLATNESS or floor.steadiness < NOISE_STEADINESS:
        return 0.0
    if case.measured.is_modem:
        return 0.0
    confidence = sure(floor.level_dbfs, NOISE_DBFS, -35.0)
    return confidence if _is_spoken(case) else min(confidence, NOBODY_SPEAKS)


def _is_spoken(case: Case) -> bool:
    return case.measured.signal.louder_ratio >= SPOKEN_RATIO


def noise_as(case: Case) -> Words:
    if _is_spoken(case):
        return NO_WORDS
    return Words(
        "loud noise from beginning to end, and no speech stands out of it",
        "nothing to do if that is the data of a modem, or noise that is meant; else look at the "
        "line, the microphone and any gain before the platform",
    )


def judge_low_level(case: Case) -> float:
    """Somebody speaks, and even the loudest of it is soft.

    Room tone, comfort noise and hum go on and on at one level: nobody speaks, and no gain helps.
    """
    told = case.measured.signal
    if not case.measured.is_sound_known:
        return 0.0
    if told.speech_dbfs is None or told.speech_ratio < SPEECH_RATIO:
        return 0.0
    if not LEAST_PEAK_DBFS < told.peak_dbfs < MOST_PEAK_DBFS:
        return 0.0
    return sure(LOW_LEVEL_DBFS - told.speech_dbfs, 0.0, 6.0)


def signal(case: Case) -> Evidence:
    told, floor = case.measured.signal, case.measured.floor
    return {
        "rms_dbfs": tenths(told.rms_dbfs),
        "peak_dbfs": tenths(told.peak_dbfs),
        "silence_ratio": round(told.silence_ratio, 3),
        "clipping_ratio": round(case.measured.clipping_ratio, 4),
        "dc_offset": round(told.dc_offset, 4),
        "noise_dbfs": None if floor.level_dbfs is None else tenths(floor.level_dbfs),
    }


ROWS: tuple[FindingRow, ...] = (
    FindingRow(
        id=FindingId.CLIPPING,
        severity=WARNING,
        title="clipped: the loudest samples are cut off flat",
        rests_on="flat tops: equal samples in a row at a ceiling, time and again",
        judge=judge_clipping,
        prove=clipping,
        specify=clipping_as,
        remedy="lower the gain at the source: what is cut off cannot be put back",
        symptom="poor quality",
        explains=frozenset((FindingId.NOISE, FindingId.DC_OFFSET)),
    ),
    FindingRow(
        id=FindingId.DC_OFFSET,
        severity=WARNING,
        title="DC offset: the samples' mean is far from zero",
        rests_on="the mean of all samples",
        judge=judge_dc_offset,
        prove=signal,
        remedy="a high-pass filter at the source takes it out; check its converter",
        symptom="poor quality",
        explains=frozenset((FindingId.LOW_LEVEL, FindingId.NOISE)),
    ),
    FindingRow(
        id=FindingId.NOISE,
        severity=WARNING,
        title="loud noise lies under the speech",
        rests_on="the level that the quietest tenth of the frames stays under",
        judge=judge_noise,
        prove=signal,
        specify=noise_as,
        remedy="look at the microphone, the line and any gain before the platform",
        symptom="poor quality",
        explains=frozenset((FindingId.LOW_LEVEL,)),
    ),
    FindingRow(
        id=FindingId.LOW_LEVEL,
        severity=WARNING,
        title="very quiet: speech is far below the usual -26 dBFS",
        rests_on="the RMS level of what is spoken",
        judge=judge_low_level,
        prove=signal,
        remedy="raise the gain at the source, before it is coded to 8 bits",
        symptom="poor quality",
    ),
)
