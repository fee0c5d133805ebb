"""Draws the screens anew, after a change that was meant: `python -m tests.render.screens`."""

from tests.render.screens import SCREENS, drawn, kept

for name, width in SCREENS:
    kept(name, width).write_text(drawn(name, width))
