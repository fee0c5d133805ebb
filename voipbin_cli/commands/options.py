"""The options that commands share, each defined once: type, name, help, group."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
from collections.abc import Callable
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from voipbin_cli.commands.choices import one_of
from voipbin_cli.errors import UsageError

F = TypeVar("F", bound=Callable[..., None])

LISTENING = "Listening"
CONNECTION = "Connection"
CREDENTIALS = "Credentials"
OUTPUT = "Output"

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?", re.ASCII)


def parse_duration(text: str) -> float:
    """Return the seconds that `10`, `2.5s`, `90s`, `1m30s` or `2h` mean.

    Raises UsageError for anything else, nothing and zero included.
    """
    match = _DURATION.fullmatch(str(text).strip())  # a default comes as the number it is
    hours, minutes, seconds = match.groups() if match else (None, None, None)
    total_s = int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds or 0)
    if not 0 < total_s < 366 * 86400:
        raise UsageError(f"{text!r} is not a duration", hint="write it as 10, 90s or 1m30s")
    return total_s


ENCAPSULATIONS = ("rtp", "sln", "audiosocket")
AUTHS = ("query", "header")

TargetArgument = Annotated[
    str,
    typer.Argument(
        metavar="TARGET",
        help="A call's id, conference/ID, a ws:// or wss:// address, or sim[:SCENARIO]. "
        "Left out, a terminal offers what is in progress.",
        # Empty stands for "not given": `opened_target` asks then.
        default_factory=str,
        show_default=False,
    ),
]

JsonOption = Annotated[
    bool, typer.Option("--json", help="JSON Lines on stdout.", rich_help_panel=OUTPUT)
]
QuietOption = Annotated[
    bool, typer.Option("--quiet", "-q", help="Say errors only.", rich_help_panel=OUTPUT)
]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Say more, on stderr.", rich_help_panel=OUTPUT)
]


@dataclasses.dataclass(frozen=True, slots=True)
class ApiOptions:
    """Which API, and how to prove who is asking."""

    api_url: Annotated[
        str | None,
        typer.Option(
            help="The API's address.",
            metavar="URL",
            envvar="VOIPBIN_API_URL",
            rich_help_panel=CREDENTIALS,
            show_default=False,
        ),
    ] = None
    profile: Annotated[
        str | None,
        typer.Option(
            help="A profile of `voipbin login`.",
            metavar="PROFILE",
            envvar="VOIPBIN_PROFILE",
            rich_help_panel=CREDENTIALS,
            show_default=False,
        ),
    ] = None
    auth: Annotated[
        str,
        typer.Option(
            help="How the credential travels.",
            metavar="|".join(AUTHS),
            parser=one_of("way for a credential to travel", AUTHS),
            rich_help_panel=CREDENTIALS,
        ),
    ] = "query"
    ca_file: Annotated[
        str | None,
        typer.Option(
            help="Trust these certificates, and not the system's (PEM).",
            metavar="FILE",
            rich_help_panel=CONNECTION,
            show_default=False,
        ),
    ] = None
    insecure: Annotated[
        bool,
        typer.Option(
            "--insecure", help="Do not check the certificate.", rich_help_panel=CONNECTION
        ),
    ] = False
    connect_timeout: Annotated[
        float,
        typer.Option(
            help="Give up an attempt to connect after this.",
            metavar="DURATION",
            parser=parse_duration,
            rich_help_panel=CONNECTION,
        ),
    ] = 10.0


@dataclasses.dataclass(frozen=True, slots=True)
class LiveOptions(ApiOptions):
    """What every command that opens a stream takes."""

    encapsulation: Annotated[
        str | None,
        typer.Option(
            "--encapsulation",
            "-e",
            help="How audio is framed.",
            metavar="|".join(ENCAPSULATIONS),
            parser=one_of("encapsulation", ENCAPSULATIONS),
            rich_help_panel=LISTENING,
            show_default="rtp",
        ),
    ] = None
    duration: Annotated[
        float | None,
        typer.Option(
            "--duration",
            "-d",
            help="Stop after this: 10, 90s, 1m30s.",
            metavar="DURATION",
            parser=parse_duration,
            rich_help_panel=LISTENING,
            show_default=False,
        ),
    ] = None
    capture: Annotated[
        str | None,
        typer.Option(
            help="Write every message, both ways, with its time (pcapng).",
            metavar="FILE",
            rich_help_panel=LISTENING,
            show_default=False,
        ),
    ] = None
    reconnect: Annotated[
        bool,
        typer.Option(help="Connect again when the link breaks.", rich_help_panel=CONNECTION),
    ] = True
    give_up_after: Annotated[
        float,
        typer.Option(
            help="How long to try to win a lost link back.",
            metavar="DURATION",
            parser=parse_duration,
            rich_help_panel=CONNECTION,
        ),
    ] = 60.0
    keepalive: Annotated[
        bool,
        typer.Option(
            help="Send silence so that the far end starts and stays.",
            rich_help_panel=CONNECTION,
        ),
    ] = True
    json: JsonOption = False
    quiet: QuietOption = False
    verbose: VerboseOption = False


@functools.cache
def _fields_of(options: type[Any]) -> dict[str, Any]:
    """Return name and annotation of each field; read once, as start-up feels every command."""
    return get_type_hints(options, include_extras=True)


def takes(options: type[Any]) -> Callable[[F], F]:
    """Let a command's one `options` parameter be filled from flags: a field, a flag.

    The command has a parameter annotated with the dataclass; on the command line each field of
    the dataclass stands in its place.
    """

    def decorate(command: F) -> F:
        hints = get_type_hints(command, include_extras=True)
        (name,) = (name for name, hint in hints.items() if hint is options)
        fields = _fields_of(options)  # type: ignore[arg-type]  # every class is hashable

        @functools.wraps(command)
        def wrapper(**values: Any) -> None:
            gathered = options(**{field: values.pop(field) for field in fields})
            command(**values, **{name: gathered})

        own = [
            parameter.replace(annotation=hints[parameter.name])
            for parameter in inspect.signature(command).parameters.values()
            if parameter.name != name
        ]
        shared = [
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=field.default,
                annotation=fields[field.name],
            )
            for field in dataclasses.fields(options)
        ]
        as_keywords = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
        wrapper.__signature__ = inspect.Signature(as_keywords + shared)  # type: ignore[attr-defined]
        wrapper.__annotations__ = {p.name: p.annotation for p in as_keywords + shared}
        return wrapper  # type: ignore[return-value]

    return decorate
