"""`diagnose`: what is wrong with a capture, a recording or a live stream."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Unpack

from voipbin_cli.analysis.conversation.limits import DEFAULT_LIMITS, TalkLimits
from voipbin_cli.errors import UsageError
from voipbin_cli.events import Tell
from voipbin_cli.media.kept_sound import KeptSound
from voipbin_cli.public.connecting import Connecting, chosen
from voipbin_cli.public.examiner import Diagnosis, examined_file, our_end
from voipbin_cli.public.live_examiner import LISTENS_S, diagnose_stream
from voipbin_cli.public.runs import run_blocking


def diagnose(
    source: str | os.PathLike[str],
    *,
    heard: str | os.PathLike[str] | None = None,
    keylog: str | os.PathLike[str] | None = None,
    ours: str | None = None,
    slow_response_ms: float = DEFAULT_LIMITS.slow_response_ms,
    slow_barge_in_ms: float = DEFAULT_LIMITS.slow_barge_in_ms,
    talk_over_share: float = DEFAULT_LIMITS.talk_over_share,
    dead_air_ms: float = DEFAULT_LIMITS.dead_air_ms,
    duration_s: float | None = None,
    until_sure: bool = False,
    capture: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    on_event: Tell | None = None,
    **connecting: Unpack[Connecting],
) -> Diagnosis:
    """Find out what is wrong with a capture, a recording or a live stream; blocks until it knows.

    A path that exists is a file, anything else is a TARGET, for which `await diagnose_stream` is
    the coroutine.

    Args:
        source: a capture (pcap, pcapng, snoop, rtpdump), a recording (wav, flac, …) or a TARGET.
        heard: of a capture: write what was sent as the callee heard it (a sound file).
        keylog: of a capture: TLS keys (SSLKEYLOGFILE), with which tshark decrypts wss.
        ours: of a capture of a network: ADDRESS[:PORT] of the side that is ours.
        slow_response_ms: from where on answers to the caller are slow.
        slow_barge_in_ms: from where on it takes long to fall silent when interrupted.
        talk_over_share: how much of the speech may be at the same time, 0 to 1.
        dead_air_ms: for how long nobody may speak.
        duration_s, until_sure, capture, on_event, connecting: of a TARGET, as `diagnose_stream`
            has them.
        overwrite: replace files that exist.

    Raises:
        UsageError: what cannot be read, or an argument of the one with the other.
        NothingToJudge: a file that holds no stream.
        MachineError: a file that cannot be written.

    Example:
        >>> from voipbin_cli import diagnose, record
        >>> _ = record("sim:dc-offset", "speech.wav", duration_s=1)
        >>> diagnosis = diagnose("speech.wav")
        >>> diagnosis.verdict.value, diagnosis.findings[0].id.value
        ('degraded', 'dc-offset')
    """
    path = os.fspath(source)
    of_file = {"heard": heard, "keylog": keylog, "ours": ours}
    of_target = {"duration_s": duration_s, "until_sure": until_sure or None, "capture": capture}
    if not os.path.exists(path):
        _refuse(of_file, "a capture")
        live = diagnose_stream(
            path,
            duration_s=LISTENS_S if duration_s is None else duration_s,
            until_sure=until_sure,
            capture=capture,
            overwrite=overwrite,
            on_event=on_event,
            **connecting,
        )
        return run_blocking(live, "diagnose", "diagnose_stream")
    _refuse(of_target, "a live stream")
    limits = TalkLimits(slow_response_ms, slow_barge_in_ms, talk_over_share, dead_air_ms)
    with ExitStack() as files:
        kept = None
        if heard is not None:
            kept = KeptSound(os.fspath(heard), overwrite=overwrite)
            files.callback(kept.close)
        return examined_file(
            path,
            encapsulation=chosen(**connecting).encapsulation,
            heard=None if kept is None else kept.write,
            keylog=None if keylog is None else os.fspath(keylog),
            limits=limits,
            ours=None if ours is None else our_end(ours),
        )


def _refuse(given: Mapping[str, object], what: str) -> None:
    for name, value in given.items():
        if value is not None:
            raise UsageError(f"{name} is for {what}", hint="leave it out")
