"""Exceptions that no test can make a real network raise, in words."""

from __future__ import annotations

import errno
import socket
import ssl

import pytest

from voipbin_cli.transport.network_failure import explain


def verification(code: int, words: str) -> ssl.SSLCertVerificationError:
    exc = ssl.SSLCertVerificationError(1, f"certificate verify failed: {words}")
    exc.verify_code, exc.verify_message = code, words
    return exc


@pytest.mark.parametrize(
    ("exc", "word"),
    [
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "no route to h:443"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "no route to h:443"),
        (ConnectionResetError(errno.ECONNRESET, "reset"), "h:443 closed the connection"),
        (TimeoutError(errno.ETIMEDOUT, "Connection timed out"), "no answer from h:443"),
        (TimeoutError(), "no answer from h:443"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "no"), "h:443 refused the connection"),
        (
            OSError("Multiple exceptions: [Errno 111] Connect ('::1'), [Errno 111] Connect ('1')"),
            "h:443 refused the connection",
        ),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), "h could not be looked up"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "no such host: h"),
        (verification(9, "not yet valid"), "is not valid yet"),
        (verification(10, "certificate has expired"), "has expired"),
        (verification(19, "self-signed certificate in chain"), "self-signed root"),
        (verification(21, "unable to verify the first certificate"), "does not know"),
        (verification(23, "revoked"), "was revoked"),
        (verification(64, "IP address mismatch"), "is for another name"),
        # macOS and Windows: words and no number of OpenSSL's
        (verification(0, "“h” certificate is expired"), "has expired"),
        (verification(0, "“h” certificate name does not match input"), "is for another name"),
        (verification(0, "“h” certificate is not trusted"), "does not know"),
        (verification(99, "strange \x1b"), "is not trusted (strange \\x1b)"),
        (RuntimeError("wss://h/?token=t0psecret"), "no connection to h:443 (RuntimeError)"),
    ],
)
def test_each_cause_in_its_own_words(exc: Exception, word: str) -> None:
    error = explain(exc, "h:443")
    assert word in error.message
    assert error.hint
    assert "t0psecret" not in error.message


def test_the_cause_is_found_under_what_wraps_it() -> None:
    inner = ConnectionRefusedError(errno.ECONNREFUSED, "no")
    wrapped = RuntimeError("outer")
    wrapped.__cause__ = ExceptionGroup("all attempts failed", [ValueError(), inner])
    assert "refused" in explain(wrapped, "h:1").message


def test_a_chain_that_bites_its_tail_has_an_end() -> None:
    one, other = RuntimeError(), RuntimeError()
    one.__cause__, other.__cause__ = other, one
    assert explain(one, "h:1").details == {"finding": "cannot-connect"}
