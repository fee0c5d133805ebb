"""Registers the commands, and turns every error into words and an exit status in one place."""

from __future__ import annotations

import errno
import re
import sys
from typing import Any

import typer
from typer.core import TyperOption

from voipbin_cli import __version__
from voipbin_cli.commands.group import HANDED_ON, CommandGroup, HelpShown, LazyCommand
from voipbin_cli.errors import ExitStatus, MachineError, UsageError, VoipbinError
from voipbin_cli.render.jsonl import discard, flush, refused
from voipbin_cli.render.problems import show_error
from voipbin_cli.standard_streams import bound_waits
from voipbin_cli.text import printable

# -v as a user writes it: twice, behind -q, with a value of another option behind it.
_VERBOSE = re.compile(r"--verbose$|-q*v")
# What Typer says of a value that is no number, or none of those that are wanted.
_NO_NUMBER = re.compile(r"(?s)(?:'(.*)'|(.*?)) is not (?:a valid (?:int|float)|in the range)")
# What it says of a word more than a command takes, of a value too few, and of one too many.
_TOO_MANY = re.compile(r"Got unexpected extra argument\S* \((.*)\)", re.DOTALL)
_WORDS = (
    (re.compile(r"Option '(\S+)' requires an argument\.?"), r"\1 wants a value behind it"),
    (re.compile(r"Option '(\S+)' does not take a value\.?"), r"\1 takes no value"),
    (re.compile(r"Missing argument '(\S+)'\.?"), r"\1 is missing"),
)

HELP = """Record, play, hear, diagnose and validate the live audio of VoIPBIN calls.

A TARGET of sim is a simulated call, which needs no account. The word `stream` may be left out:
voipbin record is voipbin stream record.

Examples:

    voipbin stream record sim -d 5

    voipbin simulate --list
"""


def _show_version(_context: Any, _option: Any, wanted: bool) -> None:
    if wanted:
        typer.echo(f"voipbin {__version__}")
        raise typer.Exit


VERSION = TyperOption(
    param_decls=["--version", "-V"],
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Print the version.",
)
STREAM = CommandGroup(
    "The live audio of a call or conference.",
    {
        "record": LazyCommand("record.record", "Record a call or conference to a file."),
        "play": LazyCommand(
            "play.play", "Play files, standard input or digits into a call or conference."
        ),
        "pipe": LazyCommand(
            "pipe.pipe", "Run a program in a call: its stdin hears the call, its stdout is spoken."
        ),
        "serve": LazyCommand(
            "serve.serve",
            "Let the platform connect here, and play to it: the uni-directional mode.",
        ),
        "tap": LazyCommand("tap.tap", "Hear a call or conference live on the loudspeaker."),
        "diagnose": LazyCommand(
            "diagnose.diagnose", "Find out what is wrong with a stream, and the fix."
        ),
        "validate": LazyCommand(
            "validate.validate",
            "Check every frame of a stream, a capture or a dump against its encapsulation.",
        ),
    },
)
CALLS = CommandGroup(
    "Which calls there are.",
    {
        "list": LazyCommand(
            "calls.list_calls", "List calls: those in progress first, then the newest."
        ),
        "show": LazyCommand(
            "calls.show_call", "Show one call, and whether its media stream can be opened now."
        ),
    },
)
CONFERENCES = CommandGroup(
    "Which conferences there are.",
    {
        "list": LazyCommand(
            "conferences.list_conferences",
            "List conferences: those in progress first, then the newest.",
        ),
        "show": LazyCommand(
            "conferences.show_conference",
            "Show one conference, and whether its media stream can be opened now.",
        ),
    },
)
ARCHIVE = CommandGroup(
    "Thousands of captures and recordings.",
    {
        "diagnose": LazyCommand(
            "archive.diagnose_archive",
            "Diagnose thousands of captures and recordings: a row a stream, in Parquet.",
        ),
        "report": LazyCommand(
            "archive.report_archive",
            "Say what the rows of a dataset say: how bad, of what, since when, on which trunk.",
        ),
        "query": LazyCommand(
            "archive.query",
            "Ask a dataset in SQL: the tables are streams, findings and files.",
        ),
    },
)
app = CommandGroup(
    HELP,
    {
        "stream": STREAM,
        "calls": CALLS,
        "conferences": CONFERENCES,
        "archive": ARCHIVE,
        "simulate": LazyCommand(
            "simulate.simulate",
            "Run a local VoIPBIN media stream, healthy or faulty, until Ctrl-C.",
        ),
        "login": LazyCommand("login.login", "Store a credential, once the API has accepted it."),
        "logout": LazyCommand("logout.logout", "Forget a stored credential."),
        "doctor": LazyCommand(
            "doctor.doctor",
            "Look over this machine: versions, sound, keyring, credential, API, terminal, shell.",
        ),
        "help": LazyCommand(
            "help_command.help_",
            "Search commands, options, findings, rules and scenarios for a word.",
            package="shell",
        ),
        "completion": LazyCommand(
            "script_command.completion",
            "Print the completion script of a shell, or put it where the shell looks.",
            package="shell",
        ),
        "schema": LazyCommand(
            "schema_command.schema",
            "Print the JSON Schema of what --json prints (draft 2020-12).",
            package="shell",
        ),
    },
    params=[VERSION, *HANDED_ON],
    short="stream",
)


