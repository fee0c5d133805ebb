"""What an import of the codec costs."""

from __future__ import annotations

import subprocess
import sys


def test_the_enums_do_not_load_numpy() -> None:
    script = (
        "import sys; from voipbin_cli.codec.encapsulation import Encapsulation, Packer; "
        "from voipbin_cli.codec.codecs import Codec; "
        "from voipbin_cli.codec.g711 import mulaw_to_s16le; "
        "mulaw_to_s16le(bytes(160)); sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
