"""`open_stream`: a call to hear frame by frame and to speak into, in asyncio or in a script."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, Unpack

from voipbin_cli.codec.codecs import FRAME_SAMPLES, SAMPLE_RATE_HZ, Codec
from voipbin_cli.codec.dialect import AudioFrame
from voipbin_cli.errors import UsageError, VoipbinError
from voipbin_cli.events import Tell
from voipbin_cli.public.connecting import Connecting, connected, one_of
from voipbin_cli.public.runs import told
from voipbin_cli.public.summary import Summary
from voipbin_cli.session.ending import Cause, Close
from voipbin_cli.session.hearer import Hearer
from voipbin_cli.session.pacer import DEFAULT_LEAD_MS
from voipbin_cli.session.sending import Sending, SpeakRequest
from voipbin_cli.session.session import Goal, Session, SessionRequest
from voipbin_cli.transport.connection import MediaConnection
from voipbin_cli.transport.event_loop import run

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Samples: TypeAlias = bytes | bytearray | memoryview | npt.NDArray[np.int16]

T = TypeVar("T")

_FRAME_BYTES = 2 * FRAME_SAMPLES
# Half a minute: who reads no frames for longer hears the newest.
_UNREAD_FRAMES = 1500
# `send` waits while more than this is unsent: enough for a hiccup, and little to throw away.
_AHEAD_SAMPLES = SAMPLE_RATE_HZ


@dataclass(frozen=True, slots=True)
class Frame:
    """What was heard in one packetization time.

    `pcm` is s16le, mono, at 8 kHz: mostly 160 samples. `arrival_ns` is when its message came, in
    nanoseconds of the monotonic clock.
    """

    pcm: bytes
    arrival_ns: int

    @property
    def samples(self) -> npt.NDArray[np.int16]:
        """The same as an array."""
        import numpy as np

        return np.frombuffer(self.pcm, "<i2")


class _Speech:
    """What waits to be sent, cut into frames; the last one is filled up with silence."""

    def __init__(self) -> None:
        self.is_over = False
        self.changed = asyncio.Event()
        self._pcm = bytearray()

    @property
    def samples(self) -> int:
        """How many wait."""
        return len(self._pcm) >> 1

    def add(self, pcm: bytes) -> None:
        """Say this after what waits already."""
        self._pcm += pcm

    def drop(self) -> int:
        """Say nothing of what waits; return how many samples that were."""
        dropped = self.samples
        self._pcm.clear()
        self.changed.set()
        return dropped

    def next_frame(self) -> bytes | None:
        """Return the next 160 samples, None where none wait."""
        frame = bytes(self._pcm[:_FRAME_BYTES])
        del self._pcm[:_FRAME_BYTES]
        self.changed.set()
        return frame.ljust(_FRAME_BYTES, b"\0") if frame else None


class _Inbox(Hearer):
    """Keeps what was heard until it is asked for."""

    def __init__(self) -> None:
        self.frames: deque[AudioFrame] = deque(maxlen=_UNREAD_FRAMES)
        self.changed = asyncio.Event()
        self.is_open = asyncio.Event()

    def opened(self, at_ns: int, connection: MediaConnection) -> None:
        """A connection is up."""
        self.is_open.set()

    def hear_frames(self, frames: list[AudioFrame]) -> None:
        """Keep them."""
        self.frames += frames
        self.changed.set()


class _Converse(Goal):
    """To hear and to be heard for as long as whoever opened the stream wants."""

    def problem(self, session: Session, close: Close) -> VoipbinError | None:
        """Return what ended it: that nothing was heard is for the caller to judge."""
        return close.error


class Stream:
    """An open stream: an async iterator of `Frame`s, with `send`.

    It ends with the call, and raises what it was lost for. Of half a minute that nobody reads the
    newest frames are kept.
    """

    def __init__(self, session: Session, inbox: _Inbox, speech: _Speech) -> None:
        self._session = session
        self._inbox = inbox
        self._speech = speech
        self._running = asyncio.ensure_future(session.run())
        self._running.add_done_callback(self._note_end)

    def _note_end(self, _running: object) -> None:
        self._inbox.changed.set()
        self._inbox.is_open.set()
        self._speech.changed.set()

    async def _opened(self) -> None:
        """Return when the first connection is up. Raises what there is none for."""
        await self._inbox.is_open.wait()
        if self._running.done():
            self._raise_problem()

    def _raise_problem(self) -> None:
        problem = self._session.problem(self._running.result())
        if problem is not None:
            raise problem

    @property
    def is_open(self) -> bool:
        """Whether it goes on; false once the call is over or the link is lost for good."""
        return not self._running.done()

    def __aiter__(self) -> AsyncIterator[Frame]:
        return self

    async def __anext__(self) -> Frame:
        frame = await self.receive()
        if frame is None:
            raise StopAsyncIteration
        return frame

    async def receive(self) -> Frame | None:
        """Return the next frame, None after the end of the call.

        Raises ConnectionFailed where the link was lost and not won back, Refused where the API
        said no meanwhile.
        """
        while not self._inbox.frames:
            if self._running.done():
                self._raise_problem()
                return None
            self._inbox.changed.clear()
            await self._inbox.changed.wait()
        frame = self._inbox.frames.popleft()
        return Frame(frame.pcm, frame.tag)

    async def send(self, samples: Samples) -> None:
        """Say `samples`: mono at 8 kHz, an array of int16 or bytes of s16le, as many as there are.

        They go out on the grid of 20 ms, in the form that the far end takes. Returns at once while
        less than a second waits to be sent, else when there is room.
        Raises UsageError for other samples, and once the stream is over.
        """
        pcm = _as_pcm(samples)
        if self._running.done():
            raise UsageError("the stream is over: nobody hears what is sent", hint="open another")
        self._speech.add(pcm)
        await self._until(_AHEAD_SAMPLES)

    async def drain(self) -> None:
        """Return when everything was sent, or the stream is over."""
        await self._until(0)

    async def _until(self, most_samples: int) -> None:
        while self._speech.samples > most_samples and not self._running.done():
            self._speech.changed.clear()
            await self._speech.changed.wait()

    def drop_unsent(self) -> float:
        """Fall silent: what waits is never sent. Return how many seconds that were."""
        return self._speech.drop() / SAMPLE_RATE_HZ

    async def close(self) -> Summary:
        """End it, and return what it came to. Twice is no error."""
        self._session.stop(Cause.FINISHED)
        return Summary(self._session.summary(await self._running))


def _as_pcm(samples: Samples) -> bytes:
    """Return `samples` as s16le. Raises UsageError for what is none."""
    if isinstance(samples, (bytes, bytearray, memoryview)):
        pcm = bytes(samples)
        if len(pcm) % 2:
            raise UsageError(
                f"{len(pcm)} bytes are no whole samples", hint="s16le has two bytes a sample"
            )
        return pcm
    kind, axes = str(samples.dtype), samples.ndim
    if kind != "int16" or axes != 1:
        raise UsageError(
            f"samples are {kind} in {axes} dimensions",
            hint="give one dimension of int16 at 8 kHz: (sound * 32767).astype('int16')",
        )
    return samples.astype("<i2").tobytes()


class PlainStream:
    """The same for a script: an iterator of `Frame`s with `send`; an event loop runs in a thread.

    Its methods are those of `Stream`, and block.
    """

    def __init__(self, stream: Stream, loop: asyncio.AbstractEventLoop) -> None:
        self._stream = stream
        self._loop = loop

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    @property
    def is_open(self) -> bool:
        """Whether it goes on; false once the call is over or the link is lost for good."""
        return self._stream.is_open

    def __iter__(self) -> Iterator[Frame]:
        while (frame := self.receive()) is not None:
            yield frame

    def receive(self) -> Frame | None:
        """Return the next frame, None after the end of the call. Raises as `Stream.receive`."""
        return self._wait(self._stream.receive())

    def send(self, samples: Samples) -> None:
        """Say `samples`, as `Stream.send` does, and raise as it does."""
        self._wait(self._stream.send(samples))

    def drain(self) -> None:
        """Return when everything was sent, or the stream is over."""
        self._wait(self._stream.drain())

    def drop_unsent(self) -> float:
        """Fall silent: what waits is never sent. Return how many seconds that were."""

        async def drop() -> float:
            return self._stream.drop_unsent()

        return self._wait(drop())

    def close(self) -> Summary:
        """End it, and return what it came to. Twice is no error."""
        return self._wait(self._stream.close())


class open_stream:  # noqa: N801 - it is called like the function `open`
    """Open a call to hear it and to speak into it; `async with` in asyncio, `with` in a script.

    Args:
        target: a call's id, conference/ID, a ws:// or wss:// address, or sim[:SCENARIO].
        capture: write every message, both ways, with its time (pcapng).
        overwrite: replace it where it exists.
        lead_ms: how far ahead of real time to send, the frame just sent included, 0 to 80.
        payload: mulaw or s16le, what RTP carries; None is what the far end takes.
        payload_type: the number it has there; None is the far end's.
        on_event: called as `on_event(name, fields)` with what `pipe --json` tells meanwhile.
        connecting: how to reach it (`Connecting`).

    Raises (on entry):
        UsageError: no TARGET, or a capture that cannot be written.
        Refused: no credential, or the API says no.
        ConnectionFailed: no connection.

    Examples:
        >>> import asyncio
        >>> from voipbin_cli import open_stream
        >>> async def echo(target: str, frames: int) -> None:
        ...     async with open_stream(target) as stream:
        ...         async for frame in stream:
        ...             await stream.send(frame.samples)
        ...             frames -= 1
        ...             if not frames:
        ...                 break
        >>> asyncio.run(echo("sim", frames=10))

        >>> with open_stream("sim", encapsulation="sln") as stream:
        ...     frame = stream.receive()
        ...     stream.send(frame.pcm)
        >>> len(frame.samples)
        160
    """

    def __init__(
        self,
        target: str,
        *,
        capture: str | os.PathLike[str] | None = None,
        overwrite: bool = False,
        lead_ms: int = DEFAULT_LEAD_MS,
        payload: str | None = None,
        payload_type: int | None = None,
        on_event: Tell | None = None,
        **connecting: Unpack[Connecting],
    ) -> None:
        codec = None if payload is None else one_of(Codec, payload, "payload")
        self._speak = SpeakRequest(lead_ms, codec, payload_type)
        self._target = target
        self._connecting = connecting
        self._capture = None if capture is None else os.fspath(capture)
        self._overwrite = overwrite
        self._tell = told(on_event)
        self._opened = contextlib.AsyncExitStack()
        self._thread: _LoopThread | None = None

    @contextlib.asynccontextmanager
    async def _stream(self) -> AsyncIterator[Stream]:
        async with connected(self._target, **self._connecting) as live:
            inbox, speech = _Inbox(), _Speech()
            sending = Sending(speech, self._speak, live.encapsulation, self._tell)
            request = SessionRequest(live, None, self._capture, self._overwrite)
            session = Session(request, self._tell, [inbox], source=sending, goal=_Converse())
            stream = Stream(session, inbox, speech)
            try:
                await stream._opened()
                yield stream
            finally:
                session.stop(Cause.FINISHED)
                await asyncio.wait([stream._running])

    async def __aenter__(self) -> Stream:
        return await self._opened.enter_async_context(self._stream())

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._opened.__aexit__(kind, error, traceback)

    def __enter__(self) -> PlainStream:
        self._thread = thread = _LoopThread()
        try:
            return PlainStream(thread.wait(self.__aenter__()), thread.loop)
        except BaseException:
            thread.stop()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        thread, self._thread = self._thread, None
        assert thread is not None
        try:
            thread.wait(self.__aexit__(kind, error, traceback))
        finally:
            thread.stop()


class _LoopThread:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop
        self._stopped: asyncio.Event
        ready = threading.Event()

        async def serve() -> None:
            self.loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
            ready.set()
            await self._stopped.wait()

        self._thread = threading.Thread(target=lambda: run(serve()), name="voipbin-stream")
        self._thread.daemon = True
        self._thread.start()
        ready.wait()

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what `work` comes to in the loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def stop(self) -> None:
        """End the loop and the thread."""
        self.loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()
