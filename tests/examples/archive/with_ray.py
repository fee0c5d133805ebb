"""The rows of a directory of captures, by Ray: python with_ray.py DIRECTORY"""

import sys
from pathlib import Path

import ray

from voipbin_cli import rows_of


@ray.remote
def streams_of(path: str) -> list[dict]:
    """The rows of one file; addresses stand as they are."""
    return list(rows_of(path, key=None).streams)


ray.init()
paths = sorted(map(str, Path(sys.argv[1]).rglob("*.pcap")))
for streams in ray.get([streams_of.remote(path) for path in paths]):
    for row in streams:
        print(row["file"], row["verdict"], row["finding"], row["mos"])
