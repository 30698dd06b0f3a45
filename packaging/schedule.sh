# shellcheck shell=bash
# Sourced by install.sh: what runs the tools, cron or systemd's timers, and what the operator has made of it.

# active_in_crontab FILE: tools whose line there is not commented out, one a line. Nothing where there is no such file.
active_in_crontab() {
    [[ -r $1 ]] || return 0
    grep -vE '^[[:space:]]*#| -- ' "$1" | grep -oE '/lectio-[a-z]+ ' | sed -E 's,/lectio-([a-z]+) ,\1,' | sort -u
}

# merged_crontab EXAMPLE OLD BIN [TOOL...]: EXAMPLE with the programs in BIN and what the operator has made of OLD: lines that
# were changed, commented out or added stay so. The TOOLs' lines are active where OLD does not know them.
merged_crontab() {
    local example=$1 old=$2 bin=$3 line tool was
    shift 3
    while IFS= read -r line; do
        tool=$(sed -nE 's,^(# )?[0-9*][^ ]* .*/lectio-([a-z]+) .*,\2,p' <<<"$line")
        if [[ -z $tool ]]; then
            setting_or_line "$old" "$line"
            continue
        fi
        line=${line#\# }
        was=$(lines_of_tool "$old" "$tool")
        if [[ -n $was ]]; then
            printf '%s\n' "$was"
        elif is_among "$tool" "$@" && ! knows_tool "$old" "$tool"; then
            printf '%s\n' "$line"
        else
            printf '# %s\n' "$line"
        fi
    done <"$example" | sed -E "s,[^ ]*/(lectio-[a-z]+ ),$bin/\\1,"
    own_lines "$example" "$old"
}

# SETTING=value as OLD has it; any other line of the example as it is.
setting_or_line() {
    local name=${2%%=*} was=
    if [[ $2 =~ ^[A-Z]+= && -r $1 ]]; then
        was=$(grep -m 1 "^$name=" "$1" || true)
    fi
    printf '%s\n' "${was:-$2}"
}

# The active lines that call TOOL as the schedule does; `lectio-heartbeat run JOB -- COMMAND` is the operator's own.
lines_of_tool() {
    [[ ! -r $1 ]] || grep -E "^[[:space:]]*[0-9*@].*/lectio-$2 " "$1" | grep -vF ' -- ' || true
}

# Commented out counts, too.
knows_tool() { [[ -r $1 ]] && grep -E "/lectio-$2 " "$1" | grep -qvF ' -- '; }

# What the operator has added: active lines and settings that the example has not.
own_lines() {
    [[ -r $2 ]] || return 0
    local added
    added=$(grep -vE '^[[:space:]]*(#|$)' "$2" | while IFS= read -r line; do
        [[ $line == *' -- '* || ! $line =~ /lectio-[a-z]+[[:space:]] ]] || continue
        [[ ! $line =~ ^[A-Z_]+= ]] || ! grep -q "^${line%%=*}=" "$1" || continue
        printf '%s\n' "$line"
    done)
    [[ -z $added ]] || printf '\n# Added on this host:\n%s\n' "$added"
}

# NAME=value lines of a crontab.
settings_of() { grep -E '^[A-Z_]+=' "$1" || true; }

is_among() {
    local wanted=$1 each
    shift
    for each in "$@"; do
        [[ $each != "$wanted" ]] || return 0
    done
    return 1
}
