"""Text that was given, made safe to print; the word that was meant; UUIDs; times in words.

`printable` is the one door for text of others: nothing of theirs is cut or shown around it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from urllib.parse import quote, quote_plus

from voipbin_cli.environment import secret_values

UUID_PATTERN = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
"""RFC 9562 section 4, in lower case as the API writes its ids."""
LIMIT_CHARACTERS = 500
MINUTE_S = 60
HOUR_S = 60 * MINUTE_S
DAY_S = 24 * HOUR_S


MASK = "***"
_SECRET_FIELDS = re.compile(
    r"(?i)((?:token|accesskey|access_key|password)(?:=|%3d|\"?:\s*\"))[^&\s\"'<>#;,]+"
)
_BEARER = re.compile(r"(?i)\b(bearer\s+)[^\s\"',]+")
# RFC 7519: a JSON object in base64url, so it begins with {"
_JWT = re.compile(r"\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?")
_USER_INFO = re.compile(r"(?<=://)[^/\s@?#]+@")
# A shorter secret could be part of an ordinary word; none of the platform's is that short.
_SHORTEST_SECRET = 4
# Of a secret that somebody else has cut, a shorter beginning could be the end of any word.
_SHORTEST_PIECE = 8


def mask(text: str, *secrets: str) -> str:
    """`text` without secrets (as they are or percent-encoded), nor anything that looks like one.

    `secrets` go, and all that `environment` knows, also where the text ends within one. Values of
    `token=`, `accesskey=` and `password=`, bearer tokens, JWTs and the user part of URLs go
    whether they are known or not.
    """
    for secret in (*secrets, *secret_values()):
        for form in _forms(secret):
            text = _without(text, form)
    text = _SECRET_FIELDS.sub(rf"\1{MASK}", text)
    text = _BEARER.sub(rf"\1{MASK}", text)
    text = _JWT.sub(MASK, text)
    return _USER_INFO.sub(f"{MASK}@", text)


def _forms(secret: str) -> Iterator[str]:
    if len(secret) < _SHORTEST_SECRET:
        return
    # Half a pair of UTF-16 is what a variable of any bytes may hold, and a file of JSON.
    quoted = quote(secret, safe="", errors="surrogatepass")
    yield from {
        secret,
        quoted,
        quote_plus(secret, errors="surrogatepass"),
        re.sub("%..", lambda escape: escape[0].lower(), quoted),
    }


def _without(text: str, secret: str) -> str:
    """Mask `secret`, and its beginning where whoever sent the text has cut it there."""
    text = text.replace(secret, MASK)
    for length in range(min(len(secret) - 1, len(text)), _SHORTEST_PIECE - 1, -1):
        if text.endswith(secret[:length]):
            return text[:-length] + MASK
    return text


def printable(text: str, limit: int = LIMIT_CHARACTERS, *secrets: str) -> str:
    """Return `text` on one line, masked, what cannot be seen escaped, cut at `limit` characters.

    Masked before it is cut: half of a secret would not be known for one. Controls, terminal
    escapes, bidirectional overrides and zero-width characters are none of `str.isprintable`'s, and
    neither are line breaks.
    """
    text = mask(text, *secrets)
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return cut if cut.isprintable() else "".join(map(_visible, cut))


def _visible(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")


def is_uuid(text: str) -> bool:
    """Whether `text` is a UUID in lower case, and nothing else."""
    return re.fullmatch(UUID_PATTERN, text) is not None


def did_you_mean(word: str, known: Mapping[str, str] | Iterable[str], otherwise: str = "") -> str:
    """Return `did you mean …?` with the nearest of `known`; else `otherwise`, or all of them.

    `known` are names, or names and what is said of each.
    """
    table = dict(known) if isinstance(known, Mapping) else dict.fromkeys(known, "")
    if near := nearest(word, table):
        return f"did you mean {' or '.join(near)}?"
    return otherwise or f"one of {', '.join(table)}"


# Of two words' letters so many are the same, in the same order, where one is the other misspelt:
# recrod and record 0.83, plya and play 0.75; token and json, which mean nothing alike, 0.44.
_MISSPELT = 0.75


def nearest(
    word: str,
    known: Mapping[str, str],
    others: Mapping[str, Sequence[str]] = MappingProxyType({}),
    *,
    told: bool = True,
) -> list[str]:
    """Return up to three of the names in `known` that `word` may stand for; none rather than any.

    First those that it is another word for, by `others`; then those that begin with it; those that
    have it for a part or, where `told`, in their sentence; and those that it is a misspelling of.
    """
    from difflib import get_close_matches

    word = word.lower()
    if not word:
        return []

    # loss and lost, clip and clipping.
    stem = word[: max(3, len(word) - 1)]

    def alike(part: str) -> bool:
        return part == word or (told and len(stem) > 2 and part.startswith(stem))

    has_part = [name for name in known if any(map(alike, re.split(r"[ _-]", name)))]
    says = [name for name, said in known.items() if word in re.split(r"\W+", said.lower())]
    stages = (
        [name for name in others.get(word, ()) if name in known],
        [name for name in known if len(word) > 2 and name.startswith(word)],
        list(dict.fromkeys(has_part + says)) if told else has_part,
        [name for name in known if sorted(name) == sorted(word)]
        or get_close_matches(word, known, cutoff=_MISSPELT),
    )
    return next((names[:3] for names in stages if names), [])


def span_text(seconds: float) -> str:
    """Return how long that is, as durations are given to us: 40s, 12m, 3h5m, 2d."""
    whole = max(0, int(seconds))
    if whole < MINUTE_S:
        return f"{whole}s"
    if whole < HOUR_S:
        return f"{whole // MINUTE_S}m"
    if whole < 2 * DAY_S:
        hours, minutes = divmod(whole // MINUTE_S, 60)
        return f"{hours}h{minutes}m" if minutes else f"{hours}h"
    return f"{whole // DAY_S}d"


def utc_text(unix_s: float) -> str:
    """Return a Unix time as 2026-11-23 19:05 UTC; empty for what no calendar has."""
    from datetime import UTC, datetime

    try:
        return f"{datetime.fromtimestamp(unix_s, UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError, OSError):
        return ""
