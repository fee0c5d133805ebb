"""A TARGET opened as the options of a live command say."""

from __future__ import annotations

from contextlib import AbstractContextManager

from voipbin_cli.commands.options import LiveOptions
from voipbin_cli.public.opened_stream import opened_stream
from voipbin_cli.render.problems import say
from voipbin_cli.session.live import LiveRequest
from voipbin_cli.transport.targets import Target


def opened_target(target: Target, live: LiveOptions) -> AbstractContextManager[LiveRequest]:
    """Yield what to listen to; the simulator of a `sim` target runs as long as the block does."""
    return opened_stream(target, live.api, live, lambda warning: say(f"warning: {warning}"))
