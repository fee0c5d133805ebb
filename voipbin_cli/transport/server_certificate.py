"""The certificate that a server of ours shows."""

from __future__ import annotations

import ssl

from voipbin_cli.errors import UsageError


def server_context(cert: str | None, key: str | None) -> ssl.SSLContext | None:
    """Return TLS with a chain (PEM) and its private key, None without a chain.

    Raises:
        UsageError: a file that cannot be used, or a key without a chain.
    """
    if cert is None:
        if key is not None:
            raise UsageError("--key without --cert", hint="give the certificate chain, too")
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # A key with a passphrase is refused: a server cannot ask for it.
        context.load_cert_chain(cert, key, password=lambda: "")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"--cert {cert}: {reason}", hint="give a PEM chain and its private key"
        ) from None
    return context
