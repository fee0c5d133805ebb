"""Where the API is and how to speak to it: URLs, the credential's place, TLS."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.errors import UsageError
from voipbin_cli.text import printable
from voipbin_cli.transport.addresses import is_loopback, url_fault
from voipbin_cli.transport.credential_sources import find_credential
from voipbin_cli.transport.credentials import Auth, Credential, CredentialKind, expires_at
from voipbin_cli.transport.profiles import ProfileStore
from voipbin_cli.transport.secret_masking import bare_url
from voipbin_cli.transport.targets import Target, TargetKind

DEFAULT_API_URL = "https://api.voipbin.net/v1.0"
_WEBSOCKET_SCHEMES = {"https": "wss", "http": "ws"}
_HTTP_SCHEMES = {"wss": "https", "ws": "http"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One API and the way to it. `api_url` has no trailing slash; `ca_file` is PEM."""

    api_url: str = DEFAULT_API_URL
    credential: Credential | None = None
    auth: Auth = Auth.QUERY
    ca_file: Path | None = None
    insecure: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "api_url", _checked_api_url(self.api_url))

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be printed."""
        return (self.credential.secret,) if self.credential else ()

    def stream_url(self, target: Target, encapsulation: Encapsulation) -> str:
        """The WebSocket URL of a target's media stream, the credential in it if it goes there.

        A URL target stays as it stands, and no credential of ours goes to it; only an
        `encapsulation=` in it that says otherwise is replaced.

        Raises:
            UsageError: the simulator has no URL of its own.
        """
        if target.kind is TargetKind.URL:
            return _with_encapsulation(target.value, encapsulation)
        if target.kind is TargetKind.SIM:
            raise UsageError("the simulator must be started before it has an address")
        parts = urlsplit(self.api_url)
        query = {"encapsulation": encapsulation.value, **self.query}
        path = f"{parts.path}/{target.kind}s/{target.value}/media_stream"
        scheme = _WEBSOCKET_SCHEMES[parts.scheme]
        return urlunsplit((scheme, parts.netloc, path, urlencode(query, quote_via=quote), ""))

    @property
    def query(self) -> dict[str, str]:
        """The credential's query parameter; empty when it goes into a header."""
        if self.credential is None or self.auth is Auth.HEADER:
            return {}
        return {self.credential.kind.value: self.credential.secret}

    @property
    def headers(self) -> dict[str, str]:
        """The credential's header; empty when it goes into the query.

        An access key has no Authorization header of its own: the API takes it as a cookie.
        """
        if self.credential is None or self.auth is Auth.QUERY:
            return {}
        if self.credential.kind is CredentialKind.TOKEN:
            return {"Authorization": f"Bearer {self.credential.secret}"}
        return {"Cookie": f"accesskey={self.credential.secret}"}

    def stream_headers(self, target: Target) -> dict[str, str]:
        """Headers of the WebSocket handshake; none of ours for a URL target."""
        return {} if target.kind is TargetKind.URL else self.headers

    def token_expires_at(self, target: Target) -> float | None:
        """When the token expires that goes to a target's stream (seconds since 1970), if it says.

        A URL target brings its own.
        """
        if target.kind is not TargetKind.URL:
            return self.credential.expires_at if self.credential else None
        own = dict(parse_qsl(urlsplit(target.value).query)).get(CredentialKind.TOKEN)
        return expires_at(own) if own else None

    def ssl_context(self, url: str | None = None) -> ssl.SSLContext | None:
        """What checks the server's certificate; None where `url` (the API's) has no TLS.

        The system's trust store, or what SSL_CERT_FILE and SSL_CERT_DIR name; with `ca_file` that
        file alone; with `insecure` nothing at all.

        Raises:
            UsageError: the file of certificates cannot be read, or holds none.
        """
        if urlsplit(url or self.api_url).scheme not in ("https", "wss"):
            return None
        if self.insecure:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            return context
        return _checking_context(self.ca_file)

    def warnings(self, target: Target | None = None) -> tuple[str, ...]:
        """What the user must know before anything is sent."""
        is_url = target is not None and target.kind is TargetKind.URL
        parts = urlsplit(target.value if is_url and target else self.api_url)
        said = []
        if self.insecure and parts.scheme in ("https", "wss"):
            said.append("--insecure: the server's certificate is not checked; anyone may listen in")
        carries = bool(self.credential) if not is_url else carries_credential(target)
        if carries and parts.scheme in ("http", "ws") and not is_loopback(parts.hostname):
            said.append(f"the credential travels unencrypted to {printable(parts.hostname or '')}")
        return tuple(said)

    def rest_of(self, target: Target) -> Endpoint | None:
        """The endpoint to ask about a target's call or conference; None where none is known.

        For a URL target it is read off the URL: the path before `/calls/…`, its own credential.
        """
        if target.kind is not TargetKind.URL:
            return self if target.resource else None
        if target.resource is None:
            return None
        parts = urlsplit(target.value)
        base = parts.path.rsplit(f"/{target.resource[0]}s/", 1)[0]
        query = dict(parse_qsl(parts.query))
        credential = next(
            (Credential(kind, query[kind], "the URL") for kind in CredentialKind if kind in query),
            None,
        )
        netloc = parts.netloc.rpartition("@")[2]
        api_url = f"{_HTTP_SCHEMES[parts.scheme.lower()]}://{netloc}{base}"
        return replace(self, api_url=api_url, credential=credential, auth=Auth.QUERY)


