"""The arrival log: what came, when, and where its payload lies, as columns.

A row is one frame: an RTP packet, an SLN message or one AudioSocket frame. A live stream makes a
few rows at a time and a capture thousands; everything behind this works on columns alike.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from enum import IntFlag

import numpy as np
from numpy.typing import NDArray

from voipbin_cli.analysis.columns import Ints, Mask, odd_before
from voipbin_cli.analysis.headers import AudioSocketHeaders, Headers, RtpHeaders, read_headers
from voipbin_cli.analysis.messages import Messages, TimedMessage, from_messages
from voipbin_cli.codec import audiosocket
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.fingerprint import Fingerprint
from voipbin_cli.codec.framing import OtherFraming, find_framing
from voipbin_cli.errors import DecodeError


class Begins(IntFlag):
    """What begins anew with a row of RTP."""

    NOTHING = 0
    SOURCE = 1
    SEQUENCE = 2
    TIMESTAMP = 4
    LABEL = 8


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Rows in order of arrival. The payload of a row is `data[at : at + length]`.

    `label` is the RTP payload type or the AudioSocket kind, NO_LABEL for SLN; the RTP columns
    are all zero without RTP. `is_audio` is false for comfort noise, events and the like. `begins`
    says what begins anew with a row (a number of `Begins`), `resumes` that the sender had been
    silent on purpose, as it says; both are known once the rows are sorted out (`numbering`).
    `is_odd`: an odd number of bytes of audio came before it on its connection.
    """

    data: bytes
    time_ns: Ints
    at: Ints
    length: Ints
    label: Ints
    is_audio: Mask
    is_odd: Mask
    sequence_number: Ints
    timestamp: Ints
    ssrc: Ints
    marker: Mask
    begins: Ints
    resumes: Mask

    def __len__(self) -> int:
        return len(self.time_ns)

    def chosen(self, which: slice | Ints | Mask) -> Arrivals:
        """The rows that an index chooses, sharing the bytes."""
        names = [field.name for field in fields(self) if field.name != "data"]
        return replace(self, **{name: getattr(self, name)[which] for name in names})

    def compact(self) -> Arrivals:
        """The same rows with no byte beside their own payloads."""
        return replace(self, data=self.all_payloads(), at=np.cumsum(self.length) - self.length)

    def all_payloads(self) -> bytes:
        """The payloads of all rows, one behind the other."""
        if len(self) and self.length[0] and (self.length == self.length[0]).all():
            return self.payloads(int(self.length[0])).tobytes()
        return b"".join(self.payload(n) for n in range(len(self)))

    def payload(self, n: int) -> bytes:
        """The payload of one row."""
        start = int(self.at[n])
        return self.data[start : start + int(self.length[n])]

    def payloads(self, size: int) -> NDArray[np.uint8]:
        """The payloads of rows that are all `size` bytes long, shape (rows, size).

        Gathered as plain bytes, ten times as fast as by an index of every byte.
        """
        count = max(0, len(self.data) - size + 1)
        every: NDArray[np.void] = np.ndarray((count,), f"V{size}", self.data, 0, (1,))
        return every[self.at].view(np.uint8).reshape(-1, size)


def joined(first: Arrivals, second: Arrivals) -> Arrivals:
    """The rows of both, in that order."""
    if not len(first):
        return second
    names = [field.name for field in fields(first) if field.name not in ("data", "at")]
    columns = {
        name: np.concatenate((getattr(first, name), getattr(second, name))) for name in names
    }
    at = np.concatenate((first.at, second.at + len(first.data)))
    return Arrivals(data=first.data + second.data, at=at, **columns)


