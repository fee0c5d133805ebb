"""Exceptions of sockets and TLS, told as what happened and what to do."""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import Iterator

from voipbin_cli.errors import ConnectionFailed
from voipbin_cli.finding_ids import FindingId
from voipbin_cli.text import printable

_CHAIN_LIMIT = 32
# X509_V_ERR_* of OpenSSL, x509_vfy.h.
_NOT_YET_VALID, _EXPIRED, _SELF_SIGNED, _SELF_SIGNED_IN_CHAIN, _NO_ISSUER = 9, 10, 18, 19, 20
_NO_ISSUER_FOR_LEAF, _REVOKED, _NAME_MISMATCH, _ADDRESS_MISMATCH = 21, 23, 62, 64
_OR_INSECURE = "--insecure goes on without checking (tests only)"
_CERTIFICATES: dict[int, tuple[str, str]] = {
    _NOT_YET_VALID: (
        "is not valid yet",
        "check this machine's clock; the certificate may be too new for it",
    ),
    _EXPIRED: (
        "has expired",
        f"check this machine's clock, then ask whoever runs the server; {_OR_INSECURE}",
    ),
    _SELF_SIGNED: (
        "is self-signed",
        f"if you know this server, trust its certificate with --ca-file FILE; {_OR_INSECURE}",
    ),
    _SELF_SIGNED_IN_CHAIN: (
        "comes from an authority that this machine does not know (self-signed root)",
        f"trust that authority with --ca-file FILE; {_OR_INSECURE}",
    ),
    _NO_ISSUER: (
        "comes from an authority that this machine does not know",
        f"trust that authority with --ca-file FILE; {_OR_INSECURE}",
    ),
    _REVOKED: ("was revoked", "do not use this server before its owner explains why"),
    _NAME_MISMATCH: (
        "is for another name",
        f"check the host name in the address; {_OR_INSECURE}",
    ),
}
_CERTIFICATES[_NO_ISSUER_FOR_LEAF] = _CERTIFICATES[_NO_ISSUER]
_CERTIFICATES[_ADDRESS_MISMATCH] = _CERTIFICATES[_NAME_MISMATCH]
# Verification by macOS and Windows gives words, not OpenSSL's numbers.
_CERTIFICATE_WORDS = (
    ("expired", _EXPIRED),
    ("self-signed", _SELF_SIGNED),
    ("self signed", _SELF_SIGNED),
    ("name does not match", _NAME_MISMATCH),
    ("name mismatch", _NAME_MISMATCH),
    ("cn name", _NAME_MISMATCH),
    ("not trusted", _NO_ISSUER),
)
_UNREACHABLE = frozenset((errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN))
_CUT = frozenset((errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED))


def explain(exc: BaseException, where: str) -> ConnectionFailed:
    """The error for whatever `exc`, or what it was caused by, means about the way to `where`.

    `where` is `host:port`. Nothing of `exc`'s own text is shown, since it may hold a URL, but
    for what OpenSSL and the operating system say.
    """
    for cause in _causes(exc):
        if isinstance(cause, ssl.SSLError):
            return _tls(cause, where)
        if isinstance(cause, socket.gaierror):
            return _dns(cause, where)
        if isinstance(cause, OSError) and (known := _os_error(cause, where)):
            return known
    if any(isinstance(cause, TimeoutError) for cause in _causes(exc)):
        return timed_out(where)
    return failed(f"no connection to {where} ({type(exc).__name__})", "check the network")


def failed(
    message: str, hint: str, finding: FindingId = FindingId.CANNOT_CONNECT
) -> ConnectionFailed:
    """A ConnectionFailed that carries diagnose's finding id."""
    return ConnectionFailed(message, hint=hint, finding=finding)


def timed_out(where: str, seconds: float | None = None) -> ConnectionFailed:
    """No answer at all from `where`, not even to TCP or TLS."""
    within = f" within {seconds:g} s" if seconds is not None else ""
    return failed(
        f"no answer from {where}{within}",
        "check the address, the network and any firewall or proxy; --connect-timeout waits longer",
    )


def _causes(exc: BaseException) -> Iterator[BaseException]:
    """`exc` and what it wraps, groups included, outermost first."""
    queue, seen = [exc], 0
    while queue and seen < _CHAIN_LIMIT:
        current = queue.pop(0)
        seen += 1
        yield current
        if isinstance(current, BaseExceptionGroup):
            queue.extend(current.exceptions)
        queue.extend(e for e in (current.__cause__, current.__context__) if e is not None)


def _tls(exc: ssl.SSLError, where: str) -> ConnectionFailed:
    if isinstance(exc, ssl.SSLCertVerificationError):
        said = printable(exc.verify_message or "not trusted", 120)
        what, hint = _certificate(exc) or (
            f"is not trusted ({said})",
            f"if you know this server, trust its authority with --ca-file FILE; {_OR_INSECURE}",
        )
        return failed(f"TLS: the certificate of {where} {what}", hint, FindingId.TLS)
    if exc.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
        return failed(
            f"TLS: {where} does not speak TLS",
            "check the port; an address without TLS begins with http:// or ws://",
            FindingId.TLS,
        )
    said = printable(exc.reason or type(exc).__name__, 120)
    return failed(
        f"TLS: the handshake with {where} failed ({said})",
        "the server, or something between, speaks TLS in a way that this machine does not accept",
        FindingId.TLS,
    )


def _certificate(exc: ssl.SSLCertVerificationError) -> tuple[str, str] | None:
    if row := _CERTIFICATES.get(getattr(exc, "verify_code", 0)):
        return row
    said = f"{getattr(exc, 'verify_message', '')} {exc}".lower()
    return next((_CERTIFICATES[code] for words, code in _CERTIFICATE_WORDS if words in said), None)


def _dns(exc: socket.gaierror, where: str) -> ConnectionFailed:
    host = where.rpartition(":")[0]
    if exc.errno == socket.EAI_AGAIN:
        return failed(
            f"the name {host} could not be looked up", "name resolution fails: check the network"
        )
    return failed(f"no such host: {host}", "check the spelling of the address, and the network")


def _os_error(exc: OSError, where: str) -> ConnectionFailed | None:
    # asyncio joins the failures of several addresses into one OSError that has no errno.
    codes = [exc.errno] if exc.errno else [int(n) for n in re.findall(r"\[Errno (\d+)\]", str(exc))]
    code = codes[-1] if codes else None
    if code == errno.ECONNREFUSED:
        return failed(
            f"{where} refused the connection",
            "nothing listens there: check the address and the port",
        )
    if code in _UNREACHABLE:
        return failed(f"no route to {where}", "check this machine's network")
    if code in _CUT:
        return failed(
            f"{where} closed the connection before it was open",
            "check that this is the right port, and that nothing in between cuts it",
        )
    if code == errno.ETIMEDOUT:
        return timed_out(where)
    return None
