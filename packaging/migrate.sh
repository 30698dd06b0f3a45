# shellcheck shell=bash
# shellcheck disable=SC2154 # of install.sh: state_dir, run_dir, log_dir, config_dir, cron_file, prefix, dry_run, manifest
# Sourced by install.sh: taking over from the bash suite (--migrate), and giving back to it (--migrate --undo).
#
# Before a file is changed for the first time it is kept in the journal, whole and durably; a migration that was cut off at
# any moment is done again or undone from there. In the journal lie, under their absolute paths:
#   before/   what was there: content, owner, mode, times, links        absent/  what was not
#   after/    a fingerprint of what was put there: what differs from it has been changed by somebody since
#   folders/  owner, mode and times of folders, or that there was none

readonly old_suite=/opt/lectio-monitor
readonly old_env_file=$old_suite/config.env
readonly journal=$state_dir/migration
readonly undone=$state_dir/migration.undone
readonly crontabs=/var/spool/cron/crontabs
readonly taken_mark='# lectio-monitor runs this now: '

# Names of the old suite that others call: their file becomes a link.
readonly linked_names=(health_check.sh=health smoke_check.sh=smoke smoke_check_v2.sh=smoke setup_smoke_users.sh=smoke
    deep_check.sh=deepcheck heartbeat.sh=heartbeat notify_failure.sh=notify deploy_safe.sh=deploy
    cleanup_processes.sh=cleanup)
# Scripts whose lines in a crontab are a tool's work now. deploy_safe.sh is in one only to clean up.
readonly scheduled_names=(health_check.sh=health unified_monitor.sh=health memory_alert.sh=health guardian.sh=health
    smoke_check.sh=smoke smoke_check_v2.sh=smoke deep_check.sh=deepcheck deep_diagnostics.py=deepcheck
    heartbeat.sh=heartbeat cleanup_processes.sh=cleanup backup_db.sh=backup deploy_safe.sh=cleanup)

# What the plan found.
links=()        # NAME=tool
lines=()        # FILE:NUMBER of lines that are replaced
takes=()        # tools that are scheduled for them
own_calls=()    # tools that a line or timer of the operator's calls by a linked name: not scheduled a second time
plan_words=()   # what is said of all that

# --- the journal -----------------------------------------------------------------------------------------

begin_journal() {
    [[ $dry_run == no ]] || return 0
    if [[ ! -d $journal ]]; then
        # It appears at once, with the state folder where there is none.
        local begun=$journal.new there=$journal fresh=$journal.new
        if [[ ! -d $state_dir ]]; then
            begun=$state_dir.new there=$state_dir fresh=$state_dir.new/migration
        fi
        rm -rf "$begun"
        install -d -m 0700 "$begun" "$fresh"
        [[ $there == "$journal" ]] || : >"$fresh/no-state-before"
        names_in "$log_dir" >"$fresh/logs"
        names_in "$run_dir" >"$fresh/run"
        mv -T "$begun" "$there"
    fi
    local folder
    for folder in "$old_suite" "$config_dir" "$run_dir" "$log_dir"; do
        remember_folder "$folder"
    done
}

is_migrated() { [[ $dry_run == no && -d $journal ]]; }

names_in() { [[ ! -d $1 ]] || find "$1" -mindepth 1 -maxdepth 1 -printf '%f\n'; }

# What is at PATH now is kept, unless something is already: only the first change loses what the host had.
remember() {
    is_migrated || return 0
    local path=$1
    remember_missing_folders "$(dirname "$path")"
    [[ ! -e $journal/before$path && ! -L $journal/before$path && ! -e $journal/absent$path ]] || return 0
    if [[ -e $path || -L $path ]]; then
        rm -rf "$journal/fresh"
        cp -a -- "$path" "$journal/fresh"
        [[ -L $path ]] || sync -- "$journal/fresh"
        put_into_journal "before$path"
    else
        : >"$journal/fresh"
        put_into_journal "absent$path"
    fi
}

