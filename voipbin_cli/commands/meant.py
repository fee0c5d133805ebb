"""What was meant by a command or an option that there is none of: near in meaning, then in letters.

Loaded for an error alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from voipbin_cli.errors import UsageError
from voipbin_cli.render.help import usage_place
from voipbin_cli.render.tree import Command, describe
from voipbin_cli.text import nearest, printable

# Other words for a command, as other tools and the documents have them.
_COMMANDS = {
    "stream tap": "hear listen live monitor speaker",
    "stream record": "capture download dump rec save",
    "stream play": "dtmf inject say send speak",
    "stream diagnose": "analyse analyze check debug explain jitter loss mos pcap quality rca why",
    "stream validate": "frames lint rules verify",
    "stream pipe": "agent bot exec run",
    "stream serve": "server external_media",
    "simulate": "demo fake mock sim simulator",
    "login": "accesskey auth config configure credentials init setup signin token",
    "logout": "signout",
    "doctor": "env health info selftest status",
    "calls list": "call list ls ps",
    "calls show": "get show",
    "conferences list": "conference rooms",
    "completion": "autocomplete completions install-completion",
    "help": "commands man search usage",
    "--version": "version",
}
# Other words for an option.
_OPTIONS = {
    "--output": "dest destination file out outfile save to write",
    "--duration": "for length max-duration seconds secs t time",
    "--overwrite": "clobber f force replace y yes",
    "--verbose": "debug log trace vv",
    "--quiet": "s silent",
    "--insecure": "k no-check-certificate no-verify skip-verify",
    "--ca-file": "ca cacert cafile",
    "--cert": "certificate tls",
    "--api-url": "api base-url endpoint server url",
    "--host": "address bind listen",
    "--encapsulation": "codec encap format framing protocol type",
    "--capture": "dump pcap pcapng w",
    "--loop": "count n repeat times",
    "--gain": "amplify level volume",
    "--volume": "gain",
    "--report": "html",
    "--json": "format jsonl ndjson",
    "--list": "list-scenarios scenarios",
    "--list-findings": "findings",
    "--list-rules": "rules",
    "--connect-timeout": "timeout",
    "--no-fill": "skip-gaps",
    "--both": "stereo",
    "--limit": "max n page-size",
    "--username": "login",
}
_SECRETS = ("token", "accesskey", "access-key", "api-key", "key", "jwt", "password", "secret")


_SEARCH = "`voipbin help WORD` searches all commands, findings and rules"


def no_such_command(context: Any, words: list[str]) -> UsageError:
    """Return the error for a group's command that is none: the first of `words`."""
    tool = describe(context.find_root().command)
    shown = printable(words[0], 60)
    if words[0].startswith("-"):
        said = f"no such option before a command: {shown}"
        return UsageError(said, hint=f"see: {context.command_path} --help")
    meant = _commands_meant(context, words[0], tool)
    return UsageError(
        f"there is no command {shown}",
        hint=f"did you mean {' or '.join(meant)}?" if meant else _SEARCH,
    )


def _commands_meant(context: Any, word: str, tool: Command) -> list[str]:
    """Return command lines; those of the group that was typed come before all others."""
    group = context.command
    below = nearest(word, dict.fromkeys([*group.commands, *group.short_forms], ""), told=False)
    if below:
        return [f"{context.command_path} {name}" for name in below]
    known = {command.name.removeprefix("voipbin "): command.summary for command in tool.leaves}
    found = nearest(word, known | {"--version": ""}, _words(_COMMANDS))
    if not found and (os.path.exists(word) or _is_target(word)):
        found = [f"stream diagnose {printable(word, 80)}"]
    return [f"voipbin {name}" for name in found]


def _is_target(text: str) -> bool:
    from voipbin_cli.transport.targets import parse_target

    try:
        parse_target(text)
    except UsageError:
        return False
    return True


def _words(table: dict[str, str]) -> dict[str, list[str]]:
    """Return the names that a word stands for."""
    meant: dict[str, list[str]] = {}
    for name, others in table.items():
        for other in others.split():
            meant.setdefault(other, []).append(name)
    return meant


def option_hint(name: str, context: Any) -> str:
    """Say what to do instead of an option which the command of `context` does not have."""
    word = name.lstrip("-").partition("=")[0].lower()
    own = describe(context.command)
    see = f"see: {context.command_path} --help"
    known = {each.lstrip("-"): each for option in own.options for each in option.all_names}
    table = {
        other: [each.lstrip("-") for each in meant] for other, meant in _words(_OPTIONS).items()
    }
    near = nearest(word, known, table, told=False)
    if near:
        return f"did you mean {' or '.join(known[each] for each in near)}? {see}"
    if word in _SECRETS:
        return (
            "a credential is never an option, as the process list would show it: "
            "`voipbin login` keeps it, VOIPBIN_TOKEN or VOIPBIN_ACCESSKEY holds it"
        )
    others = list(_takers(name, context.find_root().command))
    if others:
        return f"{name} is an option of {' and '.join(others[:3])}; {see}"
    return see


def _takers(name: str, tool: Any) -> Iterator[str]:
    for command in describe(tool.loaded()).leaves:
        if any(name in option.all_names for option in command.options):
            yield command.name


def typed_command(group: Any, words: list[str]) -> str:
    """Return the command that a line begins with, as it was typed."""
    typed = "voipbin"
    for word in words:
        below = group.get_command(None, word) if hasattr(group, "get_command") else None
        if below is None and not word.startswith("-"):
            break
        if below is not None:
            group, typed = below, f"{typed} {word}"
    return typed


def arguments_hint(context: Any) -> str:
    """Say which arguments a command takes."""
    own = describe(context.command)
    places = " ".join(map(usage_place, own.arguments))
    goes = [
        f"a file to {verb} goes to {name}"
        for name, verb in (("-o", "write"), ("--report", "write"), ("--file", "play"))
        if any(name in option.all_names for option in own.options)
    ]
    usage = f"{context.command_path} [OPTION ...] {places}".rstrip()
    return "; ".join([f"usage: {usage}", *goes[:1]])
