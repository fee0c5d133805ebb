"""wss in a capture, opened with a client's keys by tshark."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.offline.test_tcp_streams import ANSWER, MS, PATH, Wire, frame, request, told, vector
from tests.support.certificates import Authority
from tests.support.needs import needs
from voipbin_cli.errors import MachineError, NothingToJudge, UsageError
from voipbin_cli.offline.diagnose import diagnose_file

KEYS = "keys.log"


class TlsEnd:
    """One end of a TLS connection without a socket."""

    def __init__(self, context: ssl.SSLContext, *, is_server: bool) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._ssl = context.wrap_bio(self._in, self._out, server_side=is_server)

    def shake(self, data: bytes = b"") -> bytes:
        self._in.write(data)
        with contextlib.suppress(ssl.SSLWantReadError):
            self._ssl.do_handshake()
        return self._out.read()

    def seal(self, data: bytes) -> bytes:
        self._ssl.write(data)
        return self._out.read()


def handshake(client: TlsEnd, server: TlsEnd) -> Iterator[tuple[bytes, bool]]:
    said, is_client = client.shake(), True
    while said:
        yield said, is_client
        said, is_client = (server if is_client else client).shake(said), not is_client


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A second of the platform's messages over TLS; the client's keys are beside it."""
    directory = tmp_path_factory.mktemp("tls")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.keylog_filename = str(directory / KEYS)
    client = TlsEnd(context, is_server=False)
    server = TlsEnd(Authority(directory).ca.server_context, is_server=True)
    wire = Wire()
    wire.open()
    for number, (said, is_client) in enumerate(handshake(client, server), 2):
        wire.say(number * MS, said, client=is_client)
    wire.say(20 * MS, client.seal(request("rtp")), client=True)
    wire.say(21 * MS, server.seal(ANSWER), client=False)
    for time_ns, message in vector("rtp-deployed"):
        sealed = server.seal(frame(message, client=False))
        half = len(sealed) // 2
        wire.say(time_ns, sealed[:half], client=False)
        wire.say(time_ns, sealed[half:], client=False)
    return wire.capture(directory / "a.pcap")


@needs("tshark")
def test_keys_open_what_tls_encrypts(capture: str) -> None:
    found = diagnose_file(capture, keylog=str(Path(capture).with_name(KEYS)))
    assert told(found) == ("rtp", len([*vector("rtp-deployed")]), "ok")
    assert PATH in found.streams[0].name
    assert found.summary["metrics"]["frame_interval_ms"]["p50"] == pytest.approx(20, abs=0.5)
    assert found.unread == ()


@needs("tshark")
def test_the_keys_of_others_open_nothing(capture: str, tmp_path: Path) -> None:
    keys = tmp_path / KEYS
    keys.write_text("# nothing\n")
    with pytest.raises(NothingToJudge, match="none of the keys opens it"):
        diagnose_file(capture, keylog=str(keys))


def test_without_keys_it_is_said_how_to_get_them(capture: str) -> None:
    with pytest.raises(NothingToJudge) as caught:
        diagnose_file(capture)
    for word in ("--keylog", "SSLKEYLOGFILE", "Python", "node", "Go", "--capture"):
        assert word in caught.value.hint


def test_keys_or_a_tshark_that_are_not_there(
    capture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="cannot read the keys"):
        diagnose_file(capture, keylog=str(tmp_path / "none"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MachineError, match="tshark"):
        diagnose_file(capture, keylog=str(Path(capture).with_name(KEYS)))
