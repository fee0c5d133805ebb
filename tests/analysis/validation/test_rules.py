"""Every rule by one vector that passes and one that fails, and the table as a table."""

from __future__ import annotations

import json
import string
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from tests.support.hextext import message
from voipbin_cli.analysis.messages import from_messages
from voipbin_cli.analysis.severity import Severity
from voipbin_cli.analysis.validation.due import Spec
from voipbin_cli.analysis.validation.judge import Judge, Violation
from voipbin_cli.analysis.validation.rules import RULES, RuleId
from voipbin_cli.analysis.validation.validator import Validator
from voipbin_cli.codec.encapsulation import Direction, Encapsulation

VECTORS = Path(__file__).parent / "rule_vectors"

# What a rule of an encapsulation may name: of its own headers, and of what all have.
SHARED = {"messages", "payload", "audio", "pacing", "rate", "due"}
PARTS = {
    Encapsulation.RTP: SHARED | {"rtp", "sequence", "clock"},
    Encapsulation.SLN: SHARED,
    Encapsulation.AUDIOSOCKET: SHARED | {"audiosocket"},
}


def load(rule: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((VECTORS / f"{rule}.json").read_text())
    return document


def broken(vector: dict[str, Any], messages: list[Any], rule: str) -> list[Violation]:
    encapsulation, spec = Encapsulation(vector["encapsulation"]), Spec(vector["spec"])
    validator = Validator(encapsulation, spec, is_two_way="received" in vector)
    direction = Direction(vector["direction"])
    parts = [
        *validator.add(Direction.IN, from_messages(map(message, vector.get("received", ())))),
        *validator.add(direction, from_messages(map(message, messages))),
        *validator.finish(),
    ]
    found = [violation for part in parts for violation in part.violations()]
    return [violation for violation in found if violation.rule.id == rule]


@pytest.mark.parametrize("rule", RULES)
def test_good_frames_keep_the_rule(rule: str) -> None:
    vector = load(rule)
    assert broken(vector, vector["pass"], rule) == []


@pytest.mark.parametrize("rule", RULES)
def test_bad_frames_break_the_rule_and_no_others_do(rule: str) -> None:
    vector = load(rule)
    found = broken(vector, vector["fail"], rule)
    assert [violation.frame for violation in found] == vector["broken"]
    assert {violation.direction.value for violation in found} == {vector["direction"]}
    assert all("{" not in violation.message for violation in found)


def test_each_id_has_one_row() -> None:
    assert set(RULES) == set(RuleId)


def test_each_vector_is_of_a_rule() -> None:
    assert {path.stem for path in VECTORS.glob("*.json")} == set(RULES)


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_each_rule_says_everything(rule: Any) -> None:
    assert rule.clause
    assert rule.sentence.endswith(".")
    assert rule.consequence
    assert not rule.message.endswith(".")
    assert any(severity is not None for severity in rule.severities)


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_each_message_names_facts_that_every_encapsulation_of_the_rule_has(rule: Any) -> None:
    names = {name for _, name, _, _ in string.Formatter().parse(rule.message) if name}
    for encapsulation in rule.encapsulations:
        validator = Validator(encapsulation)
        for direction in rule.directions:
            parts = [
                *validator.add(direction, from_messages([message("80*172")])),
                *validator.finish(),
            ]
            (facts,) = [part.facts for part in parts]
            for name in names:
                assert attrgetter(name)(facts) is not None
                assert name.split(".")[0] in PARTS[encapsulation]


def test_the_gravest_severity_is_the_one_that_is_listed() -> None:
    assert RULES["rtp-payload-type"].severity is Severity.ERROR
    assert RULES["rtp-marker"].severity is Severity.WARNING


def test_a_judge_numbers_frames_on_over_a_new_connection() -> None:
    vector = load("sln-empty")
    validator = Validator(Encapsulation.SLN)
    frames = from_messages(map(message, vector["fail"]))
    found = []
    for _ in range(2):
        for part in [*validator.add(Direction.OUT, frames), *validator.finish()]:
            found += [v.frame for v in part.violations() if v.rule.id == "sln-empty"]
    assert found == [1, 3]


def test_a_judge_is_of_one_direction() -> None:
    from voipbin_cli.analysis.validation.due import received

    judge = Judge(received(Encapsulation.SLN, Spec.AUTO))
    assert judge.due.direction is Direction.IN
