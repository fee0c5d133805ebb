"""Sound that is not there: holes cut into it, and silence."""

from __future__ import annotations

from voipbin_cli.analysis.findings.row import WARNING, Case, Evidence, FindingRow, tenths
from voipbin_cli.analysis.pauses import PauseKind
from voipbin_cli.analysis.words import NO_WORDS, Words
from voipbin_cli.finding_ids import FindingId

# A hole of 20 ms in 40 s is no trouble.
HOLES_SHARE = 0.0005
# Of a thousand and more healthy streams none had holes that were proven; one alone is less sure.
ONE_HOLE, MANY_HOLES = 0.9, 0.99
# Cut off as sharply as packets are, and of other lengths: a gate of any kind does the same.
OR_A_GATE = 0.55
# From here on a warning is an error.
GRAVE_HOLES = 0.05

# Frames of 20 ms. A stream shorter than half a second may not have begun to speak.
LEAST_FRAMES = 25
# The first frame of a stream is silence, and one that holds a click still brings nobody's voice.
SILENT_SHARE = 0.999
# 3 s at the end, 5 s anywhere else: between sentences nobody pauses for so long.
SILENT_END = 150
SILENT_ROW = 250
# Speech that breaks off is above this: somebody was speaking. Below, he had stopped.
BROKEN_OFF_DBFS = -50


def judge_upstream_loss(case: Case) -> float:
    holes = case.measured.holes
    if not case.measured.is_settled or case.measured.share(holes.lost_ms) < HOLES_SHARE:
        return 0.0
    # Silence that a sender suppresses ends and begins like a hole, with digital silence beside it.
    if holes.holes <= len(case.measured.paused(PauseKind.MEANT)):
        return 0.0
    if not holes.are_packets:
        return OR_A_GATE
    return min(MANY_HOLES, ONE_HOLE + 0.03 * (holes.holes - 1))


def upstream_loss(case: Case) -> Evidence:
    holes = case.measured.holes
    return {
        "holes": holes.holes,
        "lost_ms": tenths(holes.lost_ms),
        "share": round(case.measured.share(holes.lost_ms), 4),
        "length_ms": holes.usual_ms,
        "period_ms": holes.period_ms,
        "long_as_packets": holes.are_packets,
    }


def is_upstream_grave(case: Case) -> bool:
    holes = case.measured.holes
    return holes.are_packets and case.measured.share(holes.lost_ms) > GRAVE_HOLES


def word_upstream_loss(case: Case) -> Words:
    holes = case.measured.holes
    if not holes.are_packets:
        return Words(
            "holes are cut into the sound: it was lost before this, or a gate shuts it off",
            "they are not as long as packets: ask whether the phone or program shuts its sound off "
            "(noise suppression, a hands-free phone, push to talk), which looks the same; if it "
            "does not, look at its network and its trunk",
        )
    if holes.is_put_in and holes.usual_ms and holes.period_ms:
        return Words(
            f"{holes.usual_ms:g} ms of zeros are put into the sound every {holes.period_ms:g} ms: "
            "short chunks are padded",
            "where the audio is cut into frames, carry the rest of a chunk over to the next frame "
            "instead of padding it",
        )
    if holes.period_ms:
        return Words(
            f"a hole is cut into the speech every {holes.period_ms:g} ms: lost before the platform",
            "so regular a loss comes from the sender, not from a network: look at how the phone or "
            "program makes its packets",
        )
    return NO_WORDS


def is_silent(case: Case) -> bool:
    """There was nothing else, from the first frame to the last."""
    still = case.measured.stillness
    return still.still >= SILENT_SHARE * still.frames


def is_silent_at_end(case: Case) -> bool:
    return case.measured.stillness.at_end >= SILENT_END


def is_broken_off(case: Case) -> bool:
    """Somebody was speaking when the silence began, and it lasted to the end."""
    return is_silent_at_end(case) and case.measured.stillness.broken_dbfs >= BROKEN_OFF_DBFS