def main(args: list[str] | None = None) -> int:
    """Run the command line `args` (default: the process's own) and return its exit status."""
    arguments = sys.argv[1:] if args is None else args
    try:
        status = app.main(args=arguments, prog_name="voipbin", standalone_mode=False)
        flush()
        return int(status or ExitStatus.DONE)
    except typer.TyperException as error:
        return _fail(_usage_error(error, arguments), arguments)
    except HelpShown:
        return ExitStatus.USAGE
    except VoipbinError as error:
        return _fail(error, arguments)
    except (KeyboardInterrupt, typer.Abort):
        return ExitStatus.INTERRUPTED
    except BrokenPipeError:
        return _reader_is_gone()
    except SystemExit as ended:
        # Typer turns a broken pipe into an exit of its own.
        if isinstance(ended.__context__, BrokenPipeError):
            return _reader_is_gone()
        raise
    except Exception as error:
        return _fail(_output_problem(error) or _bug(error, arguments), arguments)


def _reader_is_gone() -> int:
    """Nothing more can be said to the reader of our output, and that is no error."""
    discard()
    return ExitStatus.DONE


def _output_problem(error: Exception) -> VoipbinError | None:
    """Return what stdout has refused to take of text that the libraries wrote for us."""
    if not isinstance(error, OSError) or error.filename is not None:
        return None
    is_closed = sys.__stdout__ is None and error.errno == errno.EBADF
    is_refused = is_closed or error.errno in (errno.ENOSPC, errno.ETIMEDOUT)
    return refused(error) if is_refused else None


def _fail(error: VoipbinError, arguments: list[str]) -> int:
    """Say it, and return its status, whatever becomes of the line that a script would read."""
    bound_waits()
    try:
        show_error(error, as_json="--json" in arguments)
    except BrokenPipeError:
        discard()
    except MachineError as unread:
        show_error(unread, as_json=False)
    return error.status


def _bug(error: Exception, arguments: list[str]) -> VoipbinError:
    """Say what went wrong without the credential, which a library may have put into its words."""
    import traceback

    from voipbin_cli.text import mask

    if any(map(_VERBOSE.match, arguments)):
        lines = mask("".join(traceback.format_exception(error))).splitlines()
        sys.stderr.write("".join(f"{printable(line)}\n" for line in lines))
    return VoipbinError(
        mask(f"a bug in this program: {type(error).__name__}: {error}"),
        hint="run it again with -v and report what it prints",
    )


def _usage_error(error: typer.TyperException, arguments: list[str]) -> UsageError:
    """Say in our words what Typer says in its own, with a hint that is of that command."""
    from voipbin_cli.commands.meant import arguments_hint, option_hint, typed_command

    context = getattr(error, "ctx", None)
    see = f"see: {context.command_path if context else typed_command(app, arguments)} --help"
    name = getattr(error, "option_name", None)
    if name and hasattr(error, "possibilities"):
        hint = option_hint(name, context) if context else see
        return UsageError(f"there is no option {printable(name, 60)}", hint=hint)
    if found := _TOO_MANY.search(error.message):
        words = printable(found[1], 80)
        hint = arguments_hint(context) if context else see
        return UsageError(f"too many arguments: {words}", hint=hint)
    return UsageError(_number_wanted(error) or _in_our_words(error), hint=see)


def _in_our_words(error: typer.TyperException) -> str:
    said = error.format_message()
    for pattern, words in _WORDS:
        said = pattern.sub(words, said)
    return said


def _number_wanted(error: typer.TyperException) -> str:
    """Say which number was wanted where another one, or none, was given; else nothing."""
    said = _NO_NUMBER.match(error.message)
    option = getattr(error, "param", None)
    if said is None or option is None:
        return ""
    from voipbin_cli.commands.values import number_wanted

    return number_wanted(max(option.opts, key=len), option.type, said[1] or said[2])
