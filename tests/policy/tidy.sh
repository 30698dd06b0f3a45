#!/usr/bin/env bash
# clang-tidy over the product's sources; minutes long, so only in --soak; 77 (skipped) else and where not installed.
set -euo pipefail
cd "$(dirname "$0")/../.."
[[ -n ${LECTIO_SOAK-} ]] || { echo "only with tests/run.sh --soak" && exit 77; }
command -v clang-tidy-16 >/dev/null || exit 77
build=${LECTIO_BUILD:-build/dev}
find libcommon tools -name '*.cpp' -print0 |
    xargs -0 -P "$(nproc)" -n 4 clang-tidy-16 --quiet -p "$build"
