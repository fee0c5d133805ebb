"""Files read as streams: captures, dumps, hex text; no event loop and no socket."""
