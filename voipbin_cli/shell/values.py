"""What a value can be, by its metavar: words to type, and kinds that a shell or the tool knows.

Words in lower case are the values themselves (`rtp|sln`); names in capitals are kinds
(`TARGET|CAPTURE`), each of which means one thing all over the tool.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

# `files` and `programs` are for the shell to know; the scripts bring along what is `known` when
# they are generated; and of DYNAMIC kinds they ask the tool, at the time.
KINDS: Mapping[str, str] = MappingProxyType(
    {
        "FILE": "files",
        "CAPTURE": "files",
        "DUMP": "files",
        "DIRECTORY": "files",
        "DATASET": "files",
        "PATH": "files",
        "COMMAND": "programs",
        "TARGET": "targets",
        "CALL_ID": "calls",
        "CONFERENCE_ID": "conferences",
        "DEVICE": "devices",
        "PROFILE": "profiles",
        "SCENARIO": "scenarios",
        "RULE": "rules",
        "FINDING": "findings",
    }
)
DYNAMIC = ("targets", "calls", "conferences", "devices", "profiles")
# Kinds whose values are known only at the time of asking.
FREE = frozenset(
    (
        "ADDRESS",
        "DB",
        "DIGITS",
        "DURATION",
        "FD",
        "HZ",
        "LIMIT",
        "MS",
        "N",
        "PERCENT",
        "PORT",
        "SQL",
        "TOKEN",
        "URL",
        "USER",
        "WORD",
    )
)
_OPTIONAL_END = re.compile(r"(?<=.)\[:[^]]*\]$")
_WORD = re.compile(r"[a-z0-9][a-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class Values:
    """What a metavar stands for. `strange` are the parts that are neither word nor known kind."""

    words: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    strange: tuple[str, ...] = ()


def values_of(metavar: str) -> Values:
    """Read a metavar: `auto|N`, `TARGET|CAPTURE`, `FILE...`, `-- COMMAND`, `ADDRESS[:PORT]`."""
    whole = _OPTIONAL_END.sub("", metavar).strip("[]")
    parts = whole.removeprefix("-- ").removesuffix("...").split("|")
    return Values(
        words=tuple(part for part in parts if _WORD.fullmatch(part)),
        kinds=tuple(dict.fromkeys(KINDS[part] for part in parts if part in KINDS)),
        strange=tuple(
            part
            for part in parts
            if part and part not in KINDS and part not in FREE and not _WORD.fullmatch(part)
        ),
    )


def known_values() -> dict[str, list[tuple[str, str]]]:
    """Return the words of the kinds that are known when scripts are generated, with their help."""
    from voipbin_cli.analysis.findings import ROWS
    from voipbin_cli.analysis.validation.rules import RULES
    from voipbin_cli.simulator.catalog import SCENARIOS

    scenarios = [(row.name, row.summary) for row in SCENARIOS.values()]
    return {
        "scenarios": scenarios,
        "findings": [(row.id.value, row.title) for row in ROWS],
        "rules": [(rule.id, rule.sentence) for rule in RULES.values()],
        # The scenarios follow the colon: before it they would bury the ids of calls.
        "targets": [("sim", "the simulator"), ("sim:", "one of its scenarios")]
        + [(f"sim:{name}", summary) for name, summary in scenarios],
    }


def is_continuation(word: str) -> bool:
    """Whether a word is offered only once what comes before its colon has been typed."""
    return bool(word.partition(":")[2])