class ArrivalReader:
    """Turns messages of one direction of one stream into rows, and counts those that are none.

    `messages` and `message_bytes` count all, `texts` text messages, `malformed` those that are
    no frame of the encapsulation. `is_cut`: messages are told by their heads, as a capture holds no
    more of them. `fingerprint` is the first RTP packet's, `first_text` the first
    text message.
    """

    # Messages from which it is told whether they are in another encapsulation: a second.
    _FIRST_MESSAGES = 50

    def __init__(self, encapsulation: Encapsulation, *, is_cut: bool = False) -> None:
        self.encapsulation = encapsulation
        self.is_cut = is_cut
        self.messages = self.message_bytes = self.texts = self.malformed = 0
        self.fingerprint: Fingerprint | None = None
        self.first_text: str | None = None
        self._first: list[bytes] = []
        self._is_odd = False

    def restart(self) -> None:
        """The next message is the first of another connection."""
        self.fingerprint = None
        self._is_odd = False

    def read(self, frames: Messages) -> Arrivals:
        """Return the rows of these messages."""
        self.messages += len(frames)
        self.message_bytes += int(frames.size.sum())
        self._take_texts(frames)
        self._keep_first(frames)
        headers = read_headers(self.encapsulation, frames)
        if isinstance(headers, AudioSocketHeaders) and bool((headers.frame_count > 1).any()):
            headers = AudioSocketHeaders(_split(frames))
        good = headers.is_frame
        self.malformed += int(np.count_nonzero(~good & ~headers.messages.is_text))
        rows = _rows(headers, is_cut=self.is_cut)
        if not good.all():
            rows = rows.chosen(good)
        self._take_fingerprint(rows)
        return self._with_seams(rows)

    def _with_seams(self, rows: Arrivals) -> Arrivals:
        sizes = rows.length * rows.is_audio
        if not self._is_odd and not (sizes & 1).any():
            return rows
        is_odd = odd_before(sizes, self._is_odd)
        self._is_odd = bool((int(sizes.sum()) + self._is_odd) % 2)
        return replace(rows, is_odd=is_odd)

    def _take_texts(self, frames: Messages) -> None:
        texts = np.flatnonzero(frames.is_text)
        if self.first_text is None and len(texts):
            self.first_text = frames.message(int(texts[0])).decode("utf-8", "replace")
        self.texts += len(texts)

    def framing(self) -> OtherFraming | None:
        """What the messages are in place of the encapsulation, by the first of them."""
        return find_framing(self.encapsulation, self._first)

    def _keep_first(self, frames: Messages) -> None:
        wanted = self._FIRST_MESSAGES - len(self._first)
        if wanted > 0:
            is_told = ~frames.is_text & frames.is_whole & (frames.size > 0)
            some = frames.chosen(np.flatnonzero(is_told)[:wanted])
            self._first += [some.message(n) for n in range(len(some))]

    def _take_fingerprint(self, rows: Arrivals) -> None:
        if self.fingerprint is None and len(rows) and self.encapsulation is Encapsulation.RTP:
            self.fingerprint = Fingerprint(
                int(rows.label[0]), int(rows.ssrc[0]), int(rows.sequence_number[0])
            )


def _rows(headers: Headers, *, is_cut: bool) -> Arrivals:
    """A row for each message, whatever it is."""
    frames = headers.messages
    none = np.zeros(len(frames), np.int64)
    rtp = headers if isinstance(headers, RtpHeaders) else None
    there = np.maximum(np.minimum(headers.payload_bytes, frames.length - headers.payload_at), 0)
    return Arrivals(
        data=frames.data,
        time_ns=frames.time_ns,
        at=frames.offset + headers.payload_at,
        length=there,
        label=headers.label,
        is_audio=headers.is_audio & (is_cut | (there > 0)),
        is_odd=none > 0,
        sequence_number=rtp.sequence_number if rtp else none,
        timestamp=rtp.timestamp if rtp else none,
        ssrc=rtp.ssrc if rtp else none,
        marker=rtp.marker if rtp else none > 0,
        begins=none,
        resumes=none > 0,
    )


def _split(frames: Messages) -> Messages:
    """AudioSocket frames that came several in a message, each as a message of its own."""
    single: list[TimedMessage] = []
    for n in range(len(frames)):
        data, time_ns = frames.message(n), int(frames.time_ns[n])
        try:
            parts = audiosocket.parse_message(data)
        except DecodeError:
            single.append(TimedMessage(data, time_ns))
            continue
        single += [TimedMessage(audiosocket.build(kind, body), time_ns) for kind, body in parts]
    return from_messages(single)
