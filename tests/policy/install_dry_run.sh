#!/usr/bin/env bash
# install.sh --dry-run needs no rights, network, systemd or packages, prints every step and changes nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."

# As nobody, without a network and with none of the tools that it would run. A folder that nobody may read
# (a clone in /root) leaves only the network and the tools out.
apart=(unshare --net)
((EUID == 0)) || apart=(unshare --user --net)
"${apart[@]}" true 2>/dev/null || apart=()
if ((EUID == 0)) && setpriv --reuid 65534 --regid 65534 --clear-groups test -r "$PWD/install.sh"; then
    apart+=(setpriv --reuid 65534 --regid 65534 --clear-groups)
fi
few_tools=$(mktemp -d)
trap 'rm -rf "$few_tools"' EXIT
chmod 755 "$few_tools"
for tool in bash cat dirname basename sed grep awk nproc getent stat dpkg-query; do
    ln -s "$(command -v "$tool")" "$few_tools/"
done

check() {
    local wanted=$1 output
    shift
    if ! output=$("${apart[@]}" env -i PATH="$few_tools" bash ./install.sh --dry-run "$@" 2>&1 </dev/null); then
        printf 'install.sh --dry-run %s failed:\n%s\n' "$*" "$output"
        exit 1
    fi
    if ! grep -qF -- "$wanted" <<<"$output"; then
        printf 'install.sh --dry-run %s does not say "%s":\n%s\n' "$*" "$wanted" "$output"
        exit 1
    fi
}

check '/usr/local/bin/lectio-health' --cron
check 'link /usr/local/bin/deep_check.sh to lectio-deepcheck'
check 'link /usr/local/bin/deploy_safe.sh to lectio-deploy'
check 'link /usr/local/bin/cleanup_processes.sh to lectio-cleanup'
# What no tool does as the script did has no link of its name (docs/decisions/0025).
if bash ./install.sh --dry-run 2>&1 | grep -E 'security_check|integration_check|latency_check'; then
    echo 'install.sh links a name whose work nothing does' && exit 1
fi
check '/opt/lectio/share/lectio-monitor/profiles' --prefix /opt/lectio --no-deps
check 'write /etc/cron.d/lectio-monitor' --cron
check 'write /etc/cron.d/lectio-monitor' --schedule cron
check 'systemctl enable --quiet --now lectio-health.timer' --schedule=timers
check 'lectio-smoke.timer: not enabled' --schedule timers
check 'nothing runs by itself' --schedule none
check '/opt/lectio/bin/lectio-health' --prefix /opt/lectio --no-deps
check 'rm -f /etc/cron.d/lectio-monitor' --uninstall
check 'remove_but_backups /etc/lectio-monitor' --purge

# What means nothing there is refused, not passed over.
for words in '--uninstall --cron' '--purge --schedule timers' '--schedule monthly' '--purge --no-deps' '--prefix /opt/lectio --uninstall'; do
    status=0
    # shellcheck disable=SC2086 # words
    bash ./install.sh --dry-run $words >/dev/null 2>&1 || status=$?
    ((status == 64)) || { echo "install.sh --dry-run $words: $status, not 64" && exit 1; }
done
