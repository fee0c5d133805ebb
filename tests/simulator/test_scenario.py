from __future__ import annotations

import uuid
from dataclasses import replace

import pytest

from voipbin_cli.errors import UsageError
from voipbin_cli.simulator.catalog import SCENARIOS, find_scenario
from voipbin_cli.simulator.faults import JITTER
from voipbin_cli.simulator.scenario import OPTIONS, RoomKind

# Every finding of the command line contract but those that no server can show: what happens
# before any connection, and what happens on the user's own machine.
FINDINGS = {
    "auth", "forbidden", "not-found", "rate-limited", "cannot-connect", "call-not-progressing",
    "closed-early", "no-audio", "silence", "muted", "network-stall", "lost-audio",
    "upstream-loss", "jitter", "clock-drift", "wrong-rate", "frame-size", "sequence",
    "timestamp-rate", "payload-label", "byte-order", "misaligned", "codec-mismatch", "not-audio",
    "clipping", "low-level", "dc-offset", "noise", "connection-lost",
}  # fmt: skip


def test_every_finding_that_can_be_shown_has_a_scenario() -> None:
    assert {row.finding for row in SCENARIOS.values()} - {None} == FINDINGS


def test_a_scenario_with_the_name_of_a_finding_shows_that_finding() -> None:
    for name, row in SCENARIOS.items():
        assert name not in FINDINGS or row.finding == name


@pytest.mark.parametrize("name", SCENARIOS)
def test_rows_have_names_for_the_command_line_and_one_line_of_words(name: str) -> None:
    row = SCENARIOS[name]
    assert row.name == name == name.lower()
    assert not set(name) & set(",=+: ")
    assert row.summary
    assert "\n" not in row.summary
    assert all(fault.allows(fault.strength) for fault in row.faults)


def test_ids_are_fixed_and_a_scenario_has_its_own() -> None:
    assert find_scenario("jitter").uuid("call/0") == find_scenario("jitter", {"seed": "9"}).uuid(
        "call/0"
    )
    ids = {find_scenario(name).uuid("call/0") for name in SCENARIOS}
    assert len(ids) == len(SCENARIOS)
    assert all(str(uuid.UUID(text)) == text for text in ids)


def test_options_set_what_they_say() -> None:
    scenario = find_scenario(
        "clean",
        {
            "dialect": "legacy",
            "seed": "7",
            "kind": "conference",
            "members": "1",
            "source": "tone:1000",
            "duration": "2.5",
            "phone": "no",
        },
    )
    assert (str(scenario.dialect), scenario.seed, scenario.kind) == (
        "legacy",
        7,
        RoomKind.CONFERENCE,
    )
    assert (scenario.members, scenario.source) == (1, "tone:1000")
    assert (scenario.duration_s, scenario.phone) == (2.5, False)


def test_strength_sets_the_strength_of_the_fault() -> None:
    assert find_scenario("jitter", {"strength": "99"}).faults == (replace(JITTER, strength=99),)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("no-such", {}),
        ("jitter+no-such", {}),
        ("clean", {"no-such": "1"}),
        ("clean", {"dialect": "unknown"}),
        ("clean", {"dialect": "DEPLOYED"}),
        ("clean", {"seed": "-1"}),
        ("clean", {"seed": "²"}),
        ("clean", {"members": "0"}),
        ("clean", {"kind": "party"}),
        ("clean", {"duration": "nan"}),
        ("clean", {"duration": "long"}),
        ("clean", {"phone": "maybe"}),
        ("clean", {"strength": "1"}),
        ("jitter", {"strength": "-1"}),
        ("jitter", {"strength": "inf"}),
        ("frame-size", {"strength": "0"}),
        ("jitter+noise", {"strength": "5"}),
    ],
)
def test_what_cannot_be_is_refused_with_words(name: str, options: dict[str, str]) -> None:
    with pytest.raises(UsageError) as caught:
        find_scenario(name, options)
    assert caught.value.message


def test_two_scenarios_at_once_have_the_faults_and_the_rest_of_both() -> None:
    both = find_scenario("byte-order+jitter+muted")
    parts = [SCENARIOS[name] for name in ("byte-order", "jitter", "muted")]
    assert both.faults == parts[0].faults + parts[1].faults
    assert both.dialect == parts[0].dialect
    assert (both.mute_direction, both.source) == ("both", "silence")
    assert both.name == "byte-order+jitter+muted"
    assert both.finding == "byte-order"


def test_an_empty_name_is_the_clean_one() -> None:
    assert find_scenario("").name == "clean"


def test_every_option_has_a_word_of_explanation() -> None:
    assert all(option.summary for option in OPTIONS.values())
