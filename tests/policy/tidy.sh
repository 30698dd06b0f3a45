#!/usr/bin/env bash
# clang-tidy over the product's sources, or over FILES alone: tests/policy/tidy.sh [FILE...]
# 6 s of CPU a file (a third of it for reading the headers), on all cores: for all of them only in --soak; 77 (skipped)
# else, and where it is not installed. Prints what it found, file by file, and counts the files.
set -euo pipefail
cd "$(dirname "$0")/../.."
(($# > 0)) || [[ -n ${LECTIO_SOAK-} ]] || { echo "only with tests/run.sh --soak, or of given files" && exit 77; }
command -v clang-tidy-16 >/dev/null || { echo "clang-tidy-16 is not installed" && exit 77; }

# The commands by which the files are compiled: of a build that is there, of any preset.
find_build() {
    local build
    for build in "${LECTIO_BUILD-}" build/dev build/quick build/release; do
        [[ -f $build/compile_commands.json ]] && echo "$build" && return
    done
    echo "no build/*/compile_commands.json: run cmake --preset dev" >&2
    return 1
}

build=$(find_build)
if (($# > 0)); then files=("$@"); else mapfile -t files < <(find libcommon tools -name '*.cpp' | sort); fi
# One at a time: xargs goes on after a failure, and ends with 123 when there was one. What it tells of suppressed
# warnings in the system's headers is noise.
failed=0
printf '%s\0' "${files[@]}" |
    xargs -0 -P "$(nproc)" -n 1 clang-tidy-16 --quiet -p "$build" 2>/dev/null || failed=1
echo "counted: ${#files[@]} files looked at by clang-tidy in ${SECONDS} s on $(nproc) cores"
exit "$failed"
