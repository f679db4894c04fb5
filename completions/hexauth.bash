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
            "help --")
                COMPREPLY=($(compgen -A command -A file -- "$word"))
                return ;;
            " "[a-z]*) command=${COMP_WORDS[i]} ;;
        esac
    done
    case "$command $before" in
        "login --account") words="" ;;
        "login --client-id") words="" ;;
        "login --scope") words="" ;;
        "login --name") words="" ;;
        "login --vault") words="auto keyring file" ;;
        "login "*)
            words="hexpm"
            [[ $word != -* ]] || words="--account --client-id --browser --no-browser --force --scope --name --with-token --vault -v --verbose -h --help" ;;
        "logout --account") words="" ;;
        "logout --vault") words="auto keyring file" ;;
        "logout "*)
            words="hexpm"
            [[ $word != -* ]] || words="--account --vault -v --verbose -h --help" ;;
        "switch "*)
            words="hexpm"
            [[ $word != -* ]] || words="-v --verbose -h --help" ;;
        "status --account") words="" ;;
        "status --vault") words="auto keyring file" ;;
        "status "*)
            words=""
            [[ $word != -* ]] || words="--json --account --vault -v --verbose -h --help" ;;
        "get --format") words="git token header json env curl" ;;
        "get --repo") words="" ;;
        "get --account") words="" ;;
        "get --min-ttl") words="" ;;
        "get --vault") words="auto keyring file" ;;
        "get "*)
            words="hexpm"
            [[ $word != -* ]] || words="--format --repo --account --explain --login --no-login --min-ttl --vault -v --verbose -h --help" ;;
        "exec --env") words="" ;;
        "exec --otp") words="" ;;
        "exec --account") words="" ;;
        "exec --min-ttl") words="" ;;
        "exec --vault") words="auto keyring file" ;;
        "exec "*)
            words="hexpm"
            [[ $word != -* ]] || words="--env --otp --direct --account --login --no-login --min-ttl --vault -v --verbose -h --help" ;;
        "proxy --format") words="env json" ;;
        "proxy --address") words="127.0.0.1 ::1" ;;
        "proxy --port") words="" ;;
        "proxy --account") words="" ;;
        "proxy --min-ttl") words="" ;;
        "proxy --vault") words="auto keyring file" ;;
        "proxy "*)
            words=""
            [[ $word != -* ]] || words="--format --background --address --port --account --login --no-login --min-ttl --vault -v --verbose -h --help" ;;
        "api -X"|"api --method") words="" ;;
        "api -f"|"api --field") words="" ;;
        "api --input") words="" ;;
        "api -H"|"api --header") words="" ;;
        "api --target") words="" ;;
        "api --account") words="" ;;
        "api --vault") words="auto keyring file" ;;
        "api "*)
            words="hexpm"
            [[ $word != -* ]] || words="-X --method -f --field --input -H --header -i --include --paginate --target --account --login --no-login --vault -v --verbose -h --help" ;;
        "setup --host") words="" ;;
        "setup --shell") words="bash zsh fish" ;;
        "setup "*)
            words="git docker bazel mix rebar3 gleam curl shell"
            [[ $word != -* ]] || words="--undo --dry-run --host --all-hosts --shim --shell -v --verbose -h --help" ;;
        "import --vault") words="auto keyring file" ;;
        "import "*)
            words=""
            [[ $word != -* ]] || words="--yes --remove --vault -v --verbose -h --help" ;;
        "key --kind") words="auth_key repo_key api_key" ;;
        "key --vault") words="auto keyring file" ;;
        "key "*)
            words="add list remove"
            [[ $word != -* ]] || words="--kind --no-verify --vault -v --verbose -h --help --json" ;;
        "store --account") words="" ;;
        "store --vault") words="auto keyring file" ;;
        "store "*)
            words=""
            [[ $word != -* ]] || words="--account --vault -v --verbose -h --help" ;;
        "erase --account") words="" ;;
        "erase --vault") words="auto keyring file" ;;
        "erase "*)
            words=""
            [[ $word != -* ]] || words="--account --vault -v --verbose -h --help" ;;
        "doctor --vault") words="auto keyring file" ;;
        "doctor "*)
            words=""
            [[ $word != -* ]] || words="--json --offline --vault -v --verbose -h --help" ;;
        "config "*)
            words=""
            [[ $word != -* ]] || words="--json -v --verbose -h --help" ;;
        "sandbox --port") words="" ;;
        "sandbox --approve-after") words="" ;;
        "sandbox --deny-after") words="" ;;
        "sandbox --expires-in") words="" ;;
        "sandbox --interval") words="" ;;
        "sandbox --token-ttl") words="" ;;
        "sandbox --otp") words="" ;;
        "sandbox --rate-limit") words="" ;;
        "sandbox --fault") words="" ;;
        "sandbox --registry") words="" ;;
        "sandbox "*)
            words=""
            [[ $word != -* ]] || words="--port --approve-after --deny-after --expires-in --interval --token-ttl --otp --rate-limit --fault --registry -v --verbose -h --help" ;;
        "help "*)
            words=""
            [[ $word != -* ]] || words="-v --verbose -h --help" ;;
        " "*)
            words="login logout switch status get exec proxy api setup import key store erase doctor config sandbox help"
            [[ $word != -* ]] || words="--version -v --verbose -h --help" ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -F _hexauth hexauth
