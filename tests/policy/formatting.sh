#!/usr/bin/env bash
# All C++ is as clang-format 16 writes it; 77 (skipped) where that is not installed.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v clang-format-16 >/dev/null || exit 77
find libcommon tools tests -name '*.h' -print0 -o -name '*.cpp' -print0 |
    xargs -0 clang-format-16 --dry-run --Werror || { echo "run clang-format-16 -i on the files named above" && exit 1; }
