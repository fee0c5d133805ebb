"""Live runs: asyncio, clocks, waiting, reconnecting, cancellation."""
