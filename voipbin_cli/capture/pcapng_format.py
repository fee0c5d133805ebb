"""Numbers of the pcapng format that both its reader and its writer need.

Sections are those of draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

# 4.1: the type of a Section Header Block reads alike in both byte orders, and begins each file.
SECTION_HEADER = 0x0A0D0D0A
MAGIC = SECTION_HEADER.to_bytes(4, "little")
# 4.1: tells the byte order of the section.
BYTE_ORDER_MAGIC = 0x1A2B3C4D
# 4.2, 4.3
INTERFACE = 1
ENHANCED_PACKET = 6

# 3.5: options of every block; 4.1 of a section header, 4.2 of an interface, 4.3 of a packet.
OPT_END, OPT_COMMENT = 0, 1
SHB_USERAPPL = 4
IF_NAME, IF_TSRESOL, IF_TSOFFSET = 2, 9, 14
EPB_FLAGS = 2
