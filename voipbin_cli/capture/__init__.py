"""Captures: what travelled, both ways, with its time, in files that Wireshark opens."""
