"""TLS certificates for tests, made by the openssl program as a test needs them."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.support.needs import need

_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


@dataclass(frozen=True)
class Certificate:
    """PEM files of a certificate and its key."""

    cert: Path
    key: Path

    @property
    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert, self.key)
        return context


class Authority:
    """A certificate authority in a directory; `ca.cert` is what clients trust.

    Its certificates are what RFC 5280 asks for; that of an authority that `has_no_key_usage` is
    what many a private one has (section 4.2.1.3 wants a key usage).
    """

    def __init__(self, directory: Path, *, has_no_key_usage: bool = False) -> None:
        need("openssl")
        self.directory = directory
        usage = () if has_no_key_usage else ("keyUsage=critical,keyCertSign,cRLSign",)
        self.ca = self.self_signed("ca", "CA:TRUE", *usage, names="DNS:ca.invalid")

    def self_signed(
        self,
        name: str,
        constraint: str = "CA:FALSE",
        *extensions: str,
        names: str = "DNS:localhost,IP:127.0.0.1",
    ) -> Certificate:
        """A certificate that is its own issuer."""
        made = self._paths(name)
        wanted = (f"subjectAltName={names}", f"basicConstraints=critical,{constraint}", *extensions)
        _openssl(
            *["req", "-x509", *_KEY, "-keyout", str(made.key), "-out", str(made.cert)],
            *["-days", "2", "-subj", f"/CN={name}"],
            *[part for extension in wanted for part in ("-addext", extension)],
        )
        return made

    def issue(
        self,
        name: str,
        *,
        names: str = "DNS:localhost,IP:127.0.0.1",
        expired: bool = False,
    ) -> Certificate:
        """A certificate of this authority; `expired` ended yesterday."""
        made = self._paths(name)
        request, extensions = self.directory / f"{name}.csr", self.directory / f"{name}.ext"
        _openssl(
            *["req", "-new", *_KEY, "-keyout", str(made.key), "-out", str(request)],
            *["-subj", f"/CN={name}"],
        )
        extensions.write_text(
            f"subjectAltName={names}\n"
            "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid:always\n"
        )
        # A negative number of days is refused by some versions: openssl ca takes dates.
        database = self.directory / f"{name}.db"
        database.write_text("")
        (self.directory / f"{name}.db.attr").write_text("unique_subject = no\n")
        config = self.directory / f"{name}.cnf"
        config.write_text(_CA_CONFIG.format(directory=self.directory, database=database))
        dates = ["20200101000000Z", "20200102000000Z"] if expired else ["20200101000000Z", _FAR]
        _openssl(
            *["ca", "-batch", "-config", str(config), "-in", str(request), "-out", str(made.cert)],
            *["-cert", str(self.ca.cert), "-keyfile", str(self.ca.key), "-rand_serial", "-notext"],
            *["-startdate", dates[0], "-enddate", dates[1], "-extfile", str(extensions)],
        )
        return made

    def _paths(self, name: str) -> Certificate:
        return Certificate(self.directory / f"{name}.pem", self.directory / f"{name}.key")


_FAR = "20991231235959Z"
_CA_CONFIG = """[ca]
default_ca = this
[this]
database = {database}
new_certs_dir = {directory}
serial = {database}.serial
default_md = sha256
policy = any
[any]
commonName = supplied
"""


def _openssl(*arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
