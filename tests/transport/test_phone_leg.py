"""How the phone's leg fared: what the platform counted, or why nobody says so."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, cast

import pytest

from tests.support.cli import here
from voipbin_cli.errors import Refused, VoipbinError
from voipbin_cli.main import main
from voipbin_cli.render.phone_leg import leg_text
from voipbin_cli.simulator.embedded import EmbeddedSimulator
from voipbin_cli.transport.api import Api
from voipbin_cli.transport.phone_leg import ToldLeg, told_leg
from voipbin_cli.transport.resources import CallState, PhoneLeg, not_progressing

STATS = {"mos": 3.8, "jitter": 7, "packet_loss_pct": 4.1, "rtt": 260682, "rtp_packets": 1509}


def test_the_figures_of_the_bye_are_read() -> None:
    leg = PhoneLeg.from_json({"next_page_token": "", "result": [], "rtcp_stats": STATS})
    assert leg == PhoneLeg(mos=3.8, loss_percent=4.1, jitter_ms=7, round_trip=260682, packets=1509)
    assert leg_text(ToldLeg(leg)) == (
        "the phone's leg, as the platform counted it: lost 4.1 %, jitter 7 ms, MOS 3.8"
    )


def test_a_leg_that_lost_packets_proves_where_holes_come_from() -> None:
    lossy = ToldLeg(PhoneLeg(loss_percent=4.1))
    assert "that proves it" in leg_text(lossy, ["upstream-loss"])
    assert "that proves it" not in leg_text(lossy, ["jitter"])
    assert "that proves it" not in leg_text(ToldLeg(PhoneLeg(loss_percent=0)), ["upstream-loss"])
    assert "that proves it" not in leg_text(ToldLeg(PhoneLeg(mos=3.0)), ["upstream-loss"])


@pytest.mark.parametrize(
    "document",
    [
        None,
        {},
        {"rtcp_stats": None},
        {"rtcp_stats": []},
        {"rtcp_stats": STATS | {"rtp_packets": 0}},
    ],
)
def test_figures_of_nothing_are_none(document: object) -> None:
    assert PhoneLeg.from_json(document) is None


def test_a_figure_that_is_no_number_is_left_out() -> None:
    leg = PhoneLeg.from_json({"rtcp_stats": STATS | {"mos": "good", "jitter": None}})
    assert leg is not None
    assert leg_text(ToldLeg(leg)).endswith(": lost 4.1 %")


class Platform:
    """An API that gives one answer."""

    def __init__(self, answer: PhoneLeg | VoipbinError | None) -> None:
        self.answer = answer

    async def get_phone_leg(self, _call_id: str) -> PhoneLeg | None:
        if isinstance(self.answer, VoipbinError):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "with the BYE"),
        (Refused("HTTP 403", http_status=403), "the rights of an admin or manager"),
        (Refused("HTTP 404", http_status=404), "HTTP 404"),
    ],
)
def test_why_it_is_not_told_is_said_in_a_line(answer: Any, words: str) -> None:
    told = asyncio.run(told_leg(cast(Api, Platform(answer)), "x"))
    assert words in leg_text(told)
    assert told.as_fields()["phone_leg"] is None


def test_of_a_call_that_is_over_it_is_said_who_hung_up_and_what_is_left() -> None:
    over = CallState(id="an-id", status="hangup", hangup_by="remote", hangup_reason="normal")
    error = not_progressing(over)
    assert error.message.endswith("its status is 'hangup', hung up by remote, normal")
    assert "--pcap call/an-id" in error.hint
    ringing = not_progressing(CallState(id="an-id", status="ringing"))
    assert "hung up" not in ringing.message
    assert "--pcap" not in ringing.hint


def test_the_simulated_platform_tells_it_of_a_call_that_is_over(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with EmbeddedSimulator("call-state") as simulator:
        monkeypatch.setenv("VOIPBIN_API_URL", simulator.api_url)
        monkeypatch.setenv("VOIPBIN_TOKEN", simulator.token)
        assert main(["calls", "show", simulator.call_id, "--json"]) == 0
        summary = json.loads(capsys.readouterr().out)
        assert main(["diagnose", "--pcap", simulator.call_id, "--json"]) == 0
        first = json.loads(capsys.readouterr().out.splitlines()[0])
    assert summary["status"] == "hangup"
    assert summary["phone_leg"]["loss_percent"] == 0
    assert summary["phone_leg_untold"] is None
    assert (first["event"], first["phone_leg"]) == ("phone-leg", summary["phone_leg"])


def test_a_live_diagnosis_of_a_call_that_is_over_tells_who_hung_up_and_its_leg(
    tmp_path: Path,
) -> None:
    result = here("diagnose", "sim:call-state", "--json", cwd=tmp_path)
    *_, leg, summary = result.events
    assert (leg["event"], leg["phone_leg"]["loss_percent"]) == ("phone-leg", 0)
    evidence = summary["findings"][0]["evidence"]
    told = [evidence[name] for name in ("call_status", "hangup_by", "hangup_reason")]
    assert told == ["hangup", "remote", "normal"]
    said = here("diagnose", "sim:call-state", cwd=tmp_path)
    assert "the phone's leg, as the platform counted it: lost 0 %" in said.stderr
    assert "hung up by remote" in said.stdout.decode()


def test_a_call_that_ends_while_it_is_diagnosed_has_its_leg_before_the_summary(
    tmp_path: Path,
) -> None:
    ends = here("diagnose", "sim:hang-up,duration=0.6", "--json", cwd=tmp_path).events
    assert [event["event"] for event in ends[-2:]] == ["phone-leg", "summary"]
    goes_on = here("diagnose", "sim", "-d", "0.3", "--json", cwd=tmp_path).events
    assert "phone-leg" not in {event["event"] for event in goes_on}
