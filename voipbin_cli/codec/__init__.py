"""The shared codec module: bytes ↔ frames ↔ samples, with no I/O, no clock and no logging."""