def carries_credential(target: Target | None) -> bool:
    """Whether a URL target brings a credential of its own."""
    if target is None or target.kind is not TargetKind.URL:
        return False
    return any(kind in dict(parse_qsl(urlsplit(target.value).query)) for kind in CredentialKind)


def find_endpoint(
    environ: Mapping[str, str],
    *,
    api_url: str | None = None,
    profile: str | None = None,
    auth: Auth = Auth.QUERY,
    ca_file: Path | None = None,
    insecure: bool = False,
    store: ProfileStore | None = None,
    home: Path | None = None,
) -> Endpoint:
    """The endpoint that options, environment and profiles name.

    The address is the first of `api_url`, VOIPBIN_API_URL, the one kept with the credential, and
    DEFAULT_API_URL.

    Raises:
        UsageError: the address or the profile makes no sense.
    """
    credential = find_credential(environ, profile, store=store, home=home)
    kept = credential.api_url if credential else None
    address = api_url or environ.get("VOIPBIN_API_URL") or kept or DEFAULT_API_URL
    return Endpoint(address, credential, auth, ca_file, insecure)


def stream_encapsulation(target: Target, asked: Encapsulation | None) -> Encapsulation:
    """What the stream is to speak: `asked`, else the URL's own `encapsulation=`, else RTP.

    Raises:
        UsageError: the URL asks for one that the platform does not have; it would stay mute.
    """
    if asked is not None:
        return asked
    named = target.options.get("encapsulation") if target.kind is TargetKind.URL else None
    if named is None:
        return Encapsulation.RTP
    try:
        return Encapsulation(named)
    except ValueError:
        raise UsageError(
            f"the URL asks for the encapsulation '{printable(named, 40)}', which does not exist",
            hint=f"one of {', '.join(Encapsulation)}; -e overrides the URL's",
        ) from None


def _with_encapsulation(url: str, encapsulation: Encapsulation) -> str:
    parts = urlsplit(url)
    fields = parse_qsl(parts.query, keep_blank_values=True)
    if all(name != "encapsulation" or value == encapsulation for name, value in fields):
        return url
    changed = [(n, encapsulation.value if n == "encapsulation" else v) for n, v in fields]
    return urlunsplit(parts._replace(query=urlencode(changed, quote_via=quote)))


def _checked_api_url(url: str) -> str:
    if fault := url_fault(url.strip()):
        raise UsageError(f"the API's address {fault}", hint=f"such as {DEFAULT_API_URL}")
    parts = urlsplit(url.strip())
    if parts.scheme not in _WEBSOCKET_SCHEMES or parts.query or parts.username:
        raise UsageError(
            f"not an API's address: {bare_url(url)}",
            hint=f"https://host[:port]/v1.0 with no user and no query, such as {DEFAULT_API_URL}",
        )
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))


def _checking_context(ca_file: Path | None) -> ssl.SSLContext:
    import httpx2

    try:
        context = (
            ssl.create_default_context(cafile=str(ca_file))
            if ca_file
            else httpx2.create_ssl_context()
        )
    except ssl.SSLError:
        problem = "holds no certificate in PEM form"
    except OSError as exc:
        problem = exc.strerror or "cannot be read"
    else:
        return _same_on_every_python(context, is_pinned=ca_file is not None)
    what = f"--ca-file {ca_file}" if ca_file else "the file that SSL_CERT_FILE names"
    raise UsageError(f"{what}: {problem}", hint="give a file of PEM certificates")


def _same_on_every_python(context: ssl.SSLContext, *, is_pinned: bool) -> ssl.SSLContext:
    """`context`, which trusts what it would trust on Python 3.11, 3.12 and 3.13 alike.

    Python 3.13 asks some contexts for two things, and older ones for neither:

    - VERIFY_X509_STRICT: RFC 5280 section 4.2.1.3 wants a key usage in an authority's certificate.
      Many private authorities have none; browsers and curl trust them, and so does this. Where
      there is a key usage it counts, and so do names, dates and signatures.
    - VERIFY_X509_PARTIAL_CHAIN: what is in the file is trusted, be it the server's own certificate
      or an intermediate one. That is what `--ca-file` promises.
    """
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if is_pinned:
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
