#!/usr/bin/env bash
# All shell scripts are clean for ShellCheck; 77 (skipped) where that is not installed.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v shellcheck >/dev/null || exit 77
grep -rlE --exclude-dir='build*' --exclude-dir=.git '^#!.*\b(ba)?sh$|^# shellcheck shell=' . |
    xargs shellcheck --external-sources --source-path=SCRIPTDIR --source-path=.
