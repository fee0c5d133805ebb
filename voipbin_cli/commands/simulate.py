"""`voipbin simulate`."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.fingerprint import Dialect
from voipbin_cli.commands.options import SERVING, JsonOption, PortOption, overwrite_option
from voipbin_cli.commands.values import choice
from voipbin_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from voipbin_cli.simulator.dialing import BotAddress, Dialer
    from voipbin_cli.simulator.load import Limit, LoadOutcome
    from voipbin_cli.simulator.scenario import Scenario
    from voipbin_cli.simulator.server import Simulator

SIMULATION = "Simulation"
DIALING = "Calling a bot's server"
LOAD = "Load"
DIALECTS = {str(dialect): dialect for dialect in Dialect if dialect is not Dialect.UNKNOWN}


@dataclass(frozen=True, slots=True, kw_only=True)
class DialOptions:
    """The bot's server that is called, where it is not the bot that connects."""

    dial: Annotated[
        str | None,
        typer.Option(
            help="Call the bot's server instead: ws://, wss://, or tcp://HOST:PORT (AudioSocket).",
            metavar="URL",
            rich_help_panel=DIALING,
            show_default=False,
        ),
    ] = None
    encapsulation: Annotated[
        Encapsulation | None,
        choice(
            "--encapsulation",
            "-e",
            among=Encapsulation,
            help="How audio is framed for it.",
            rich_help_panel=DIALING,
            show_default="rtp; tcp: audiosocket",
        ),
    ] = None
    asterisk: Annotated[
        bool,
        typer.Option(
            "--asterisk",
            help="Call as Asterisk's chan_websocket does: bare media, and control as text.",
            rich_help_panel=DIALING,
        ),
    ] = False
    one_way: Annotated[
        bool,
        typer.Option(
            "--one-way",
            help="Send it nothing: the platform only plays what it gets.",
            rich_help_panel=DIALING,
        ),
    ] = False
    ca_file: Annotated[
        str | None,
        typer.Option(
            help="Trust these certificates for wss, and not the system's (PEM).",
            metavar="FILE",
            rich_help_panel=DIALING,
            show_default=False,
        ),
    ] = None
    insecure: Annotated[
        bool,
        typer.Option(
            "--insecure", help="Do not check the bot's certificate.", rich_help_panel=DIALING
        ),
    ] = False

    def dialer(self, scenario: Scenario, address: BotAddress, **kept: Any) -> Dialer:
        """What calls the bot, its certificate checked as is asked for; inside an event loop."""
        from pathlib import Path

        from voipbin_cli.render.problems import say
        from voipbin_cli.simulator.dialing import Dialer
        from voipbin_cli.transport.endpoint import Endpoint

        trusted = Path(self.ca_file) if self.ca_file else None
        context = Endpoint(ca_file=trusted, insecure=self.insecure).ssl_context(address.url)
        if context is not None and self.insecure:
            say("warning: --insecure: the certificate is not checked; anyone may listen in")
        return Dialer(scenario, address, ssl=context, **kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """How many call, how fast they come, and what ends it."""

    calls: Annotated[
        int | None,
        typer.Option(
            help="So many calls at once, each by the caller's script.",
            metavar="N",
            min=1,
            max=2000,
            rich_help_panel=LOAD,
            show_default=False,
        ),
    ] = None
    ramp: Annotated[
        float,
        typer.Option(
            help="So many more calls each second.",
            metavar="N",
            min=0.01,
            max=1000,
            rich_help_panel=LOAD,
        ),
    ] = 1.0
    until: Annotated[
        str | None,
        typer.Option(
            help="End at the number of calls at which this is over its limit: "
            "response_ms.p95=1500, barge_in_ms.max=800.",
            metavar="LIMIT",
            rich_help_panel=LOAD,
            show_default=False,
        ),
    ] = None
    report: Annotated[
        str | None,
        typer.Option(
            help="Write the table and its plots (HTML).",
            metavar="FILE",
            rich_help_panel=LOAD,
            show_default=False,
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulateOptions:
    """What goes wrong in the simulated stream, and where it is served."""

    host: Annotated[
        str, typer.Option(help="A loopback address.", metavar="ADDRESS", rich_help_panel=SERVING)
    ] = "127.0.0.1"
    port: PortOption = 8080
    scenario: Annotated[
        str,
        typer.Option(
            help="What goes wrong: jitter, stall+clipping, or jitter,strength=80,seed=2.",
            metavar="SCENARIO",
            rich_help_panel=SIMULATION,
        ),
    ] = "clean"
    dialect: Annotated[
        Dialect | None,
        choice(
            "--dialect",
            among=DIALECTS,
            help="What the far end speaks.",
            rich_help_panel=SIMULATION,
            show_default="the scenario's, mostly deployed",
        ),
    ] = None
    caller: Annotated[
        str | None,
        typer.Option(
            help="The caller's script (TOML): what is said, waited for, pressed. Ends with it.",
            metavar="FILE",
            rich_help_panel=SIMULATION,
            show_default=False,
        ),
    ] = None
    dial: DialOptions = field(default_factory=DialOptions)
    load: LoadOptions = field(default_factory=LoadOptions)
    heard: Annotated[
        str | None,
        typer.Option(
            help="Write what the phone hears (WAV).",
            metavar="FILE",
            rich_help_panel=SIMULATION,
            show_default=False,
        ),
    ] = None
    overwrite: Annotated[bool, overwrite_option(SIMULATION)] = False
    list_: Annotated[
        bool, typer.Option("--list", help="Name the scenarios.", rich_help_panel=SIMULATION)
    ] = False
    json: JsonOption = False


def simulate(options: SimulateOptions) -> None:
    """Run a local VoIPBIN media stream, healthy or faulty, until Ctrl-C.

    It serves the REST API and the WebSocket streams of one call and two conferences, prints how
    to reach them, and needs no account. A TARGET of sim:SCENARIO starts one for a single command.

    A caller's script is TOML: caller = [{ do = "say", seconds = 2 }, { do = "wait-for-end" }].
    A row does one of these: say (sound, seconds), wait-for-begin (timeout_s), wait-for-end
    (timeout_s), pause (seconds), be-silent (seconds), interrupt (after_ms, sound, seconds,
    timeout_s), press (digits), hang-up. A sound is a WAV file, speech, tone:HZ or music; without
    hang-up the caller hangs up in the end. [handset] has noise_dbfs, level_db, echo_delay_ms,
    echo_db and loss_percent; times goes through the rows so often, and seed makes it another run.

    Examples:

        voipbin simulate --list

        voipbin simulate --scenario jitter,strength=80 --port 8080 --heard heard.wav

        voipbin simulate --caller order.toml --json

        voipbin simulate --caller order.toml --dial tcp://127.0.0.1:9092

        voipbin simulate --caller order.toml --dial ws://127.0.0.1:8765 --calls 50 --ramp 2
    """
    import asyncio
    from pathlib import Path

    from voipbin_cli.media.audio_writer import check_output
    from voipbin_cli.render.simulation import show_scenarios
    from voipbin_cli.simulator.catalog import SCENARIOS, find_scenario
    from voipbin_cli.standard_streams import bound_waits
    from voipbin_cli.transport.targets import parse_target

    if options.overwrite and options.heard is None:
        raise UsageError("--overwrite is of a file", hint="--heard FILE writes one")
    if options.list_:
        return show_scenarios(SCENARIOS.values(), as_json=options.json)
    named = parse_target(f"sim:{options.scenario}")
    dialect = {"dialect": str(options.dialect)} if options.dialect else {}
    caller = {"caller": options.caller} if options.caller else {}
    scenario = find_scenario(named.value, {**named.options, **dialect, **caller})
    heard = Path(options.heard) if options.heard else None
    if heard is not None:
        check_output(str(heard), audio_format="wav", overwrite=options.overwrite)
    address = _address(options)
    if options.load.calls is not None:
        return _load(scenario, address, options)
    _refuse_without_calls(options.load)
    bound_waits()
    if address is not None:
        return asyncio.run(_dial(scenario, address, heard, options))
    return asyncio.run(_serve(scenario, options.host, options.port, heard, as_json=options.json))


def _address(options: SimulateOptions) -> BotAddress | None:
    from voipbin_cli.simulator.dialing import BotAddress

    dial = options.dial
    if dial.dial is None:
        if dial != DialOptions():
            hint = "--dial URL calls a server; who connects here chooses by himself"
            raise UsageError("how a bot is called is not for one that connects here", hint=hint)
        return None
    return BotAddress(
        dial.dial,
        dial.encapsulation or Encapsulation.RTP,
        is_asterisk=dial.asterisk,
        is_one_way=dial.one_way,
    )


def _refuse_without_calls(load: LoadOptions) -> None:
    if load.until or load.report:
        raise UsageError("--until and --report are of many calls", hint="--calls N")


def _load(scenario: Scenario, address: BotAddress | None, options: SimulateOptions) -> None:
    """Place many calls, and tell how the bot fared."""
    import asyncio

    from voipbin_cli.render.load_report import write_load_report
    from voipbin_cli.render.problems import say
    from voipbin_cli.render.report import check_report
    from voipbin_cli.render.scripted import show_load
    from voipbin_cli.simulator.load import Limit
    from voipbin_cli.simulator.own_limit import own_limit
    from voipbin_cli.standard_streams import bound_waits

    load = options.load
    assert load.calls is not None
    if scenario.caller is None:
        raise UsageError("what do the callers do?", hint="--caller FILE is their script")
    if options.heard is not None:
        raise UsageError("--heard is of one call", hint="leave out --calls, or --heard")
    limit = Limit.parse(load.until) if load.until else None
    if load.report is not None:
        check_report(load.report)
    framing = address.encapsulation if address else Encapsulation.RTP
    carried = own_limit(scenario, framing)
    if carried < load.calls:
        say(f"warning: this machine carries some {carried} calls just now, fewer than {load.calls}")
    bound_waits()
    run = _LoadRequest(scenario, address, options, limit, carried)
    outcome, counts = asyncio.run(_place_calls(run))
    if load.report is not None:
        write_load_report(load.report, outcome, options.dial.dial or "The bot")
    show_load(outcome, counts, as_json=options.json)


class _LoadRequest(NamedTuple):
    scenario: Scenario
    address: BotAddress | None
    options: SimulateOptions
    limit: Limit | None
    own_limit: int


async def _place_calls(request: _LoadRequest) -> tuple[LoadOutcome, dict[str, Any]]:
    """Place them until all are over, or SIGINT or SIGTERM; also what the exchange counted."""
    import time

    from voipbin_cli.commands.signals import SERVER_SIGNALS, stopping_on
    from voipbin_cli.render.live_view import LiveView
    from voipbin_cli.render.scripted import LoadLine
    from voipbin_cli.simulator.load import LoadRun

    load = request.options.load
    assert load.calls is not None
    async with _source(request) as source:
        run = LoadRun(
            source,
            load.calls,
            load.ramp,
            clock=time.monotonic_ns,
            limit=request.limit,
            own_limit=request.own_limit,
        )
        with stopping_on(SERVER_SIGNALS, run.stop):
            async with LiveView(LoadLine(run), wanted=not request.options.json):
                outcome = await run.run()
        return outcome, source.exchange.report()


@asynccontextmanager
async def _source(request: _LoadRequest) -> AsyncIterator[Dialer | Simulator]:
    """Where the calls come from: a server that is dialed, or clients that join ours."""
    from voipbin_cli.render.jsonl import emit
    from voipbin_cli.render.simulation import show_ready
    from voipbin_cli.simulator.server import Simulator

    options = request.options
    if request.address is not None:
        dialer = options.dial.dialer(request.scenario, request.address)
        try:
            yield dialer
        finally:
            dialer.close()
        return
    # Only the calls of the load are up.
    scenario = replace(request.scenario, call_status="hangup", calls=1)
    async with Simulator(scenario, host=options.host, port=options.port) as simulator:
        show_ready(simulator.describe(), as_json=options.json, is_load=True)
        if options.json:
            simulator.on_call = lambda room: emit("call-up", {"call": room.id})
        yield simulator


async def _dial(
    scenario: Scenario, address: BotAddress, heard: Path | None, options: SimulateOptions
) -> None:
    """Place one call to a server and go through it. Raises as `Dialer.call` does."""
    from voipbin_cli.commands.signals import SERVER_SIGNALS, stopping_on
    from voipbin_cli.render.jsonl import emit
    from voipbin_cli.render.problems import say
    from voipbin_cli.render.scripted import show_call
    from voipbin_cli.render.simulation import over_text

    dialer = options.dial.dialer(scenario, address, heard_path=heard)
    try:
        with stopping_on(SERVER_SIGNALS, dialer.hang_up_all):
            result = await dialer.call()
    finally:
        dialer.close()
    report = dialer.exchange.report()
    if result is not None:
        show_call(result, as_json=options.json)
    if options.json:
        emit("summary", report)
    else:
        say(over_text(report, str(heard) if heard else None))


async def _serve(
    scenario: Scenario, host: str, port: int, heard: Path | None, *, as_json: bool
) -> None:
    """Serve until SIGINT or SIGTERM, or to the end of a scripted call.

    Raises UsageError and MachineError as the simulator does.
    """
    import asyncio

    from voipbin_cli.commands.signals import SERVER_SIGNALS, stopping_on
    from voipbin_cli.render.jsonl import emit
    from voipbin_cli.render.problems import say
    from voipbin_cli.render.scripted import show_call
    from voipbin_cli.render.simulation import over_text, show_ready
    from voipbin_cli.simulator.server import Simulator

    stopped = asyncio.Event()
    with stopping_on(SERVER_SIGNALS, stopped.set):
        async with Simulator(scenario, host=host, port=port, heard_path=heard) as simulator:
            show_ready(simulator.describe(), as_json=as_json)
            over = asyncio.create_task(simulator.until_over())
            if scenario.caller is not None:
                over.add_done_callback(lambda _: stopped.set())
            await stopped.wait()
            over.cancel()
            report, result = simulator.report(), simulator.result()
    if result is not None:
        show_call(result, as_json=as_json)
    if as_json:
        emit("summary", report)
    else:
        say(over_text(report, str(heard) if heard else None))
