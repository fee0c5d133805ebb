"""What `voipbin stream serve` does once its options are read."""

from __future__ import annotations

import asyncio
import ipaddress
import mmap
import signal
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.pcm import SAMPLE_RATE_HZ
from voipbin_cli.errors import MachineError, UsageError
from voipbin_cli.media.audio_source import AudioSource
from voipbin_cli.render.jsonl import emit
from voipbin_cli.render.live_view import LiveView, is_terminal
from voipbin_cli.render.problems import say
from voipbin_cli.render.serving import ServingLine, done_line, event_line, show_listening
from voipbin_cli.session.guest import ServeRequest
from voipbin_cli.session.serve import Serving
from voipbin_cli.session.speaking import SpeakRequest
from voipbin_cli.transport.tcp_server import serve_audiosocket
from voipbin_cli.transport.websocket_server import Server, serve_websocket


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """The options, as they were given."""

    files: tuple[str, ...]
    loop: int
    gain_db: float
    host: str
    port: int
    transport: str
    encapsulation: str | None
    cert: str | None
    key: str | None
    token: str | None
    record: str | None

    @property
    def is_tcp(self) -> bool:
        """Whether AudioSocket is spoken with nothing around it."""
        return self.transport == "tcp"


def run_server(
    options: ServeOptions, speak: SpeakRequest, *, as_json: bool, quiet: bool, verbose: bool
) -> None:
    """Serve until SIGINT or SIGTERM. Raises UsageError and MachineError."""
    encapsulation = _encapsulation(options)
    context = _tls(options)
    with tempfile.TemporaryFile() as file:
        request = ServeRequest(
            pcm=_decoded(options, file),
            encapsulation=encapsulation,
            loop=options.loop,
            lead_ms=speak.lead_ms,
            payload=speak.payload,
            payload_type=speak.payload_type,
            record=_directory(options.record),
        )

        def tell(event: str, fields: dict[str, Any]) -> None:
            if as_json:
                emit(event, fields)
            elif not quiet and (verbose or event != "control"):
                say(event_line(event, fields))

        serving = Serving(request, tell)
        asyncio.run(_serve(serving, options, context, as_json=as_json, quiet=quiet))
    if as_json:
        emit("summary", serving.summary())
    elif not quiet and is_terminal():
        say(done_line(serving.summary()))


def _encapsulation(options: ServeOptions) -> Encapsulation:
    if not options.is_tcp:
        return Encapsulation(options.encapsulation or Encapsulation.RTP)
    if options.encapsulation not in (None, Encapsulation.AUDIOSOCKET):
        raise UsageError(
            "over bare TCP nothing but AudioSocket is spoken", hint="leave out -e, or --transport"
        )
    if options.token is not None:
        raise UsageError("bare TCP has no path that a token could be in", hint="leave out --token")
    return Encapsulation.AUDIOSOCKET


def _tls(options: ServeOptions) -> ssl.SSLContext | None:
    if options.cert is None:
        if options.key is not None:
            raise UsageError("--key without --cert", hint="give the certificate chain, too")
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # A key with a passphrase is refused: a server cannot ask for it.
        context.load_cert_chain(options.cert, options.key, password=lambda: "")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"--cert {options.cert}: {reason}", hint="give a PEM chain and its private key"
        ) from None
    return context


def _directory(path: str | None) -> Path | None:
    if path is None:
        return None
    directory = Path(path)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise UsageError(f"{path} is not a directory") from None
    except OSError as error:
        raise MachineError(f"cannot make {path}: {error.strerror}") from None
    return directory


def _decoded(options: ServeOptions, file: IO[bytes]) -> memoryview:
    """Decode all that is played once, for all who will hear it, into a file and not into memory."""
    if "-" in options.files:
        raise UsageError("standard input cannot be played again and again", hint="give a file")
    source = AudioSource(options.files, gain_db=options.gain_db)
    try:
        for block in source.blocks():
            file.write(block)
        file.flush()
    except OSError as error:
        raise MachineError(f"cannot keep the decoded audio: {error.strerror}") from None
    size = file.tell()
    if source.duration_s is not None:
        # Without the silence that fills up the last block: the start follows on the end.
        size = min(size, 2 * round(source.duration_s * SAMPLE_RATE_HZ))
    if not size:
        raise UsageError("there is no audio to play", hint="is the file empty, or damaged?")
    return memoryview(mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ))


async def _serve(
    serving: Serving,
    options: ServeOptions,
    context: ssl.SSLContext | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in ("SIGINT", "SIGTERM"):
        number = getattr(signal, name)
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopped.set))
    server = await _listen(serving, options, context)
    fields = _listening_fields(serving, options, server.port)
    if as_json:
        emit("listening", fields)
    else:
        show_listening(fields, quiet=quiet)
    if not options.token and not options.is_tcp and not _is_loopback(options.host) and not quiet:
        say("warning: whoever finds this port can connect; --token keeps strangers out")
    try:
        async with LiveView(ServingLine(serving), wanted=not as_json and not quiet):
            await stopped.wait()
    finally:
        await server.close()


async def _listen(
    serving: Serving, options: ServeOptions, context: ssl.SSLContext | None
) -> Server:
    if options.is_tcp:
        return await serve_audiosocket(serving.handle, options.host, options.port, ssl=context)
    return await serve_websocket(
        serving.handle, options.host, options.port, ssl=context, token=options.token
    )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listening_fields(serving: Serving, options: ServeOptions, port: int) -> dict[str, Any]:
    """Return where to connect to, and the flow actions that make the platform do so."""
    host = "your-server" if options.host in ("0.0.0.0", "::", "") else options.host
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    encapsulation = serving.request.encapsulation.value
    deployed = {"connection_type": "client", "format": "ulaw"}
    if options.is_tcp:
        action = {"external_host": address, "encapsulation": encapsulation, "transport": "tcp"}
        return {"address": address, "action": _action(action | deployed), "action_deployed": None}
    scheme = "wss" if options.cert else "ws"
    url = f"{scheme}://{address}/{options.token or 'audio'}"
    bare = {"external_host": url, "encapsulation": "none", "transport": "websocket"}
    return {
        "address": url,
        "action": _action({"url": url, "encapsulation": encapsulation}),
        "action_deployed": _action(bare | deployed),
    }


def _action(option: dict[str, str]) -> dict[str, Any]:
    return {"type": "external_media_start", "option": option}
