"""The rows of a directory of captures, by Spark: python with_spark.py DIRECTORY"""

import sys
from pathlib import Path

from pyspark.sql import SparkSession

from voipbin_cli import rows_of

WANTED = "file string, stream int, verdict string, finding string, mos double"


def streams_of(path: str) -> list[tuple]:
    """The rows of one file, of the columns that are wanted; addresses stand as they are."""
    names = [column.split()[0] for column in WANTED.split(", ")]
    return [tuple(row[name] for name in names) for row in rows_of(path, key=None).streams]


spark = SparkSession.builder.getOrCreate()
paths = sorted(map(str, Path(sys.argv[1]).rglob("*.pcap")))
rows = spark.sparkContext.parallelize(paths, max(1, len(paths))).flatMap(streams_of)
spark.createDataFrame(rows, WANTED).orderBy("file").show(truncate=False)
