"""A name says one thing: no public class name twice, no two modules that a suffix tells apart."""

import ast
import itertools
import re
from collections import defaultdict
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "voipbin_cli"
MODULES = sorted(PACKAGE.rglob("*.py"))

SUFFIX = re.compile(r"s|e?r|or|ing|ion|ed|_.*")


def class_names(source):
    return [
        node.name
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]


def told_apart_by_a_suffix(names):
    """Pairs such as play and player, play and playing, tree and tree_view; validate, validating."""
    pairs = []
    for short, long in itertools.permutations(names, 2):
        stems = {short, short.removesuffix("e"), short + short[-1]}
        if any(long.startswith(stem) and SUFFIX.fullmatch(long[len(stem) :]) for stem in stems):
            pairs.append((short, long))
    return pairs


def test_no_public_class_name_stands_in_two_modules():
    places = defaultdict(list)
    for module in MODULES:
        for name in class_names(module.read_text()):
            places[name].append(str(module.relative_to(PACKAGE)))
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_no_two_modules_of_a_package_are_told_apart_by_a_suffix():
    packages = defaultdict(list)
    for module in MODULES:
        packages[module.parent].append(module.stem)
    pairs = [pair for names in packages.values() for pair in told_apart_by_a_suffix(names)]
    assert sorted(set(pairs)) == []


def test_what_a_suffix_is():
    together = ["play", "playing", "man", "manual", "serve", "serving", "wav", "wav_pipe", "tap"]
    together += ["tapping", "channel", "channels", "pcap", "pcapng", "doctor", "document"]
    assert sorted(told_apart_by_a_suffix(together)) == [
        ("channel", "channels"),
        ("play", "playing"),
        ("serve", "serving"),
        ("tap", "tapping"),
        ("wav", "wav_pipe"),
    ]
    assert class_names("class A: ...\nclass _B: ...\ndef f():\n    class C: ...\n") == ["A"]
