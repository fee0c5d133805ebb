"""Options that say nothing of what was named are refused, and not passed over."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from tests.capture import frames as f
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.commands.diagnose import DiagnoseOptions, diagnose
from voipbin_cli.commands.options import ApiOptions, LiveOptions, OutputOptions
from voipbin_cli.commands.refused_options import refuse_live_options
from voipbin_cli.commands.validate import ValidateOptions, validate
from voipbin_cli.errors import UsageError
from voipbin_cli.session.played_audio import open_outgoing
from voipbin_cli.transport.credentials import Auth

UUID = "5f2a8c1e-0d3b-4c57-9e6f-2b7d1a4c8e90"
FLAGS = {
    "--duration": LiveOptions(duration=5.0),
    "--capture": LiveOptions(capture="x.pcapng"),
    "--no-reconnect": LiveOptions(reconnect=False),
    "--no-keepalive": LiveOptions(keepalive=False),
    "--give-up-after": LiveOptions(give_up_after=1.0),
    "--insecure": LiveOptions(api=ApiOptions(insecure=True)),
    "--ca-file": LiveOptions(api=ApiOptions(ca_file="ca.pem")),
    "--auth": LiveOptions(api=ApiOptions(auth=Auth.HEADER)),
    "--connect-timeout": LiveOptions(api=ApiOptions(connect_timeout=1.0)),
}


@pytest.fixture
def capture(tmp_path: Path) -> str:
    """A pcap with one packet of RTP."""
    rtp = bytes.fromhex("80000001000000a000000007") + bytes(160)
    path = tmp_path / "call.pcap"
    path.write_bytes(f.pcap([(0, f.ethernet(f.ipv4(f.udp(rtp))))]))
    return str(path)


@pytest.mark.parametrize("flag", FLAGS)
def test_what_is_of_a_live_stream_is_refused_beside_a_file(capture: str, flag: str) -> None:
    live = FLAGS[flag]
    with pytest.raises(UsageError, match=f"^{flag} is for a live stream"):
        diagnose(DiagnoseOptions(source=capture, live=live))
    for is_hex in (False, True):
        with pytest.raises(UsageError, match=f"^{flag} is for a live stream"):
            validate(ValidateOptions(source=capture, live=live, hex_=is_hex))


def test_what_files_heed_and_what_the_environment_sets_is_not_refused() -> None:
    api = ApiOptions(api_url="https://api.example/v1.0", profile="work")
    out = OutputOptions(json=True)
    live = LiveOptions(api=api, encapsulation=Encapsulation.SLN, out=out)
    refuse_live_options(live, "call.pcap")
    refuse_live_options(FLAGS["--insecure"], "a call that is over", asks_api=True)


def test_a_capture_of_a_network_is_in_no_encapsulation_of_choice(capture: str) -> None:
    live = LiveOptions(encapsulation=Encapsulation.SLN)
    for judge, options in (
        (diagnose, DiagnoseOptions(source=capture, live=live)),
        (validate, ValidateOptions(source=capture, live=live)),
    ):
        with pytest.raises(UsageError, match="-e sln is not for"):
            judge(options)


def test_numbers_are_of_a_report(capture: str) -> None:
    with pytest.raises(UsageError, match="--with-numbers"):
        diagnose(DiagnoseOptions(source=capture, with_numbers=True))


@pytest.mark.parametrize("until_sure", [True, False])
def test_until_sure_is_of_one_stream_that_is_listened_to(capture: str, until_sure: bool) -> None:
    for options in (
        DiagnoseOptions(source=capture, until_sure=until_sure),
        DiagnoseOptions(source="sim", proxy=0, until_sure=until_sure),
        DiagnoseOptions(source=f"call/{UUID}", pcap=True, until_sure=until_sure),
    ):
        with pytest.raises(UsageError, match=r"^--until-sure is "):
            diagnose(options)


def test_rate_and_raw_are_of_bare_samples(tmp_path: Path) -> None:
    sound, bare = str(tmp_path / "a.wav"), str(tmp_path / "a.RAW")
    with wave.open(sound, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(3200))
    Path(bare).write_bytes(bytes(6400))
    with pytest.raises(UsageError, match="--rate is for bare samples"):
        open_outgoing([sound], rate_hz=8000)
    with pytest.raises(UsageError, match="--raw is for standard input"):
        open_outgoing([sound, bare], raw=True)
    assert open_outgoing([sound, bare], rate_hz=16_000).seconds == pytest.approx(0.4)
