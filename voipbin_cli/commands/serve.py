"""`voipbin stream serve`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.commands.options import (
    PLAYING,
    SERVING,
    GainOption,
    LoopOption,
    OutputOptions,
    PortOption,
    SendOptions,
)
from voipbin_cli.commands.values import choice
from voipbin_cli.environment import SERVE_TOKEN, user_environment
from voipbin_cli.errors import UsageError

if TYPE_CHECKING:
    import ssl

    from voipbin_cli.session.serve import Serving
    from voipbin_cli.transport.websocket_server import Server


class Transport(StrEnum):
    """What the platform connects by; over bare TCP it speaks AudioSocket, over UDP RTP."""

    WEBSOCKET = "websocket"
    TCP = "tcp"
    UDP = "udp"


# What is spoken where no WebSocket is around it.
_SPOKEN = {Transport.TCP: Encapsulation.AUDIOSOCKET, Transport.UDP: Encapsulation.RTP}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """What is played, how it is sent, and who may come for it."""

    file: Annotated[
        list[str] | None,
        typer.Option(
            help="What to play; several play one after the other.",
            metavar="FILE",
            rich_help_panel=PLAYING,
            show_default=False,
        ),
    ] = None
    loop: LoopOption = 0
    gain: GainOption = 0.0
    send: SendOptions = field(default_factory=SendOptions)
    host: Annotated[
        str,
        typer.Option(
            help="The address to listen on; 0.0.0.0 is every one of this machine.",
            metavar="ADDRESS",
            rich_help_panel=SERVING,
        ),
    ] = "127.0.0.1"
    port: PortOption = 8765
    transport: Annotated[
        Transport,
        choice(
            "--transport",
            among=Transport,
            help="websocket, or bare frames: udp, which is RTP, or tcp, which is AudioSocket.",
            rich_help_panel=SERVING,
        ),
    ] = Transport.WEBSOCKET
    encapsulation: Annotated[
        Encapsulation | None,
        choice(
            "--encapsulation",
            "-e",
            among=Encapsulation,
            help="How audio is framed. Asterisk's chan_websocket is told by its first message.",
            rich_help_panel=SERVING,
            show_default="rtp; tcp: audiosocket",
        ),
    ] = None
    cert: Annotated[
        str | None,
        typer.Option(
            help="A certificate chain (PEM): wss.",
            metavar="FILE",
            rich_help_panel=SERVING,
            show_default=False,
        ),
    ] = None
    key: Annotated[
        str | None,
        typer.Option(
            help="Its private key (PEM), where it is not in the same file.",
            metavar="FILE",
            rich_help_panel=SERVING,
            show_default=False,
        ),
    ] = None
    token: Annotated[
        str | None,
        typer.Option(
            help="Only who asks for the path /TOKEN is let in; as an argument it is in the "
            "list of processes. Without one, web pages of other hosts are turned away.",
            metavar="TOKEN",
            envvar=SERVE_TOKEN,
            rich_help_panel=SERVING,
            show_default=False,
        ),
    ] = None
    record: Annotated[
        str | None,
        typer.Option(
            help="Keep what they send, a file for each, no faster than time passes.",
            metavar="DIRECTORY",
            rich_help_panel=SERVING,
            show_default=False,
        ),
    ] = None
    out: OutputOptions = field(default_factory=OutputOptions)

    @property
    def admitting(self) -> str | None:
        """The token that peers have to know: the one given, or the environment's."""
        return self.token or user_environment().get(SERVE_TOKEN) or None

    @property
    def is_bare(self) -> bool:
        """Whether frames are spoken with nothing around them."""
        return self.transport in _SPOKEN


def serve(options: ServeOptions) -> None:
    """Let the platform connect here, and play to it: the uni-directional mode.

    It prints the flow action that makes the platform connect, and runs until Ctrl-C.

    Examples:

        voipbin stream serve --file music.wav -e audiosocket

        voipbin stream serve --file music.wav --transport udp --host 0.0.0.0

        voipbin stream serve --file music.wav --transport tcp --port 9092

        voipbin stream serve --file music.wav --cert chain.pem --key key.pem
    """
    import asyncio
    import tempfile

    from voipbin_cli.render.jsonl import emit
    from voipbin_cli.render.live_view import is_terminal
    from voipbin_cli.render.outlet import finish_output, standard_outlets
    from voipbin_cli.render.problems import say
    from voipbin_cli.render.serving import done_line, telling_peers
    from voipbin_cli.session.played_audio import decoded
    from voipbin_cli.session.serve import Serving, made_directory
    from voipbin_cli.session.served_peer import ServeRequest
    from voipbin_cli.standard_streams import bound_waits
    from voipbin_cli.transport.server_certificate import server_context

    send, out, outlets = options.send, options.out, standard_outlets()
    if not options.file:
        raise UsageError("nothing to play", hint="--file FILE")
    encapsulation = _encapsulation(options)
    context = server_context(options.cert, options.key)
    with tempfile.TemporaryFile() as file:
        repeated = decoded(options.file, options.gain, file)
        request = ServeRequest(
            pcm=repeated.pcm,
            encapsulation=encapsulation,
            loop=options.loop,
            lead_ms=send.lead,
            payload=send.payload,
            payload_type=send.payload_type,
            record=made_directory(options.record),
        )
        tell = telling_peers(outlets, as_json=out.json, quiet=out.quiet, verbose=out.verbose)
        serving = Serving(request, tell)
        warnings = [*repeated.damages, *repeated.doubts]
        bound_waits()
        try:
            asyncio.run(_serve(serving, options, context, warnings))
        finally:
            finish_output(*outlets)
    if out.json:
        emit("summary", serving.summary())
    elif out.is_chatty and is_terminal():
        say(done_line(serving.summary()))


