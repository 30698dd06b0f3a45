#!/usr/bin/env bash
# The one test command: installs what the tests need, builds with ASan and UBSan, runs everything through ctest.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: tests/run.sh [--host | --no-host] [--soak] [CTEST-OPTION...]

  --host      only the tests on hosts with a real systemd
  --no-host   all tests but those
  --soak      the full figures of the issues' "Done when" lines instead of a tenth of them

Other options go to ctest: tests/run.sh -R unit-util
What is missing of some 60 Debian packages (packaging/dependencies*.txt) is installed with apt-get first, which needs root.
What cannot be tried on this machine (no root, no namespaces) is shown as skipped, never as passed.
USAGE
}

cd "$(dirname "$0")/.."
# shellcheck source=packaging/packages.sh
source packaging/packages.sh

main() {
    local selection=()
    while (($# > 0)); do
        case $1 in
            -h | --help) usage && return ;;
            --host) selection=(-L host) ;;
            --no-host) selection=(-LE host) ;;
            --soak) export LECTIO_SOAK=1 ;;
            *) break ;;
        esac
        shift
    done
    install_missing_packages
    cmake --preset dev
    cmake --build --preset dev --parallel "$(build_jobs)"
    # More tests than cores at once: most of them wait for a server or for cron's next minute.
    ctest --preset dev --parallel "$(($(nproc) * 3))" "${selection[@]}" "$@"
    [[ -z ${LECTIO_SOAK-} ]] || { run_fuzzers && print_counts; }
}

# ctest has replayed their seeds; here they look for inputs of their own, LECTIO_FUZZ_SECONDS each (default 600).
run_fuzzers() {
    cmake --preset fuzz
    cmake --build --preset fuzz --parallel "$(build_jobs)"
    ctest --preset fuzz --parallel "$(nproc)"
}

# What docs/soak keeps: ctest shows the output of failed tests only.
print_counts() {
    echo "in full at $(git rev-parse --short HEAD 2>/dev/null || echo "an unknown commit"), $(date --utc +%F):"
    sed -n 's/^counted: //p' build/dev/Testing/Temporary/LastTest.log
}

install_missing_packages() {
    local missing
    mapfile -t missing < <(packages_missing packaging/dependencies.txt packaging/dependencies-tests.txt)
    ((${#missing[@]} > 0)) || return 0
    if ((EUID != 0)); then
        echo "tests/run.sh: run once as root to install: ${missing[*]}" >&2
        exit 1
    fi
    echo "installing: ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update --quiet
    apt-get install --yes --quiet --no-install-recommends "${missing[@]}"
}

main "$@"
