"""What a text looks like: JSON and its names, a markup, base64, words."""

from __future__ import annotations

import re

from voipbin_cli.documents import read_json

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+=*\s*")
# Shorter ones may be words: `HANGUP` is no base64 that anybody sends audio in.
_BASE64_LETTERS = 32
_NAMES_TOLD = 6
# What a name may be made of: whatever else stands there may be a secret, or a terminal's sequence.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,31}")


def text_look(text: str) -> str:
    """Say what a text looks like; of its own words only the names in a JSON object."""
    text = text.strip()
    if text[:1] in ("{", "["):
        return _json_look(text)
    if text[:1] == "<":
        return "HTML or XML"
    if len(text) >= _BASE64_LETTERS and _BASE64.fullmatch(text):
        return "base64"
    return "words"


def _json_look(text: str) -> str:
    try:
        document = read_json(text)
    except ValueError:
        return "JSON that is cut or broken"
    if not isinstance(document, dict):
        return "JSON"
    names = [name for name in document if _NAME.fullmatch(name)][:_NAMES_TOLD]
    return f"JSON: {', '.join(names)}" if names else "JSON"