def _encapsulation(options: ServeOptions) -> Encapsulation:
    spoken = _SPOKEN.get(options.transport)
    if spoken is None:
        return options.encapsulation or Encapsulation.RTP
    transport = f"--transport {options.transport}"
    if options.encapsulation not in (None, spoken):
        raise UsageError(
            f"{transport} speaks {spoken} and nothing else", hint="leave out -e, or --transport"
        )
    if options.admitting is not None:
        raise UsageError(
            f"{transport} has no path that a token could be in", hint=_without_token(options)
        )
    if options.transport is Transport.UDP and (options.cert or options.key):
        raise UsageError(f"{transport} has no TLS", hint="leave out --cert and --key")
    return spoken


def _without_token(options: ServeOptions) -> str:
    is_set = options.admitting == user_environment().get(SERVE_TOKEN)
    return f"unset {SERVE_TOKEN}" if is_set else "leave out --token"


async def _serve(
    serving: Serving, options: ServeOptions, context: ssl.SSLContext | None, warnings: list[str]
) -> None:
    """Serve until SIGINT or SIGTERM; `warnings` are of what is played."""
    import asyncio

    from voipbin_cli.commands.signals import SERVER_SIGNALS, stopping_on
    from voipbin_cli.render.live_view import LiveView
    from voipbin_cli.render.problems import say
    from voipbin_cli.render.serving import ServingLine, show_listening
    from voipbin_cli.session.flow_action import listening_fields
    from voipbin_cli.transport.addresses import is_loopback, reach_warning
    from voipbin_cli.transport.listening import tell_when_full

    out = options.out
    stopped = asyncio.Event()
    with stopping_on(SERVER_SIGNALS, stopped.set):
        tell_when_full(asyncio.get_running_loop(), serving.warn)
        server = await _listen(serving, options, context)
        fields = listening_fields(
            serving.request.encapsulation,
            options.host,
            server.port,
            bare=options.transport.value if options.is_bare else "",
            is_tls=context is not None,
            token=options.admitting,
        )
        show_listening(fields, as_json=out.json, quiet=out.quiet)
        for message in warnings:
            serving.warn(message)
        is_open = not (options.admitting or is_loopback(options.host))
        if out.is_chatty and (warning := reach_warning(options.host)):
            say(f"warning: {warning}")
        if is_open and not out.quiet:
            keeps_out = "a firewall" if options.is_bare else "--token"
            say(f"warning: whoever finds this port can connect; {keeps_out} keeps strangers out")
        try:
            async with LiveView(ServingLine(serving), wanted=out.is_chatty):
                await stopped.wait()
        finally:
            await server.close()


async def _listen(
    serving: Serving, options: ServeOptions, context: ssl.SSLContext | None
) -> Server:
    from voipbin_cli.transport import udp_server
    from voipbin_cli.transport.tcp_server import serve_audiosocket
    from voipbin_cli.transport.websocket_server import MAX_PEERS, SPARE_PEERS, serve_websocket

    host, port = options.host, options.port
    if options.transport is Transport.UDP:
        # All of them share one socket; a recording is a file each.
        peers = _peers(options, udp_server.MAX_PEERS, 0, 1)
        return await udp_server.serve_rtp(
            serving.handle, host, port, max_peers=peers, turned_away=serving.turned_away
        )
    peers = _peers(options, MAX_PEERS, SPARE_PEERS, 2 if options.record else 1)
    if options.transport is Transport.TCP:
        return await serve_audiosocket(serving.handle, host, port, ssl=context, max_peers=peers)
    return await serve_websocket(
        serving.handle,
        host,
        port,
        ssl=context,
        token=options.admitting,
        max_peers=peers,
        turned_away=serving.turned_away,
    )


def _peers(options: ServeOptions, wanted: int, spare: int, files_each: int) -> int:
    """How many there are files for; says so where that is fewer than `wanted`."""
    from voipbin_cli.render.problems import say
    from voipbin_cli.transport.listening import most_peers

    peers = most_peers(wanted, spare, files_each)
    if peers < wanted and not options.out.quiet:
        say(f"no more than {peers} peers at once: there are no files for more (ulimit -n)")
    return peers
