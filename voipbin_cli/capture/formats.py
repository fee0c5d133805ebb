"""The capture formats that are read: a magic, and the reader of the file that begins with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from voipbin_cli.capture import pcap_reader, pcapng_format, snoop_reader
from voipbin_cli.capture.pcap_reader import PcapReader
from voipbin_cli.capture.pcapng_reader import PcapngReader
from voipbin_cli.capture.records import RecordReader
from voipbin_cli.capture.snoop_reader import SnoopReader
from voipbin_cli.capture.window import Window

FORMATS: Mapping[bytes, Callable[[Window], RecordReader]] = {
    pcapng_format.MAGIC: PcapngReader,
    **dict.fromkeys(pcap_reader.MAGICS, PcapReader),
    snoop_reader.MAGIC[:4]: SnoopReader,
}
MAGIC_BYTES = 4
