#!/usr/bin/env bash
# Builds the suite from this folder and installs it on this server; run again, it upgrades.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: sudo ./install.sh [--schedule cron|timers|none] [--prefix DIR] [--no-deps | --built DIR] [--dry-run]
       sudo ./install.sh --migrate [the same] | --migrate --undo [--dry-run]
       sudo ./install.sh --uninstall | --purge [--yes] [--dry-run]

  --schedule     what runs the tools: cron (/etc/cron.d/lectio-monitor; --cron is the same), or timers of systemd
                 (lectio-health each 15 s), or none; their logs are rotated. Without it all stays as it is
  --prefix DIR   install programs into DIR/bin (default: /usr/local)
  --no-deps      do not install build dependencies with apt-get
  --built DIR    install what was built elsewhere (cmake --install BUILD --prefix DIR there) instead of building here
  --migrate      install, and take over from the bash suite in /opt/lectio-monitor: its config.env becomes config.toml,
                 its lines in crontabs those of the new schedule, its scripts links that do the same; with --dry-run
                 only the plan is shown
  --undo         after --migrate: all is put back as it was, file by file
  --uninstall    remove what was installed; configuration, state and logs stay
  --purge        remove those, too; asks first
  --yes          do not ask
  --dry-run      print every step and change nothing; needs no rights and no network

The build takes about nine minutes of processor time. Programs are replaced one by one, each while none of its runs is under way; a server may stay in service.
USAGE
}

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=packaging/packages.sh
source "$source_dir/packaging/packages.sh"
# shellcheck source=packaging/schedule.sh
source "$source_dir/packaging/schedule.sh"
# shellcheck source=packaging/host.sh
source "$source_dir/packaging/host.sh"

# Where the tools look without [paths] in a configuration; never under the prefix.
readonly config_dir=/etc/lectio-monitor
readonly state_dir=/var/lib/lectio-monitor
readonly run_dir=/run/lectio-monitor
readonly log_dir=/var/log/lectio-monitor
readonly cron_file=/etc/cron.d/lectio-monitor
readonly logrotate_file=/etc/logrotate.d/lectio-monitor
readonly tmpfiles_file=/etc/tmpfiles.d/lectio-monitor.conf
readonly unit_dir=/etc/systemd/system
# The tools that run by themselves, and those of them that need no word of the configuration for that.
readonly scheduled=(health notify smoke deepcheck heartbeat backup cleanup)
readonly scheduled_at_once=(health notify)
readonly notifier_file=/etc/systemd/system/failure-notifier@.service
readonly recover_file=/etc/systemd/system/lectio-deploy-recover.service
# What the last installation put where, so that it can be taken away again whatever its version and prefix.
readonly manifest=$state_dir/installed
# shellcheck source=packaging/migrate.sh
source "$source_dir/packaging/migrate.sh"

# Scripts of the bash suite whose work a tool does under their name, with their exit codes.
readonly old_names=(
    health_check.sh=lectio-health
    notify_failure.sh=lectio-notify
    smoke_check.sh=lectio-smoke
    smoke_check_v2.sh=lectio-smoke
    setup_smoke_users.sh=lectio-smoke
    deep_check.sh=lectio-deepcheck
    deploy_safe.sh=lectio-deploy
    deep_diagnostics.py=lectio-deepcheck
    heartbeat.sh=lectio-heartbeat
    cleanup_processes.sh=lectio-cleanup
)

# A run of a tool ends within its deadline of 50 s.
readonly lock_wait=60

prefix=/usr/local
action=install
install_only= # the option, if one was given, that means something only when installing
schedule= # cron, timers or none; empty: as it is
with_deps=yes
built= # where programs are that need not be built
undo=no
dry_run=no
assume_yes=no
work_dir=
left_out=()
report_words=
report_failed=no

main() {
    parse_arguments "$@"
    require_root
    refuse_beside_the_package
    case $action in
        install) install_suite ;;
        migrate) migrate_suite ;;
        undo) undo_migration ;;
        uninstall) uninstall_suite ;;
        purge) purge_suite ;;
    esac
}

