# shellcheck shell=bash
# Sourced by install.sh and tests/run.sh: the packages that this machine lacks, and how much it can build at once.

# packages_missing LIST...: names in these files (one a line, # comments) that are not installed.
packages_missing() {
    local name
    sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$@" | while read -r name; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || echo "$name"
    done
}

# A compiler takes up to 1 GB here; on a small server one more would bring the site down by OOM.
build_jobs() {
    local cores gigabytes
    cores=$(nproc)
    gigabytes=$(awk '/^MemAvailable:/ { print int($2 / 1048576) }' /proc/meminfo)
    ((gigabytes >= 1)) || gigabytes=1
    echo "$((cores < gigabytes ? cores : gigabytes))"
}
