#!/usr/bin/env bash
# Translates the lines of standard input by several processes of seq2seq at once, in the order of the lines, under GNU
# parallel: on this machine, or with parallel's --sshlogin on others.
#
#     examples/bulk/parallel.sh [OPTIONS of seq2seq translate] < words.txt > phonemes.txt
#
# One process keeps all cores of a CPU busy by itself; several are for several machines or several GPUs (--device 0,
# --device 1). JOBS is how many run at once, BLOCK how much of the input each gets at a time.
set -euo pipefail

SEQ2SEQ="${SEQ2SEQ:-seq2seq}"
JOBS="${JOBS:-2}"
BLOCK="${BLOCK:-1M}"
# The threads of a process: together as many as there are cores.
export RAYON_NUM_THREADS="${RAYON_NUM_THREADS:-1}"

# A line that cannot be translated stays an empty line, standard error says why (its number is that within the block), and
# its process ends with 1, which is no reason to stop. Any other failure ends the whole: a block would be missing.
exec parallel --will-cite --pipe --keep-order --quote --halt now,fail=1 --jobs "$JOBS" --block "$BLOCK" \
    sh -c '"$@" || [ $? -eq 1 ]' sh "$SEQ2SEQ" translate --quiet "$@"