def is_without_speech(case: Case) -> bool:
    return case.measured.signal.silence_ratio >= SILENT_SHARE


def judge_silence(case: Case) -> float:
    still = case.measured.stillness
    if case.measured.frames < LEAST_FRAMES or not still.frames or not case.measured.is_sound_known:
        return 0.0
    is_long = still.longest >= SILENT_ROW or is_silent_at_end(case)
    return 0.99 if is_long or is_silent(case) or is_without_speech(case) else 0.0


def is_mere_pause(case: Case) -> bool:
    return not is_silent(case) and not is_broken_off(case)


def silence_span(case: Case) -> tuple[float, float | None]:
    """From where to where it is silent, in seconds of audio; None is the end."""
    still = case.measured.stillness
    if is_silent_at_end(case) or is_silent(case):
        return (still.frames - still.at_end) / 50, None
    return still.longest_start / 50, (still.longest_start + still.longest) / 50


def silence(case: Case) -> Evidence:
    told, still = case.measured.signal, case.measured.stillness
    told_from, told_to = silence_span(case)
    has_span = is_silent(case) or is_silent_at_end(case) or still.longest >= SILENT_ROW
    return {
        "from_seconds": round(told_from, 2) if has_span else None,
        "to_seconds": round(told_to, 2) if has_span and told_to is not None else None,
        "digital_silence_seconds": round(still.still / 50, 2),
        "silence_ratio": round(told.silence_ratio, 3),
        "rms_dbfs": tenths(told.rms_dbfs),
    }


def word_silence(case: Case) -> Words:
    measured, (start, end) = case.measured, silence_span(case)
    if is_silent(case):
        is_fine = not measured.stalls and not measured.losses
        start_of_it = "delivery is fine, but " if is_fine else ""
        return Words(
            f"{start_of_it}every frame is silent: nobody is heard",
            "look where the sound is made: the phone's microphone and mute, one-way audio on its "
            "leg, or a program that sends zeros",
        )
    if is_silent_at_end(case):
        if not is_broken_off(case):
            return Words(
                f"from {start:.1f} s on every frame is silent, to the end",
                "nothing to do if nobody spoke any more and merely listened; else find out what "
                f"happened {start:.1f} s after the first frame: a mute, a hold or a transfer",
            )
        return Words(
            f"the sound breaks off, and from {start:.1f} s on every frame is silent, to the end",
            f"find out what happened {start:.1f} s after the first frame: a mute, a hold, a "
            "transfer, or the phone's leg lost its audio",
        )
    if measured.stillness.longest >= SILENT_ROW:
        return Words(
            f"every frame is silent from {start:.1f} s to {end:.1f} s",
            "nothing to do if that was a hold or a mute",
        )
    return Words(
        f"nobody speaks: there is only faint noise, {measured.signal.rms_dbfs:.0f} dBFS",
        "nothing to do if nobody spoke; else check the phone's microphone",
    )


UPSTREAM_LOSS = FindingRow(
    id=FindingId.UPSTREAM_LOSS,
    severity=WARNING,
    title="holes are cut into the speech: lost before the platform",
    rests_on="runs of one value that sound breaks off at, or starts behind",
    judge=judge_upstream_loss,
    prove=upstream_loss,
    remedy="this link is not to blame: look at the phone's own network and its trunk",
    symptom="poor quality: watch packet loss",
    explains=frozenset((FindingId.CLICKS,)),
    grave=is_upstream_grave,
    specify=word_upstream_loss,
)
SILENCE = FindingRow(
    id=FindingId.SILENCE,
    severity=WARNING,
    title="frames arrive, and they hold nothing but silence",
    rests_on="frames under -55 dBFS, and frames of nothing but zero",
    judge=judge_silence,
    prove=silence,
    remedy="nobody speaks, or the phone sends no audio: check the phone's microphone and its mute",
    symptom="no audio received",
    mild=is_mere_pause,
    specify=word_silence,
)