remember_missing_folders() {
    local folder=$1
    while [[ ! -e $folder ]]; do
        remember_folder "$folder"
        folder=$(dirname "$folder")
    done
}

remember_folder() {
    is_migrated || return 0
    local entry=folders/${1//\//%}
    [[ ! -e $journal/$entry ]] || return 0
    if [[ -d $1 ]]; then
        stat -c '%a %u %g %y' -- "$1" >"$journal/fresh"
    else
        echo absent >"$journal/fresh"
    fi
    put_into_journal "$entry"
}

# What is at PATH now was put there by us.
settle() {
    is_migrated || return 0
    fingerprint "$1" >"$journal/fresh"
    put_into_journal "after$1"
}

put_into_journal() {
    install -d -m 0700 "$(dirname "$journal/$1")"
    mv -fT -- "$journal/fresh" "$journal/$1"
    sync -f -- "$journal"
}

fingerprint() {
    if [[ -L $1 ]]; then
        echo "link $(readlink -- "$1")"
    elif [[ -f $1 ]]; then
        sha256sum <"$1"
    elif [[ -e $1 ]]; then
        echo "neither file nor link"
    else
        echo nothing
    fi
}

refuse_to() {
    echo "install.sh: $*" >&2
    exit 1
}

# --- what a crontab's line does --------------------------------------------------------------------------

tool_of() {
    local name=$1 each
    shift
    for each in "$@"; do
        [[ ${each%%=*} != "$name" ]] || echo "${each#*=}"
    done
}

# calls_of TEXT: the scripts of the old suite that it names, one a line.
calls_of() {
    local each name
    for each in "${scheduled_names[@]}" "${linked_names[@]}"; do
        name=${each%%=*}
        [[ ! $1 =~ (^|[^A-Za-z0-9_.-])${name//./\\.}($|[^A-Za-z0-9_.-]) ]] || echo "$name"
    done | sort -u
}

# tools_for LINE system|user: the tools whose work it is, where that is all it does; fails where it does more, or
# something that is not understood: quoting, pipes, variables, other programs. A system's crontab names a user.
tools_for() {
    local command=$1 user='' times='^[[:space:]]*(@[a-z]+|([^[:space:]@]+[[:space:]]+){4}[^[:space:]]+)[[:space:]]+'
    [[ $command =~ $times ]] || return 1
    command=${command#"${BASH_REMATCH[0]}"}
    if [[ $2 == system ]]; then
        read -r user command <<<"$command"
        [[ $user == root ]] || return 1
    fi
    command=$(sed -E 's/[[:space:]]*([12&]?>>?)[[:space:]]*(&[12]|[^[:space:]&;|]+)//g; s/[[:space:]]*[|][|][[:space:]]*true[[:space:]]*$//' <<<"$command")
    [[ $command != *[\'\"\\\`\$\(\)\|%\<\>\{\}\*\?]* ]] || return 1
    local part folder='' found=()
    while IFS= read -r part; do
        local words=()
        read -ra words <<<"$part"
        ((${#words[@]} > 0)) || continue
        if [[ ${words[0]} == cd && ${#words[@]} == 2 ]]; then
            folder=${words[1]%/}
            continue
        fi
        local tool
        tool=$(tool_of_command "$folder" "${words[@]}") || return 1
        found+=("$tool")
    done < <(sed -E 's/[[:space:]]*(&&|;)[[:space:]]*/\n/g' <<<"$command")
    ((${#found[@]} > 0)) || return 1
    printf '%s\n' "${found[@]}" | sort -u
}

# tool_of_command FOLDER WORD…: of one command, what stands before a script (bash, nice, timeout …) put aside.
tool_of_command() {
    local folder=$1 name
    shift
    while (($# > 0)); do
        case ${1##*/} in
            bash | sh) shift ;;
            nice)
                shift
                [[ ${1-} != -n ]] || shift 2
                ;;
            ionice)
                shift
                while [[ ${1-} == -* ]]; do
                    [[ $1 != -[cn] ]] || shift
                    shift
                done
                ;;
            timeout) shift 2 || return 1 ;;
            flock)
                shift
                [[ ${1-} != -n ]] || shift
                shift || return 1
                ;;
            *) break ;;
        esac
    done
    case ${1-} in
        "$old_suite"/*) name=${1#"$old_suite"/} ;;
        ./*)
            [[ $folder == "$old_suite" ]] || return 1
            name=${1#./}
            ;;
        *) return 1 ;;
    esac
    shift
    if [[ $name == deploy_safe.sh ]]; then
        [[ ${1-} == cleanup && ${2-7} =~ ^[0-9]+$ && $# -le 2 ]] || return 1
    else
        (($# == 0)) || return 1
    fi
    local tool
    tool=$(tool_of "$name" "${scheduled_names[@]}")
    [[ -n $tool ]] && echo "$tool"
}

# --- the plan --------------------------------------------------------------------------------------------

# What [TOOL] there is in the configuration, asked of its text: a tool without does not take over.
configured() {
    case $1 in
        health | notify) return 0 ;;
        deepcheck) grep -q '^\[deepcheck\.check\.' <<<"$config_text" ;;
        deploy) grep -q '^\[deploy\.' <<<"$config_text" ;;
        backup) grep -q '^\[backup\.source\.' <<<"$config_text" ;;
        *) grep -qE "^\[+$1[].]" <<<"$config_text" ;;
    esac
}

make_plan() {
    local each name tool file
    for each in "${linked_names[@]}"; do
        name=${each%%=*} tool=${each#*=}
        [[ -f $old_suite/$name ]] || continue
        if configured "$tool"; then
            links+=("$each")
            plan_words+=("$old_suite/$name: a link; it does the work of lectio-$tool, with the old exit codes")
        else
            plan_words+=("$old_suite/$name: stays as it is, the configuration has no [$tool]")
        fi
    done
    if grep -q '^\[deploy\.backend\]' <<<"$config_text"; then
        plan_words+=("deploy_safe.sh backend and full: once before, by hand: lectio-deploy adopt backend")
    fi
    if [[ -d $crontabs && ! -r $crontabs ]]; then
        plan_words+=("$crontabs cannot be read: with sudo the plan shows the crontabs, too")
    fi
    for file in "$crontabs"/* /etc/crontab /etc/cron.d/*; do
        [[ -f $file && -r $file ]] || continue
        [[ $file != "$cron_file" ]] || is_foreign "$file" || continue
        plan_crontab "$file"
    done
    plan_other_callers
    for each in "${scheduled[@]}"; do
        if is_among "$each" "${takes[@]}" && is_among "$each" "${own_calls[@]}"; then
            plan_words+=("lectio-$each: its line stays commented out, yours runs it")
        fi
    done
}

plan_crontab() {
    local file=$1 kind=system line number=0 name tool tools does_all
    [[ $file != "$crontabs"/* ]] || kind=user
    while IFS= read -r line || [[ -n $line ]]; do
        number=$((number + 1))
        [[ ! $line =~ ^[[:space:]]*(#|$) && ! $line =~ ^[[:space:]]*[A-Za-z_]+[[:space:]]*= ]] || continue
        if [[ -z $(calls_of "$line") ]]; then
            [[ $line != *"$old_suite"/* ]] || plan_words+=("$file:$number stays: $line")
            continue
        fi
        does_all=yes
        tools=$(tools_for "$line" "$kind") || does_all=no
        [[ $kind != user || $file == "$crontabs/root" ]] || does_all=no
        for tool in $tools; do
            configured "$tool" || does_all=no
        done
        if [[ $does_all == yes ]]; then
            lines+=("$file:$number")
            for tool in $tools; do
                is_among "$tool" "${takes[@]}" || takes+=("$tool")
            done
            plan_words+=("$file:$number is replaced by ${tools//$'\n'/, } of the new schedule: $line")
            continue
        fi
        plan_words+=("$file:$number stays as it is (it does more, or its tool is not configured; look at it): $line")
        while read -r name; do
            add_own_call "$name"
        done < <(calls_of "$line")
    done <"$file"
}

# A script of which nothing becomes a link does its own work on.
add_own_call() {
    local tool
    tool=$(tool_of "$1" "${links[@]}")
    [[ -z $tool || -z $(tool_of "$1" "${scheduled_names[@]}") ]] || own_calls+=("$tool")
}

# Units, and what run-parts starts. A unit keeps calling the name that it calls; a timer is a schedule.
plan_other_callers() {
    local file name
    while IFS= read -r file; do
        while read -r name; do
            [[ -n $(tool_of "$name" "${links[@]}") ]] || continue
            plan_words+=("$file calls $name, and goes on to, by the link")
            if [[ $file == /etc/cron.* || -e ${file%.service}.timer ]]; then
                add_own_call "$name"
            fi
        done < <(calls_of "$(grep -vE '^[[:space:]]*#' "$file")")
    done < <(grep -lrsF "$old_suite/" /etc/systemd/system /etc/cron.hourly /etc/cron.daily /etc/cron.weekly)
}

show_plan() {
    step "The plan"
    if [[ -e $config_dir/config.toml && $config_is_new == no ]]; then
        note "$config_dir/config.toml: yours, stays as it is"
    else
        note "$config_dir/config.toml: written from $old_env_file, which stays and keeps the secrets"
    fi
    local line
    for line in "${plan_words[@]}"; do
        note "$line"
    done
    note "what is changed is kept in $journal; sudo ./install.sh --migrate --undo puts it back"
}

# --- taking over -----------------------------------------------------------------------------------------

config_text=
config_is_new=no

migrate_suite() {
    [[ -d $old_suite ]] || refuse_to "there is no bash suite in $old_suite"
    begin_journal
    begin_work
    install_dependencies
    build
    make_folders
    install_programs
    take_over_configuration
    make_plan
    show_plan
    link_names
    install_schedule
    replace_lines
    install_units
    forget_old_files
    show_this_host
    left_out+=("the proof that messages arrive: sudo $prefix/bin/lectio-notify test")
    say_what_was_left_out
}

# Translated by the tool that reads it. What does not load stops all before anything of the old suite is touched.
take_over_configuration() {
    step "Configuration"
    local program=$prefix/bin/lectio-health file=$config_dir/config.toml
    [[ $dry_run == no || -z $built ]] || program=$built/bin/lectio-health
    if [[ ! -e $file && -e $old_suite/config.toml ]]; then
        file=$old_suite/config.toml
    fi
    if [[ -e $file ]]; then
        config_text=$(cat "$file")
        note "$file is there and stays as it is"
    elif [[ ! -r $old_env_file ]]; then
        note "there is no $old_env_file to read: what is watched is found on this host, nothing is mended"
        return
    elif [[ $dry_run == yes ]]; then
        if [[ -x $program ]]; then
            config_text=$("$program" init --from "$old_env_file" -o -)
            printf '%s\n' "$config_text" | sed 's/^/   | /'
        else
            note "+ $program init --from $old_env_file"
            note "lectio-health is not built yet: what config.toml will be, it would show after an installation or with --built DIR;"
            note "the plan below is that of a config.env that configures every tool"
            config_text=$(printf '[%s]\n' smoke.x deepcheck.check.x heartbeat deploy.x cleanup backup.source.x)
        fi
    else
        remember "$file"
        "$program" init --from "$old_env_file" -o "$file" | sed 's/^/   /'
        settle "$file"
        config_is_new=yes
        config_text=$(cat "$file")
    fi
    [[ $dry_run == no ]] || return 0
    local said
    said=$("$program" --check-config 2>&1) || refuse_to "the configuration does not load; nothing of the old suite was touched:
$said"
}

link_names() {
    step "Old names in $old_suite"
    local each name target
    for each in "${links[@]}"; do
        name=${each%%=*}
        target=$prefix/share/lectio-monitor/old-names/$name
        if [[ $dry_run == yes ]]; then
            note "+ link $old_suite/$name to $target"
            continue
        fi
        [[ $(fingerprint "$old_suite/$name") != "link $target" ]] || continue
        remember "$old_suite/$name"
        ln -sfT "$target" "$old_suite/.$name.new"
        mv -fT "$old_suite/.$name.new" "$old_suite/$name"
        settle "$old_suite/$name"
        note "$name"
    done
}

# What the new schedule is to run beside what ran already.
tools_taken_over() {
    local tool
    for tool in "$@" "${takes[@]}"; do
        is_among "$tool" "${own_calls[@]}" || echo "$tool"
    done | sort -u
}

# Lines that our crontab has commented out since it was installed.
wake_lines() {
    local tool
    remember "$cron_file"
    for tool in "$@"; do
        run sed -i -E "s,^# ([0-9*].*/lectio-$tool ),\1," "$cron_file"
    done
    settle "$cron_file"
}

# Each stays readable, commented out.
replace_lines() {
    step "Lines in crontabs"
    local each file numbers
    while read -r file; do
        [[ -e $file && $file != "$cron_file" ]] || continue # ours by now
        numbers=$(printf '%s\n' "${lines[@]}" | sed -n "s,^$file:,,p" | tr '\n' ' ')
        note "$file: line ${numbers% } commented out; how it was: $journal/before$file"
        [[ $dry_run == no ]] || continue
        remember "$file"
        rewrite "$file" commented_out "$file"
        settle "$file"
    done < <(printf '%s\n' "${lines[@]}" | sed 's/:[0-9]*$//' | sort -u)
}

# FILE with its lines among `lines` commented out.
commented_out() {
    local line number=0
    while IFS= read -r line || [[ -n $line ]]; do
        number=$((number + 1))
        ! is_among "$1:$number" "${lines[@]}" || line=$taken_mark$line
        printf '%s\n' "$line"
    done <"$1"
}

# rewrite FILE COMMAND…: what the command prints becomes the file, with its owner and mode.
rewrite() {
    local file=$1 fresh
    shift
    fresh=$(dirname "$file")/.$(basename "$file").new
    cp -a -- "$file" "$fresh"
    "$@" >"$fresh"
    mv -fT -- "$fresh" "$file"
    touch "$(dirname "$file")" # cron looks there
}

# --- giving back -----------------------------------------------------------------------------------------

aside= # where goes what cannot stay and is nobody's to throw away

undo_migration() {
    step "Back to the bash suite"
    if [[ ! -d $journal ]]; then
        [[ -d $undone ]] || refuse_to "nothing to undo: there is no migration in $journal"
        forget_journal
        return
    fi
    refuse_while_others_need_us
    refuse_while_releases_are_served
    if [[ $dry_run == yes ]]; then
        paths_of_the_journal | while read -r path; do note "+ put back $path"; done
        return
    fi
    name_aside
    stop_timers
    [[ ! -e $recover_file ]] || systemctl disable --quiet "$(basename "$recover_file")" || true
    local path
    # The crontabs first: their lines find the tools under the old names until the scripts are back.
    while IFS= read -r path; do
        give_back "$path"
    done < <(paths_of_the_journal)
    give_back_logs
    give_back_locks
    [[ ! -d /run/systemd/system ]] || systemctl daemon-reload
    give_back_folders
    mv -T "$journal" "$undone"
    forget_journal
    note "the old scripts run again"
    [[ ! -d $aside ]] || note "what was remembered, written or changed meanwhile lies in $aside"
}

# lectio-deploy's state knows how a release goes back; the old scripts do not.
refuse_while_releases_are_served() {
    local path
    while read -r path; do
        [[ ! -L $path || $(readlink "$path") != *.lectio-releases/* ]] ||
            refuse_to "$path is a release of lectio-deploy; first: lectio-deploy adopt --undo (backend: lectio-deploy adopt backend --undo)"
    done < <(sed -nE '/^\[deploy\./,/^\[/ s/^path *= *"(.*)"$/\1/p' "$config_dir/config.toml" 2>/dev/null)
}

paths_of_the_journal() {
    {
        [[ ! -d $journal/before ]] || find "$journal/before" ! -type d -printf '/%P\n'
        [[ ! -d $journal/absent ]] || find "$journal/absent" ! -type d -printf '/%P\n'
    } | awk -v suite="$old_suite/" '{
        rank = /^\/var\/spool\/cron\// ? 1 : /^\/etc\/cron/ ? 2 : index($0, suite) == 1 ? 3 : 4
        print rank " " $0
    }' | sort | cut -d' ' -f2-
}

name_aside() {
    if [[ ! -e $journal/aside ]]; then
        # Beside it, on the same file system: what is moved there is moved by one rename.
        echo "$state_dir-undone-$(date +%Y%m%d-%H%M%S)" >"$journal/fresh"
        put_into_journal aside
    fi
    aside=$(<"$journal/aside")
}

put_aside() {
    install -d -m 0700 "$aside"
    mkdir -p "$aside$(dirname "$1")"
    cp -a -- "$1" "$aside$1"
}

give_back() {
    local path=$1 kept=$journal/before$1 now after=nothing fresh
    now=$(fingerprint "$path")
    [[ ! -e $journal/after$path ]] || after=$(<"$journal/after$path")
    if [[ $now != nothing && $now != "$after" && $now != "$(fingerprint "$kept")" ]]; then
        if [[ -e $kept ]] && grep -qsF "$taken_mark" "$path"; then
            # Lines of the operator's own since: only ours go.
            rewrite "$path" sed "s,^$taken_mark,," "$path"
            note "$path has been changed since: its old lines are back, the rest stays"
            return
        fi
        put_aside "$path"
        note "$path has been changed since: that lies in $aside$path"
    fi
    if [[ -e $kept || -L $kept ]]; then
        mkdir -p "$(dirname "$path")"
        fresh=$(dirname "$path")/.$(basename "$path").new
        rm -f -- "$fresh"
        cp -a -- "$kept" "$fresh"
        mv -fT -- "$fresh" "$path"
    else
        rm -f -- "$path"
    fi
    [[ $path != /var/spool/* && $path != /etc/cron* ]] || touch "$(dirname "$path")"
}

# Those that were there keep what was added; those of tools that the old suite had not go.
give_back_logs() {
    local name
    while read -r name; do
        ! grep -qE "^${name%%.log*}\.log" "$journal/logs" || continue
        put_aside "$log_dir/$name"
        rm -rf -- "${log_dir:?}/$name"
    done < <(names_in "$log_dir")
}

give_back_locks() {
    local name
    while read -r name; do
        [[ $name != *.lock ]] || grep -qxF -- "$name" "$journal/run" || rm -f -- "$run_dir/$name"
    done < <(names_in "$run_dir")
}

# The deepest first. One that was not there stays if somebody has put something into it.
give_back_folders() {
    local entry path mode owner group times
    while read -r entry; do
        path=${entry//%/\/}
        read -r mode owner group times <"$journal/folders/$entry"
        if [[ $mode == absent ]]; then
            [[ ! -d $path || $path == "$state_dir" ]] || rmdir --ignore-fail-on-non-empty -- "$path"
        elif [[ -d $path ]]; then
            chown "$owner:$group" "$path"
            chmod "$mode" "$path"
            touch -d "$times" "$path"
        fi
    done < <(names_in "$journal/folders" | sort -r)
}

# The last step, which may be cut off, too: from here on there is nothing to undo.
forget_journal() {
    [[ $dry_run == no ]] || return 0
    if [[ -e $undone/no-state-before ]]; then
        aside=$(<"$undone/aside")
        install -d -m 0700 "$aside"
        mv -T "$state_dir" "$aside/state"
    else
        rm -rf "$undone"
    fi
}
