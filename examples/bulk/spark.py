"""Translates the lines of a file with Spark: every partition is piped through a process of seq2seq.

    pip install pyspark        (and Java 17)
    python examples/bulk/spark.py words.txt phonemes.txt --partitions 4 [-- OPTIONS of seq2seq translate]

Lines stay in their order. A line that cannot be translated is an empty line, and its worker's log says why. Numbers of
lines (--json, --n-best) are those within a partition.
"""

import argparse
import os
import shlex
import sys

from pyspark.sql import SparkSession

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("input")
parser.add_argument("output")
parser.add_argument("--partitions", type=int, default=4)
end = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
args, options = parser.parse_args(sys.argv[1:end]), sys.argv[end + 1 :]

session = SparkSession.builder.appName("seq2seq").config("spark.ui.enabled", "false").getOrCreate()
# It ends with 1 where some lines cannot be translated, which is no reason to stop; everything else is.
wrapper = ["sh", "-c", '"$@" || [ $? -eq 1 ]', "sh"]
command = shlex.join([*wrapper, os.environ.get("SEQ2SEQ", "seq2seq"), "translate", "--quiet", *options])
# Workers share the cores of a machine: one thread each.
environment = {"RAYON_NUM_THREADS": "1", **os.environ}
lines = session.sparkContext.textFile(args.input, minPartitions=args.partitions)
translated = lines.pipe(command, env=environment, checkCode=True)
with open(args.output, "w", encoding="utf-8") as output:
    for line in translated.toLocalIterator():
        output.write(line + "\n")
session.stop()