parse_arguments() {
    while (($# > 0)); do
        case $1 in
            -h | --help) usage && exit 0 ;;
            --cron) set_schedule cron && install_only=$1 ;;
            --schedule) set_schedule "${2-}" && install_only=$1 && shift ;;
            --schedule=*) set_schedule "${1#*=}" && install_only=--schedule ;;
            --no-deps) with_deps=no && install_only=$1 ;;
            --built) set_built "${2-}" && install_only=$1 && shift ;;
            --migrate) action=migrate ;;
            --undo) undo=yes ;;
            --dry-run) dry_run=yes ;;
            --uninstall) action=uninstall ;;
            --purge) action=purge ;;
            --yes) assume_yes=yes ;;
            --prefix) set_prefix "${2-}" && install_only=$1 && shift ;;
            --prefix=*) set_prefix "${1#*=}" && install_only=--prefix ;;
            *) usage_error "unknown option: $1" ;;
        esac
        shift
    done
    if [[ $undo == yes ]]; then
        [[ $action == migrate ]] || usage_error "--undo: of --migrate"
        action=undo
    fi
    [[ $action == install || $action == migrate || -z $install_only ]] ||
        usage_error "$install_only: nothing of that with --$action"
}

set_schedule() {
    is_among "$1" cron timers none || usage_error "--schedule: cron, timers or none"
    schedule=$1
}

