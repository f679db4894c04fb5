# Completion of hexauth for bash; written by scripts/manual.
_hexauth_at() {
    case $1 in
        "login --account") known=accounts ;;
        "login --client-id") ;;
        "login --scope") ;;
        "login --name") ;;
        "login --vault") words="auto keyring file" ;;
        "logout --account") known=accounts ;;
        "logout --vault") words="auto keyring file" ;;
        "status --account") known=accounts ;;
        "status --vault") words="auto keyring file" ;;
        "get --format") words="git token header json env curl" ;;
        "get --repo") known=repositories ;;
        "get --account") known=accounts ;;
        "get --min-ttl") ;;
        "get --vault") words="auto keyring file" ;;
        "exec --env") words="token authorization header username json" after=yes ;;
        "exec --otp") ;;
        "exec --account") known=accounts ;;
        "exec --min-ttl") ;;
        "exec --vault") words="auto keyring file" ;;
        "proxy --format") words="env json" ;;
        "proxy --address") words="127.0.0.1 ::1" ;;
        "proxy --port") ;;
        "proxy --account") known=accounts ;;
        "proxy --min-ttl") ;;
        "proxy --vault") words="auto keyring file" ;;
        "api -X"|"api --method") words="GET POST PUT PATCH DELETE HEAD" ;;
        "api -f"|"api --field") ;;
        "api --input") files=file ;;
        "api -H"|"api --header") ;;
        "api --target") known=targets ;;
        "api --account") known=accounts ;;
        "api --vault") words="auto keyring file" ;;
        "setup --host") known=hosts ;;
        "setup --shell") words="bash zsh fish" ;;
        "import --vault") words="auto keyring file" ;;
        "key add --kind") words="auth_key repo_key api_key" ;;
        "key add --vault") words="auto keyring file" ;;
        "key remove --kind") words="auth_key repo_key api_key" ;;
        "key remove --vault") words="auto keyring file" ;;
        "store --account") known=accounts ;;
        "store --vault") words="auto keyring file" ;;
        "erase --account") known=accounts ;;
        "erase --vault") words="auto keyring file" ;;
        "doctor --vault") words="auto keyring file" ;;
        "vault init --vault") words="auto keyring file" ;;
        "vault rekey --new-passphrase-file") files=file ;;
        "vault rekey --vault") words="auto keyring file" ;;
        "sandbox --port") ;;
        "sandbox --approve-after") ;;
        "sandbox --deny-after") ;;
        "sandbox --expires-in") ;;
        "sandbox --interval") ;;
        "sandbox --token-ttl") ;;
        "sandbox --otp") ;;
        "sandbox --rate-limit") ;;
        "sandbox --fault") words="400 401 403 404 408 429 500 502 503 504 drop drop-after slow hang html empty half-json cut-off endless not-object redirect slow-down token-expired invalid-token bad-uri control-code" ;;
        "sandbox --registry") files=directory ;;
        " options") words="--version -v --verbose -h --help" ;;
        " 0") words="login logout switch status get exec proxy api setup import key store erase doctor config vault sandbox help" ;;
        "login options") words="--account --client-id --browser --no-browser --qr --no-qr --force --scope --name --with-token --json --vault -v --verbose -h --help" ;;
        "login 0") known=servers ;;
        "logout options") words="--account --json --vault -v --verbose -h --help" ;;
        "logout 0") known=servers ;;
        "switch options") words="--json -v --verbose -h --help" ;;
        "switch 0") known=accounts ;;
        "switch 1") known=servers ;;
        "status options") words="--json --account --vault -v --verbose -h --help" ;;
        "get options") words="--format --repo --account --explain --login --no-login --min-ttl --vault -v --verbose -h --help" ;;
        "get 0") known=targets ;;
        "exec options") words="--env --otp --direct --account --login --no-login --min-ttl --vault -v --verbose -h --help" ;;
        "exec 0") known=targets ;;
        "exec program") files=command ;;
        "proxy options") words="--format --background --address --port --account --login --no-login --min-ttl --vault -v --verbose -h --help" ;;
        "api options") words="-X --method -f --field --input -H --header -i --include --paginate --target --account --login --no-login --vault -v --verbose -h --help" ;;
        "api 0") ;;
        "setup options") words="--undo --dry-run --host --all-hosts --shim --shell --json -v --verbose -h --help" ;;
        "setup 0") words="git docker bazel mix rebar3 gleam curl shell" ;;
        "import options") words="--yes --remove --json --vault -v --verbose -h --help" ;;
        "key options") words="-v --verbose -h --help" ;;
        "key 0") words="add list remove" ;;
        "key add options") words="--kind --no-verify --json --vault -v --verbose -h --help" ;;
        "key add 0") known=repositories ;;
        "key list options") words="--json -v --verbose -h --help" ;;
        "key remove options") words="--kind --json --vault -v --verbose -h --help" ;;
        "key remove 0") known=keys ;;
        "store options") words="--account --vault -v --verbose -h --help" ;;
        "erase options") words="--account --vault -v --verbose -h --help" ;;
        "doctor options") words="--json --offline --vault -v --verbose -h --help" ;;
        "config options") words="--json -v --verbose -h --help" ;;
        "config 0") words="list get set unset" ;;
        "config list options") words="--json -v --verbose -h --help" ;;
        "config get options") words="--json -v --verbose -h --help" ;;
        "config get 0") words="vault vault_timeout passphrase passphrase_file passphrase_command min_ttl cache cache_stored no_login screen browser qr notify ci api_url api_key repos_key otp mirror_url trusted_mirror_url account accounts servers repositories client_id scope username allow_http http_timeout offline cacerts_path cert_file cert_dir ca_bundle unsafe_https https_proxy no_proxy verbose hex_home" ;;
        "config set options") words="--json -v --verbose -h --help" ;;
        "config set 0") words="vault vault_timeout passphrase_file passphrase_command min_ttl cache cache_stored no_login screen browser qr notify api_url mirror_url trusted_mirror_url account accounts servers repositories client_id scope username allow_http http_timeout offline cacerts_path" ;;
        "config set 1") ;;
        "config unset options") words="--json -v --verbose -h --help" ;;
        "config unset 0") words="vault vault_timeout passphrase_file passphrase_command min_ttl cache cache_stored no_login screen browser qr notify api_url mirror_url trusted_mirror_url account accounts servers repositories client_id scope username allow_http http_timeout offline cacerts_path" ;;
        "vault options") words="-v --verbose -h --help" ;;
        "vault 0") words="init rekey" ;;
        "vault init options") words="--print --json --vault -v --verbose -h --help" ;;
        "vault init 0") ;;
        "vault rekey options") words="--new-passphrase-file --finish --json --vault -v --verbose -h --help" ;;
        "vault rekey 0") ;;
        "sandbox options") words="--port --approve-after --deny-after --expires-in --interval --token-ttl --otp --rate-limit --fault --registry -v --verbose -h --help" ;;
        "sandbox program") files=command ;;
        "help options") words="-v --verbose -h --help" ;;
        "help program") files=command ;;
        *) return 1 ;;
    esac
}
_hexauth() {
    local line=${COMP_LINE:0:COMP_POINT} command= option= place=0 word= before= breaks= each
    local words= known= files= after=
    local -a typed=()
    COMPREPLY=()
    # COMP_WORDS has been split at colons, as the words that bash itself knows hold none.
    read -r -d '' -a typed <<< "$line"
    if [[ $line != *[[:space:]] ]]; then
        word=${typed[${#typed[@]}-1]}
        unset "typed[${#typed[@]}-1]"
    fi
    for each in "${typed[@]:1}"; do
        if [[ -n $option ]]; then
            option=
        elif [[ $each == -- ]]; then
            place=program
            break
        elif [[ $each == -* ]]; then
            if [[ $each != *=* ]] && _hexauth_at "$command $each"; then option=$each; fi
        elif [[ $place == 0 ]] && _hexauth_at "${command:+$command }$each options"; then
            command=${command:+$command }$each
        else
            place=$((place + 1))
        fi
    done
    if [[ $word == [\"\']* ]]; then
        word=${word:1}
    else
        for each in : = @; do
            if [[ $COMP_WORDBREAKS == *"$each"* ]]; then breaks+=$each; fi
        done
    fi
    words= known= files= after=
    if [[ -n $option ]]; then
        _hexauth_at "$command $option"
    elif [[ $place == program ]]; then
        _hexauth_at "$command program"
    elif [[ $word == --*=* ]]; then
        before=${word%%=*}=
        _hexauth_at "$command ${word%%=*}"
    elif [[ $word == -* ]]; then
        _hexauth_at "$command options"
    else
        _hexauth_at "$command $place"
    fi || return 0
    each=${word#"$before"}
    if [[ -n $after ]]; then
        [[ $each == *=* ]] || return 0
        before+=${each%%=*}=
    fi
    if [[ -n $files ]]; then
        if [[ $files != command ]]; then compopt -o filenames 2> /dev/null; fi
        while IFS= read -r each; do
            COMPREPLY+=("$before$each")
        done < <(compgen -A "$files" -- "${word#"$before"}")
    fi
    while IFS= read -r each; do
        if [[ -n $each && $before$each == "$word"* ]]; then COMPREPLY+=("$before$each"); fi
    done < <(printf '%s\n' $words; [[ -z $known ]] || command hexauth complete "$known" 2> /dev/null)
    # Readline replaces what is behind the last of these alone.
    if [[ -n $breaks && $word == *["$breaks"]* ]]; then
        each=${word%"${word##*["$breaks"]}"}
        COMPREPLY=("${COMPREPLY[@]#"$each"}")
    fi
}
complete -F _hexauth hexauth
