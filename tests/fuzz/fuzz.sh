#!/bin/sh
# fuzz.sh FUZZER GROWING SEEDS…: runs one fuzzer for LECTIO_FUZZ_SECONDS (default 600). What it finds of interest is
# kept in GROWING; an input that breaks it stays in the current folder, its name is printed.
set -eu
fuzzer=$1
growing=$2
shift 2
mkdir -p "$growing"
finish=$(($(date +%s) + ${LECTIO_FUZZ_SECONDS:-600}))
# Begun anew every two minutes: a process never forgets a secret that it has seen (util/secret.h), and made-up ones are
# countless. Per input: seconds, beside other fuzzers on a loaded machine (a parser of a minute's run has none to lose),
# and memory.
while left=$((finish - $(date +%s))) && [ "$left" -gt 0 ]; do
    "$fuzzer" "-max_total_time=$((left < 120 ? left : 120))" -timeout=20 -rss_limit_mb=1024 -max_len=65536 \
        -print_final_stats=1 "$growing" "$@"
done
