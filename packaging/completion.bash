# Completion of the lectio-* tools in bash: commands, options and their values, as each tool's own --help has them at that
# moment, so that it knows what the installed one knows. Installed under each tool's name, where bash-completion finds it.

_lectio() {
    local tool=$1 word=$2 before=$3 help heading words="" i
    local -a command=()
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        --) return 0 ;; # what follows is somebody else's command
        -c | --config | --format) ((++i)) ;;
        -*) ;;
        *) [[ ${#command[@]} -gt 0 ]] || command=("${COMP_WORDS[i]}") ;;
        esac
    done
    help=$("$tool" "${command[@]}" --help 2>/dev/null) || help=$("$tool" --help 2>/dev/null) || return 0
    case $before in
    -c | --config)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return 0
        ;;
    --format)
        words=$(sed -nE 's/^  --format FORMAT +//p' <<<"$help" | sed -E 's/,| or / /g')
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
        return 0
        ;;
    esac
    while IFS= read -r line; do
        case $line in
        [A-Z]*:*) heading=${line%%:*} ;;
        "  -"*) [[ $heading != Options ]] || words+=" $(grep -oE -- '(^|[ ,])-{1,2}[a-z-]+' <<<"${line:0:30}" | tr -d ' ,' | tr '\n' ' ')" ;;
        "  "[a-z]*) [[ $heading != Subcommands || ${#command[@]} -gt 0 ]] || words+=" ${line:2:28}" ;;
        esac
    done <<<"$help"
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -o default -F _lectio lectio-backup lectio-cleanup lectio-deepcheck lectio-deploy lectio-health lectio-heartbeat \
    lectio-notify lectio-smoke lectio-status
