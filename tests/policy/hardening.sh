#!/usr/bin/env bash
# What is shipped is hardened: position independent, read-only relocations bound at start, no executable stack,
# stack protector, checked string functions.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v readelf >/dev/null || exit 77

failed=0
complain() {
    echo "$*"
    failed=1
}

# wants PROGRAM WHAT PATTERN TEXT
wants() { grep -qE "$3" <<<"$4" || complain "$1: no $2"; }

count=0
for program in build/release/tools/lectio-*/lectio-*; do
    [[ -f $program && -x $program ]] || continue
    count=$((count + 1))
    header=$(readelf --wide --file-header --program-headers --dynamic "$program")
    symbols=$(readelf --wide --dyn-syms "$program")
    wants "$program" 'position independence' 'Type: *DYN' "$header"
    wants "$program" 'RELRO' 'GNU_RELRO' "$header"
    wants "$program" 'binding at start' 'BIND_NOW|Flags:.* NOW' "$header"
    wants "$program" 'plain stack' 'GNU_STACK.* RW +0x' "$header"
    wants "$program" 'stack protector' '__stack_chk_fail' "$symbols"
    wants "$program" 'checked functions (fortify)' '_chk@' "$symbols"
done
((count > 0)) || complain "no tools in build/release"
exit "$failed"
