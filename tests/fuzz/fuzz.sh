#!/bin/sh
# fuzz.sh FUZZER GROWING SEEDS…: runs one fuzzer for LECTIO_FUZZ_SECONDS (default 600). What it finds of interest is
# kept in GROWING; an input that breaks it stays in the current folder, its name is printed.
set -eu
fuzzer=$1
growing=$2
shift 2
mkdir -p "$growing"
# Per input: seconds, at a tenth of the speed and beside other fuzzers, and memory. A parser of a minute's run has none to lose.
exec "$fuzzer" "-max_total_time=${LECTIO_FUZZ_SECONDS:-600}" -timeout=20 -rss_limit_mb=1024 -max_len=65536 \
    -print_final_stats=1 "$growing" "$@"
