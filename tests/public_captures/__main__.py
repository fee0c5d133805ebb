"""Compare this tool with tshark on public captures: `python -m tests.public_captures DIRECTORY`.

DIRECTORY has clones of the repositories that `captures.toml` names, as owner/name or name. Prints
each figure that differs and the kind of its reason (README.md), and how many captures were at hand.
Status 1 where one has no reason, or a reason no difference. `--write` notes tshark's figures anew,
of the installed one.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from tests.public_captures.comparing import differences
from tests.public_captures.listing import LIST, PublicCapture, of_tshark, read_list, written


def compare(captures: list[PublicCapture], directory: Path) -> int:
    """Print the table; how many rows have no reason, or are none any more."""
    kinds: Counter[str] = Counter()
    at_hand = streams = 0
    for capture in captures:
        path = capture.found_in(directory)
        if path is None:
            continue
        at_hand += 1
        streams += len(capture.streams)
        reasons = {(of, what): why for of, what, why in capture.differs}
        for row in differences(capture, path):
            why = reasons.pop((row.stream, row.what), "NOT EXPLAINED")
            kinds[why] += 1
            print(f"{capture.label}\n  {row.stream}\n  {row.what}: {row.theirs}, {row.ours}: {why}")
        for of, what in reasons:
            kinds["DIFFERS NO MORE"] += 1
            print(f"{capture.label}\n  {of}\n  {what}: DIFFERS NO MORE")
    print(f"{at_hand} of {len(captures)} captures are at hand, with {streams} streams by tshark")
    for kind, count in sorted(kinds.items()):
        print(f"{count:4} {kind}")
    return kinds["NOT EXPLAINED"] + kinds["DIFFERS NO MORE"]


def noted_anew(capture: PublicCapture, directory: Path) -> PublicCapture:
    """With the figures of the installed tshark, where the file is at hand."""
    path = capture.found_in(directory)
    if path is None:
        return capture
    rows = list(of_tshark(path))
    several = tuple(row for row in rows if row.packets > 1)
    return capture._replace(singles=len(rows) - len(several), streams=several)


def main() -> None:
    """Read the command line and do it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    captures = read_list()
    if options.write:
        captures = [noted_anew(capture, options.directory) for capture in captures]
        LIST.write_text(written(captures))
    sys.exit(bool(compare(captures, options.directory)))


if __name__ == "__main__":
    main()
