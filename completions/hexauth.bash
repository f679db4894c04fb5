# Completion of hexauth for bash; written by scripts/manual.
_hexauth() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
    local command= words= i
    COMPREPLY=()
    if [[ $word == "=" ]]; then
        word=
    elif [[ $before == "=" ]]; then
        before=${COMP_WORDS[COMP_CWORD-2]}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "$command ${COMP_WORDS[i]}" in
            "exec --")
                COMPREPLY=($(compgen -A command -A file -- "$word"))
                return ;;
            "sandbox --")
                COMPREPLY=($(compgen -A command -A file -- "$word"))
                return ;;
            " "[a-z]*) command=${COMP_WORDS[i]} ;;
        esac
    done
    case "$command $before" in
        "get --format") words="git token header json env curl" ;;
        "get --min-ttl") words="" ;;
        "get --vault") words="auto keyring file" ;;
        "get "*)
            words="hexpm"
            [[ $word != -* ]] || words="--format --login --no-login --min-ttl --vault -h --help" ;;
        "exec --env") words="" ;;
        "exec --otp") words="" ;;
        "exec --min-ttl") words="" ;;
        "exec --vault") words="auto keyring file" ;;
        "exec "*)
            words="hexpm"
            [[ $word != -* ]] || words="--env --otp --login --no-login --min-ttl --vault -h --help" ;;
        "setup --host") words="" ;;
        "setup --shell") words="bash zsh fish" ;;
        "setup "*)
            words="git docker bazel mix rebar3 gleam curl shell"
            [[ $word != -* ]] || words="--undo --dry-run --host --all-hosts --shell -h --help" ;;
        "import --vault") words="auto keyring file" ;;
        "import "*)
            words=""
            [[ $word != -* ]] || words="--yes --remove --vault -h --help" ;;
        "store --vault") words="auto keyring file" ;;
        "store "*)
            words=""
            [[ $word != -* ]] || words="--vault -h --help" ;;
        "erase --vault") words="auto keyring file" ;;
        "erase "*)
            words=""
            [[ $word != -* ]] || words="--vault -h --help" ;;
        "login --scope") words="" ;;
        "login --name") words="" ;;
        "login --vault") words="auto keyring file" ;;
        "login "*)
            words="hexpm"
            [[ $word != -* ]] || words="--browser --no-browser --force --scope --name --with-token --vault -h --help" ;;
        "logout --vault") words="auto keyring file" ;;
        "logout "*)
            words="hexpm"
            [[ $word != -* ]] || words="--vault -h --help" ;;
        "status --vault") words="auto keyring file" ;;
        "status "*)
            words=""
            [[ $word != -* ]] || words="--json --vault -h --help" ;;
        "sandbox --port") words="" ;;
        "sandbox --approve-after") words="" ;;
        "sandbox --deny-after") words="" ;;
        "sandbox --expires-in") words="" ;;
        "sandbox --interval") words="" ;;
        "sandbox --token-ttl") words="" ;;
        "sandbox --otp") words="" ;;
        "sandbox --rate-limit") words="" ;;
        "sandbox --fault") words="" ;;
        "sandbox "*)
            words=""
            [[ $word != -* ]] || words="--port --approve-after --deny-after --expires-in --interval --token-ttl --otp --rate-limit --fault -h --help" ;;
        " "*)
            words="get exec setup import store erase login logout status sandbox"
            [[ $word != -* ]] || words="--version -h --help" ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -F _hexauth hexauth
