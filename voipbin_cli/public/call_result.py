"""What a simulated call with a bot came to, and what a test asserts of it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ
from voipbin_cli.public.examiner import Diagnosis, examined_file
from voipbin_cli.simulator.caller.outcome import CallOutcome

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

CAPTURE, HEARD, REPORT, RESULT = "call.pcapng", "heard.wav", "report.html", "result.json"
_PERCENTILES = {"p50": 50.0, "p95": 95.0, "most": 100.0}


class CallResult:
    """One call: what the phone heard, who answered whom and when, what is wrong either way.

    `outcome` is what the caller saw of it, `capture` the file of every message.
    """

    def __init__(self, outcome: CallOutcome, capture: Path) -> None:
        self.outcome = outcome
        self.capture = capture

    @property
    def is_reliable(self) -> bool:
        """Whether this machine was fast enough for what was measured to be the bot's."""
        return self.outcome.is_reliable

    @property
    def response_ms(self) -> tuple[float, ...]:
        """From the end of the caller's speech to the bot's first sounding message, each time."""
        return self.outcome.response_ms

    @property
    def barge_in_ms(self) -> tuple[float, ...]:
        """From the caller's onset while the bot sounds to the bot's last sound, each time."""
        return self.outcome.barge_in_ms

    @property
    def heard(self) -> npt.NDArray[np.int16]:
        """What the phone heard, from the call's start, at 8 kHz."""
        import numpy as np

        return np.frombuffer(self.outcome.heard_pcm, "<i2")

    @property
    def heard_share(self) -> float | None:
        """Of the time that the bot's sound takes, how much the phone heard; None: it sent none."""
        return self.outcome.heard.share

    @property
    def holes(self) -> int:
        """How many gaps the bot's waits tore into its sound."""
        return self.outcome.heard.holes

    @cached_property
    def digits(self) -> str:
        """The keys that the phone heard as tones: those that the bot pressed."""
        from voipbin_cli.analysis.sound.dtmf import DtmfFold

        tones = DtmfFold()
        tones.add(self.heard)
        return "".join(digit.symbol for digit in tones.result())

    @cached_property
    def diagnosis(self) -> Diagnosis:
        """What `diagnose` says of the call, as the bot could have captured it, both ways."""
        return examined_file(str(self.capture))

    # What a test asserts

    def assert_heard(
        self,
        file: str | os.PathLike[str],
        min_correlation: float = 0.8,
        *,
        within_s: float | None = None,
    ) -> None:
        """Assert that the phone heard this sound file, at any loudness and at any time.

        `within_s`: it began so soon after the call did. Raises AssertionError with what was heard.
        """
        import numpy as np

        from voipbin_cli.analysis.sound.likeness import likeness
        from voipbin_cli.media.audio_source import AudioSource

        wanted = np.frombuffer(b"".join(AudioSource([os.fspath(file)]).blocks()), "<i2")
        found = likeness(self.heard, wanted)
        at_s = found.at / SAMPLE_RATE_HZ
        told = f"{file}: best correlation {found.correlation:.2f}, {at_s:.2f} s into the call"
        if found.correlation < min_correlation:
            raise AssertionError(f"the phone did not hear {told}; {self._in_words()}")
        if within_s is not None and at_s > within_s:
            raise AssertionError(f"the phone heard it late, after {within_s:g} s: {told}")

    def assert_response_ms(
        self, *, p50: float | None = None, p95: float | None = None, most: float | None = None
    ) -> None:
        """Assert that the bot answered, and how soon: at most so many ms at that percentile."""
        self._assert_ms("response", self.response_ms, {"p50": p50, "p95": p95, "most": most})

    def assert_barge_in_ms(
        self, *, p50: float | None = None, p95: float | None = None, most: float | None = None
    ) -> None:
        """Assert that the bot fell silent when it was interrupted, and how soon."""
        self._assert_ms("barge-in", self.barge_in_ms, {"p50": p50, "p95": p95, "most": most})

    def _assert_ms(
        self, what: str, values: Sequence[float], limits: dict[str, float | None]
    ) -> None:
        import numpy as np

        if not values:
            raise AssertionError(f"there was no {what} to measure; {self._in_words()}")
        each = ", ".join(f"{value:.0f}" for value in values)
        for name, limit in limits.items():
            measured = float(np.percentile(values, _PERCENTILES[name]))
            if limit is not None and measured > limit:
                raise AssertionError(
                    f"{what} {name} is {measured:.0f} ms, {limit:g} are allowed (each: {each})"
                    f"{self._doubt}"
                )

    def assert_no_holes(self, max_share: float = 0.0) -> None:
        """Assert that the bot's waits tore no holes into what the phone heard of it.

        `max_share`: of the time that the sound takes, how much may be holes.
        """
        heard = self.outcome.heard
        if not self.outcome.bot:
            raise AssertionError(f"the phone heard nothing of the bot; {self._in_words()}")
        if heard.hole_share > max_share:
            raise AssertionError(
                f"{heard.holes} holes of {heard.holes_ms:.0f} ms in all, "
                f"{heard.hole_share:.1%} of the bot's sound{self._doubt}"
            )

    def assert_ok(self, *, ignoring: Sequence[str] = ()) -> None:
        """Assert that the diagnosis finds no harm but what `ignoring` names by id."""
        bad = [
            found
            for found in self.diagnosis.findings
            if found.severity.value != "info" and found.id.value not in ignoring
        ]
        if bad:
            told = "; ".join(f"{found.title} ({found.id.value})" for found in bad)
            raise AssertionError(f"{told}{self._doubt}")

    @property
    def _doubt(self) -> str:
        return "" if self.is_reliable else "; but this machine was too busy to measure"

    def _in_words(self) -> str:
        bot = self.outcome.bot
        seconds = sum(until_ms - from_ms for from_ms, until_ms in bot) / 1000
        return (
            f"in {self.outcome.duration_ms / 1000:.1f} s it heard the bot for {seconds:.1f} s, "
            f"in {len(bot)} utterance{'s' * (len(bot) != 1)}"
        )

    # What is kept of it

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**self.outcome.as_fields(), "diagnosis": self.diagnosis.to_dict()}

    def verdict_lines(self) -> list[str]:
        """Return what to tell a person in a few lines."""
        lines = [f"{self.diagnosis.verdict.value}: {self._in_words()}"]
        for found in self.diagnosis.findings:
            way = f" {found.direction.value}" if found.direction else ""
            lines.append(f"{found.severity.value}{way}: {found.title} ({found.id.value})")
        if self.response_ms:
            each = ", ".join(f"{value:.0f}" for value in self.response_ms)
            lines.append(f"answers after {each} ms")
        if not self.is_reliable:
            lines.append("this machine was too busy to measure: frames of the caller went out late")
        return lines

    def keep(self, directory: str | os.PathLike[str]) -> list[Path]:
        """Put capture, report, sound and figures into `directory`; return the files."""
        import wave

        kept = Path(directory)
        kept.mkdir(parents=True, exist_ok=True)
        paths = [kept / name for name in (CAPTURE, HEARD, REPORT, RESULT)]
        if paths[0] != self.capture:
            paths[0].write_bytes(self.capture.read_bytes())
        with wave.open(str(paths[1]), "wb") as sound:
            sound.setparams((1, 2, SAMPLE_RATE_HZ, 0, "NONE", ""))
            sound.writeframes(self.outcome.heard_pcm)
        paths[2].unlink(missing_ok=True)
        self.diagnosis.write_report(paths[2])
        paths[3].write_text(json.dumps(self.to_dict(), indent=1) + "\n", encoding="utf-8")
        return paths
