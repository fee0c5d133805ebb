"""How the phone's leg of a call fared, in a line."""

from __future__ import annotations

from collections.abc import Collection

from voipbin_cli.finding_ids import FindingId
from voipbin_cli.render.stdout_console import stdout_console
from voipbin_cli.transport.phone_leg import ToldLeg

# A gateway rounds to a tenth or two: less than this is no loss that anybody counted.
_COUNTED_PERCENT = 0.1


def leg_text(told: ToldLeg, findings: Collection[str] = ()) -> str:
    """Return what the platform counted between the phone and itself, or why that is not known.

    `findings` are the ids of what was found in the stream: a leg that lost packets proves where
    holes in its sound come from.
    """
    leg = told.leg
    if leg is None:
        return f"the phone's leg is not told: {told.untold}"
    figures = (
        ("lost {:g} %", leg.loss_percent),
        ("jitter {:g} ms", leg.jitter_ms),
        ("MOS {:g}", leg.mos),
    )
    parts = [words.format(value) for words, value in figures if value is not None]
    said = f"the phone's leg, as the platform counted it: {', '.join(parts) or 'no figures'}"
    if FindingId.UPSTREAM_LOSS in findings and (leg.loss_percent or 0) >= _COUNTED_PERCENT:
        said += "; that proves it: the holes in the sound come from there, and not from this link"
    return said


def show_leg(told: ToldLeg) -> None:
    """Print it."""
    stdout_console().print(leg_text(told), markup=False)