set_prefix() {
    [[ $1 == /* ]] || usage_error "--prefix needs an absolute folder"
    [[ $1 != *[[:space:]]* ]] || usage_error "--prefix: no blanks, please: cron and systemd could not run it"
    prefix=${1%/}
}

set_built() {
    [[ -x $1/bin/lectio-health ]] || usage_error "--built: there is no $1/bin/lectio-health"
    built=$(cd "$1" && pwd)
}

usage_error() {
    echo "install.sh: $*" >&2
    usage >&2
    exit 64
}

require_root() {
    [[ $dry_run == no && $EUID != 0 ]] || return 0
    echo "install.sh: run with sudo (or look first: ./install.sh --dry-run)" >&2
    exit 77
}

# Both would run; and what is the package's, dpkg takes away.
refuse_beside_the_package() {
    [[ $(dpkg-query -W -f '${db:Status-Status}' lectio-monitor 2>/dev/null) == installed ]] || return 0
    echo "install.sh: the Debian package lectio-monitor is installed here; apt-get and systemctl are its way" >&2
    exit 1
}

# --- saying and doing ------------------------------------------------------------------------------------

step() { printf '\n== %s\n' "$*"; }
note() { printf '   %s\n' "$*"; }

# Runs the command, or with --dry-run prints it.
run() {
    if [[ $dry_run == yes ]]; then
        printf '   + %s\n' "$*"
    else
        "$@"
    fi
}

# The same for what talks much: its output is shown only when it fails.
run_quietly() {
    if [[ $dry_run == yes ]]; then
        printf '   + %s\n' "$*"
        return
    fi
    local status=0
    "$@" >"$work_dir/output" 2>&1 </dev/null || status=$?
    ((status != 0)) || return 0
    tail -n 40 "$work_dir/output" >&2
    echo "install.sh: failed ($status): $*" >&2
    exit 1
}

# Standard input becomes the file PATH with MODE, complete or not at all.
write_file() {
    local path=$1 mode=$2 content
    content=$(cat)
    remember "$path"
    run mkdir -p "$(dirname "$path")"
    if [[ $dry_run == yes ]]; then
        printf '   + write %s (mode %s)\n' "$path" "$mode"
        return
    fi
    # The dot: cron and logrotate pass over such names while the file is being written.
    local fresh
    fresh=$(dirname "$path")/.$(basename "$path").new
    printf '%s\n' "$content" >"$fresh"
    chmod "$mode" "$fresh"
    mv -fT "$fresh" "$path"
    settle "$path"
    record "$path"
}

record() { echo "$1" >>"$work_dir/manifest"; }

# --- installing ------------------------------------------------------------------------------------------

install_suite() {
    begin_work
    install_dependencies
    build
    make_folders
    install_programs
    install_schedule
    install_units
    forget_old_files
    show_this_host
    say_what_was_left_out
}

begin_work() {
    if [[ $dry_run == no ]]; then
        work_dir=$(mktemp -d)
        trap 'rm -rf "$work_dir"' EXIT
        : >"$work_dir/manifest"
    else
        work_dir=/tmp/lectio-install # only printed
    fi
}

install_dependencies() {
    [[ -z $built ]] || return 0
    step "Build dependencies"
    local missing
    mapfile -t missing < <(packages_missing "$source_dir/packaging/dependencies.txt")
    if ((${#missing[@]} == 0)); then
        note "all there"
    elif [[ $with_deps == no ]]; then
        note "not installed, as asked (--no-deps): ${missing[*]}"
    else
        note "${missing[*]}"
        export DEBIAN_FRONTEND=noninteractive
        run_quietly apt-get update
        run_quietly apt-get install --yes --no-install-recommends "${missing[@]}"
    fi
}

build() {
    if [[ -n $built ]]; then
        run install -d "$work_dir/stage$prefix"
        run cp -a "$built/bin" "$built/share" "$work_dir/stage$prefix"
        return
    fi
    step "Build"
    note "takes about nine minutes of processor time the first time, and says nothing meanwhile"
    # As the owner of the tree: root would leave files there that the owner cannot remove.
    local owner as=()
    owner=$(stat -c %U "$source_dir")
    if [[ $EUID == 0 && $owner != root && $owner != UNKNOWN ]]; then
        as=(runuser -u "$owner" --)
    fi
    # A cache from another place or machine would stop cmake; what is compiled already is kept.
    run "${as[@]}" rm -f "$source_dir/build/release/CMakeCache.txt"
    run_quietly "${as[@]}" cmake -S "$source_dir" -B "$source_dir/build/release" -G Ninja \
        -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$prefix"
    run_quietly "${as[@]}" cmake --build "$source_dir/build/release" --parallel "$(build_jobs)"
    DESTDIR=$work_dir/stage run_quietly cmake --install "$source_dir/build/release" --strip
}

make_folders() {
    step "Folders"
    local mode group path
    while read -r mode group path; do
        run install -d -m "$mode" -g "$group" "$path"
    done < <(folders_of_suite)
    write_file "$tmpfiles_file" 0644 <"$source_dir/packaging/tmpfiles.conf"
}

install_programs() {
    step "Programs into $prefix/bin"
    if [[ $dry_run == yes ]]; then
        note "+ each program: copied beside its old one, then renamed over it under its lock in $run_dir"
        note "+ the profiles into $prefix/share/lectio-monitor/profiles, lines for nginx beside them"
        note "+ the manual pages and bash completions into $prefix/share"
        local old
        for old in "${old_names[@]}"; do
            note "+ link $prefix/bin/${old%%=*} to ${old#*=}: the old name, with the old exit codes"
        done
        return
    fi
    local staged target old
    while read -r staged; do
        target=${staged#"$work_dir/stage"}
        remember "$target"
        mkdir -p "$(dirname "$target")"
        replace "$staged" "$target"
        [[ $target == */share/* ]] || note "$(basename "$target")"
    done < <(find "$work_dir/stage" -type f -path '*/lectio-*' | sort)
    for old in "${old_names[@]}"; do
        link_old_name "${old%%=*}" "${old#*=}"
    done
}

# By rename: a run that is under way finishes with the file it was started from.
replace() {
    local staged=$1 target=$2 fresh lock
    fresh=$(dirname "$target")/.$(basename "$target").new
    install -m "$(stat -c %a "$staged")" "$staged" "$fresh"
    if [[ $target == */share/* ]]; then # no program: nothing to wait for
        mv -fT "$fresh" "$target"
        settle "$target"
        record "$target"
        return
    fi
    lock=$run_dir/$(basename "$target" | sed 's/^lectio-//').lock
    if ! flock --wait "$lock_wait" "$lock" mv -fT "$fresh" "$target"; then
        # A run that hangs must not keep its own mending out.
        note "$(basename "$target"): a run is still under way after $lock_wait s; replaced beside it"
        mv -fT "$fresh" "$target"
    fi
    settle "$target"
    record "$target"
}

# A link for whoever calls it by name, and a script for whoever names a shell before it: "bash health_check.sh".
link_old_name() {
    local name=$1 program=$2
    [[ -x $prefix/bin/$program ]] || return 0
    remember "$prefix/bin/$name"
    ln -sfT "$program" "$prefix/bin/$name"
    settle "$prefix/bin/$name"
    record "$prefix/bin/$name"
    [[ $name != *.sh ]] || printf '#!/bin/sh\nexec %s/bin/%s "$@"\n' "$prefix" "$name" |
        write_file "$prefix/share/lectio-monitor/old-names/$name" 0755
}

# What an earlier schedule ran goes on running under this one.
install_schedule() {
    step "Schedule"
    local before active
    before=$(present_schedule)
    [[ $action != migrate || $before != cron ]] || ! is_foreign "$cron_file" || before=none
    mapfile -t active < <(active_tools "$before")
    if [[ $action == migrate ]]; then
        [[ $before != none || -n $schedule ]] || schedule=cron
        [[ $before != cron ]] || wake_lines "${takes[@]}"
        mapfile -t active < <(tools_taken_over "${active[@]}")
    fi
    case ${schedule:-$before} in
        cron) schedule_by_cron "$before" "${active[@]}" ;;
        timers) schedule_by_timers "${active[@]}" ;;
        none) schedule_nothing "$before" ;;
    esac
}

present_schedule() {
    if [[ -e $cron_file ]]; then
        echo cron
    elif grep -qsxF "$unit_dir/lectio-health.timer" "$manifest"; then
        echo timers
    else
        echo none
    fi
}

# One a line, of the schedule that is there; where there is none, those that need no configuration.
active_tools() {
    local tool
    case $1 in
        cron) active_in_crontab "$cron_file" ;;
        timers)
            for tool in "${scheduled[@]}"; do
                ! systemctl is-enabled --quiet "lectio-$tool.timer" 2>/dev/null || echo "$tool"
            done
            ;;
        none) printf '%s\n' "${scheduled_at_once[@]}" ;;
    esac
}

schedule_by_cron() {
    local before=$1 old
    shift
    [[ -d /etc/cron.d ]] ||
        left_out+=("cron is not installed here: apt-get install cron, or the lines will never run")
    [[ $before != cron ]] || set -- "${scheduled_at_once[@]}" # of what the file does not know yet
    old=$(crontab_before)
    write_file "$cron_file" 0644 < <(merged_crontab "$source_dir/crontab.example" "$old" "$prefix/bin" "$@")
    write_file "$logrotate_file" 0644 < <(logrotate_rules)
    [[ $before != timers ]] || stop_timers
    note "cron runs the tools: $cron_file"
}

schedule_by_timers() {
    if [[ $dry_run == no && ! -d /run/systemd/system ]]; then
        left_out+=("timers: systemd is not running here; nothing runs by itself (--schedule cron is there, too)")
        return
    fi
    remove_cron_file
    write_file "$logrotate_file" 0644 < <(logrotate_rules)
    local unit tool
    for unit in "$source_dir"/packaging/systemd/timers/*; do
        unit=$unit_dir/$(basename "$unit")
        if is_foreign "$unit"; then
            leave_foreign "$unit" "timers/$(basename "$unit")" "the one of the suite"
        else
            write_unit "$unit" "timers/$(basename "$unit")"
        fi
    done
    run systemctl daemon-reload
    for tool in "${scheduled[@]}"; do
        if is_among "$tool" "$@"; then
            run systemctl enable --quiet --now "lectio-$tool.timer"
            note "lectio-$tool.timer"
        else
            note "lectio-$tool.timer: not enabled; once it is configured: systemctl enable --now lectio-$tool.timer"
        fi
    done
}

schedule_nothing() {
    [[ $1 != timers ]] || stop_timers
    remove_cron_file
    left_out+=("a schedule: nothing runs by itself; ./install.sh --schedule cron or --schedule timers sets it up")
    note "none"
}

# What the operator has added to it stays, in a file that is nobody's but theirs.
remove_cron_file() {
    local added own_file=$cron_file-own
    added=$(own_lines "$source_dir/crontab.example" "$(crontab_before)")
    if [[ -n $added && $dry_run == no ]]; then
        [[ $action != migrate ]] || remember "$own_file"
        { settings_of "$cron_file" && printf '%s\n' "$added"; } >"$own_file"
        [[ $action != migrate ]] || settle "$own_file"
        note "lines of yours are now in $own_file"
    fi
    remember "$cron_file"
    run rm -f "$cron_file"
    settle "$cron_file"
}

# The file with our crontab's name as the new schedule is to see it: it may be the bash suite's.
crontab_before() {
    if [[ $action == migrate && $dry_run == no && -e $cron_file ]]; then
        commented_out "$cron_file" >"$work_dir/crontab"
        echo "$work_dir/crontab"
    else
        echo "$cron_file"
    fi
}

# Their files go with those of the version before.
stop_timers() {
    local tool
    for tool in "${scheduled[@]}"; do
        [[ ! -e $unit_dir/lectio-$tool.timer ]] || run systemctl disable --quiet --now "lectio-$tool.timer"
    done
}

install_units() {
    step "Units"
    if [[ ! -d /run/systemd/system ]]; then
        note "systemd is not running here"
        return
    fi
    install_failure_notifier
    install_deploy_recovery
}

# A template that does nothing until a unit names it in OnFailure=.
install_failure_notifier() {
    if is_foreign "$notifier_file"; then
        leave_foreign "$notifier_file" "$(basename "$notifier_file")" "the one that calls lectio-notify"
        return
    fi
    write_unit "$notifier_file" "$(basename "$notifier_file")"
    run systemctl daemon-reload
    note "failure-notifier@.service, for OnFailure= in a unit; ExecStopPost=+$prefix/bin/lectio-notify unit %n tells of each fall"
}

# A deploy that the machine went down in is undone before anybody is served.
install_deploy_recovery() {
    if ! deploys_here; then
        note "lectio-deploy-recover.service: not needed without [deploy] in the configuration; run install.sh again when there is"
    elif is_foreign "$recover_file"; then
        leave_foreign "$recover_file" "$(basename "$recover_file")" "the one that undoes a deploy that was cut off"
    else
        [[ $dry_run == no ]] || note "where the configuration has [deploy]:"
        write_unit "$recover_file" "$(basename "$recover_file")"
        run systemctl daemon-reload
        run systemctl enable --quiet lectio-deploy-recover.service
        note "lectio-deploy-recover.service: undoes a deploy that the machine went down in, before anybody is served"
    fi
}

is_foreign() { [[ -e $1 ]] && ! grep -qsxF "$1" "$manifest"; }

leave_foreign() {
    left_out+=("$1 is not ours and was left as it is; packaging/systemd/$2 is $3")
    note "$(basename "$1"): not ours, left as it is"
}

# write_unit FILE OURS: packaging/systemd/OURS, with this prefix. systemd is to be told afterwards.
write_unit() {
    write_file "$1" 0644 < <(sed "s,/usr/local/bin,$prefix/bin,g" "$source_dir/packaging/systemd/$2")
}

# Asked of the tool itself, which knows the configuration that counts. One that is wrong is no reason to take away the
# unit that an earlier installation has set up.
deploys_here() {
    [[ $dry_run == no ]] || return 0
    grep -qsxF "$recover_file" "$manifest" || "$prefix/bin/lectio-deploy" list -q >/dev/null 2>&1
}

# Where nobody is of adm, the logs are root's.
logrotate_rules() {
    local group=adm
    getent group adm >/dev/null || group=root
    sed "s/su root adm/su root $group/" "$source_dir/packaging/logrotate"
}

# What an earlier version installed and this one does not have any more.
forget_old_files() {
    [[ $dry_run == no ]] || return 0
    local path
    if [[ -e $manifest ]]; then
        while read -r path; do
            ! grep -qxF -- "$path" "$work_dir/manifest" || continue
            remember "$path"
            rm -f -- "$path"
            settle "$path"
        done <"$manifest"
    fi
    remember "$manifest"
    install -m 0600 "$work_dir/manifest" "$manifest.new"
    mv -fT "$manifest.new" "$manifest"
    settle "$manifest"
}

# A whole run (lock, state, logs), but one that only looks: the operator has not asked for more yet.
show_this_host() {
    step "This host, as lectio-health sees it"
    local status=0
    run flock --wait "$lock_wait" "$run_dir/health.lock" true
    run "$prefix/bin/lectio-health" --no-recovery --no-notify || status=$?
    case $status in
        0) report_words="all good" ;;
        1) report_words="warnings, see the report above" ;;
        2) report_words="something is broken on this host, see the report above" ;;
        3) report_words="not everything could be looked at, see the report above" ;;
        75) report_words="cron runs it just now, see $log_dir/health.log" ;;
        78) report_words="the configuration is wrong, see above; lectio-health --check-config names every problem" ;;
        *) report_words="lectio-health itself failed (exit code $status), see above" ;;
    esac
    # What it says of the host is no failure of the installation; that it cannot work at all is one.
    case $status in
        [0-3] | 75 | 78) ;;
        *) report_failed=yes ;;
    esac
}

say_what_was_left_out() {
    [[ -d /run/systemd/system ]] ||
        left_out+=("systemd is not running here: units are not checked, and after a reboot the tools make $run_dir themselves")
    [[ -e $config_dir/config.toml || -e /opt/lectio-monitor/config.toml || -e /opt/lectio-monitor/config.env ]] ||
        left_out+=("no configuration: let \"sudo lectio-health init\" write down what it found here, then read $config_dir/config.toml")
    alerts_have_a_way ||
        left_out+=("alerts: no channel, or its secrets are missing (lectio-notify test says which): nobody is told of failures; README.md shows how to set one up")
    step "Done"
    [[ $dry_run == yes ]] || note "installed into $prefix/bin; the report: $report_words"
    local line
    for line in "${left_out[@]}"; do
        note "left out: $line"
    done
    [[ $report_failed == no ]] || exit 1
}

# Asked of the tools themselves: they know which configuration counts and whether its secrets are there.
alerts_have_a_way() {
    [[ $dry_run == no ]] || return 0
    "$prefix/bin/lectio-notify" test --dry-run >/dev/null 2>&1
}

# --- taking away -----------------------------------------------------------------------------------------

uninstall_suite() {
    step "Uninstall"
    local path folders=()
    [[ ! -d $journal ]] || refuse_to "crontabs and scripts of the bash suite lead here; first: sudo ./install.sh --migrate --undo"
    refuse_while_others_need_us
    # The schedule first: nothing is to be started while its program goes.
    remove_cron_file
    run rm -f "$logrotate_file"
    stop_timers
    [[ ! -e $recover_file ]] || run systemctl disable --quiet "$(basename "$recover_file")"
    if [[ -r $manifest ]]; then
        while read -r path; do
            run rm -f -- "$path"
            [[ $path != */share/lectio-monitor/* ]] || folders+=("$(dirname "$path")" "$(dirname "$(dirname "$path")")")
        done <"$manifest"
        run rm -f "$manifest"
        [[ ! -d /run/systemd/system ]] || run systemctl daemon-reload
        while read -r path; do
            [[ ! -d $path ]] || run rmdir --ignore-fail-on-non-empty -- "$path"
        done < <(((${#folders[@]} == 0)) || printf '%s\n' "${folders[@]}" | sort -ru)
    else
        note "no record of an installation in $manifest: nothing else to remove"
    fi
    [[ $action == purge ]] || note "kept: $config_dir $state_dir $log_dir (remove with --purge)"
}

refuse_while_others_need_us() {
    local needing
    needing=$(those_who_need_us)
    [[ -n $needing ]] || return 0
    echo "install.sh: what stands behind lectio-heartbeat could not start without it; take it out of these first:" >&2
    echo "$needing" >&2
    exit 1
}

purge_suite() {
    local folder folders=()
    while read -r _ _ folder; do
        folders+=("$folder")
    done < <(folders_of_suite)
    if [[ $dry_run == no && $assume_yes == no ]]; then
        confirm "Remove the suite with its configuration, state and logs (${folders[*]})?"
    fi
    uninstall_suite
    for folder in "${folders[@]}"; do
        run remove_but_backups "$folder"
    done
}

confirm() {
    local answer=
    [[ -t 0 ]] || usage_error "--purge asks first; without a terminal it needs --yes"
    read -r -p "$1 [y/N] " answer
    [[ $answer == [yY]* ]] || exit 1
}

main "$@"
