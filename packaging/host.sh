# shellcheck shell=bash
# What install.sh and the scripts of the Debian package both do on a host; install.sh sources it, the package's scripts
# are made with it inside (cmake/Package.cmake).

# The folders that the tools keep, one a line: MODE GROUP PATH. Members of adm read logs on Debian.
folders_of_suite() {
    local log_group=root
    ! getent group adm >/dev/null || log_group=adm
    cat <<FOLDERS
0755 root /etc/lectio-monitor
0700 root /var/lib/lectio-monitor
0755 root /run/lectio-monitor
0750 $log_group /var/log/lectio-monitor
FOLDERS
}

# Files that start something of their own by one of our tools, one a line: a server under our watchdog, a job of cron's.
# That could not start again without the tool.
those_who_need_us() {
    grep -lrsE '^[^#]*lectio-heartbeat (watchdog|run) ' \
        /etc/systemd/system /etc/cron.d /etc/crontab /var/spool/cron/crontabs || true
}

# remove_but_backups FOLDER: it and all in it, except folders in which a backup lies; those are named.
remove_but_backups() {
    local folder=$1 entry
    [[ -d $folder && ! -L $folder ]] || { rm -f -- "$folder" && return; }
    if [[ -n $(find "$folder" -mindepth 1 -maxdepth 1 -name '*-????????T??????Z-*.zst*' -print -quit) ]]; then
        echo "kept, because backups lie in it: $folder"
        return
    fi
    while IFS= read -r -d '' entry; do
        if [[ -d $entry && ! -L $entry ]]; then
            remove_but_backups "$entry"
        else
            rm -f -- "$entry"
        fi
    done < <(find "$folder" -mindepth 1 -maxdepth 1 -print0)
    rmdir --ignore-fail-on-non-empty -- "$folder"
}
