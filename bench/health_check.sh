#!/usr/bin/env bash
# The peer of lectio-health in bench/health.py: what health_check.sh of the replaced suite did when all was well
# (its own slip, dying at a page that is not 200, is mended). It alerts nobody and mends nothing.
#
# environment: SITE_URL ASSETS_URL FRONTEND_BUILD; optional: SITE_CA, SITE_RESOLVE (curl's --resolve),
# BACKEND_SERVICE, NGINX_SERVICE (asked only where systemd runs), PROCESSES (pgrep's pattern)
set -euo pipefail

problems=()

check_service() {
    local state
    state=$(systemctl is-active "$1" 2>/dev/null || true)
    [[ $state == active ]] || problems+=("$1 is $state")
}

fetch() { # URL -> "STATUS SECONDS"
    local options=(-s -L -o /dev/null --connect-timeout 5 --max-time 10 -w '%{http_code} %{time_total}')
    [[ -z ${SITE_CA-} ]] || options+=(--cacert "$SITE_CA")
    [[ -z ${SITE_RESOLVE-} ]] || options+=(--resolve "$SITE_RESOLVE")
    curl "${options[@]}" "$1" || true
}

check_site() {
    local answer status seconds
    answer=$(fetch "$SITE_URL")
    status=$(echo "$answer" | awk '{print $1}')
    seconds=$(echo "$answer" | awk '{print $2}')
    [[ $status == 200 ]] || problems+=("the site answers $status")
    if [ "$(echo "$seconds" | awk '{print ($1 > 5)}')" = 1 ]; then
        problems+=("the site is slow: $seconds s")
    fi
}

check_frontend() {
    local index=$FRONTEND_BUILD/index.html name answer
    [[ -f $index ]] || { problems+=("no index.html") && return; }
    for name in $(grep -oE 'static/js/main\.[a-z0-9]+\.js' "$index" | head -1) \
        $(grep -oE 'static/css/main\.[a-z0-9]+\.css' "$index" | head -1); do
        [[ -f $FRONTEND_BUILD/$name ]] || problems+=("$name is missing")
        answer=$(fetch "$ASSETS_URL/$name")
        [[ $(echo "$answer" | awk '{print $1}') == 200 ]] || problems+=("$name answers $answer")
    done
}

check_permissions() {
    setpriv --reuid www-data --regid www-data --clear-groups test -r "$FRONTEND_BUILD/index.html" ||
        problems+=("index.html is not readable")
    setpriv --reuid www-data --regid www-data --clear-groups ls "$FRONTEND_BUILD/static/js" >/dev/null ||
        problems+=("static/js cannot be listed")
}

check_host() {
    local used available processes
    used=$(df / | awk 'NR==2 {print $5}' | tr -d '%')
    [ "$((100 - used))" -ge "${MIN_FREE_DISK_PERCENT:-10}" ] || problems+=("disk: $used% used")
    available=$(free -m | awk '/^Mem:/ {print $7}')
    [ "$available" -ge "${MIN_FREE_MEMORY_MB:-256}" ] || problems+=("memory: $available MB available")
    processes=$(pgrep -fc "${PROCESSES:-gunicorn.*teaching_panel}" || true)
    [ "$processes" -ge 2 ] || problems+=("$processes processes of the application")
}

if [[ -d /run/systemd/system ]]; then
    check_service "${BACKEND_SERVICE:-teaching_panel}"
    check_service "${NGINX_SERVICE:-nginx}"
fi
check_site
check_frontend
check_permissions
check_host

timestamp=$(date '+%Y-%m-%d %H:%M:%S')
if ((${#problems[@]} == 0)); then
    echo "[$timestamp] [SUCCESS] all good"
else
    printf "[$timestamp] [ERROR] %s\n" "${problems[@]}"
    exit 1
fi
