#!/usr/bin/env bash
# A client of the desk's interface with bash and curl; with jq, where it is installed, positions are a table.
#
#   client.sh positions               what is held
#   client.sh follow [NUMBER]         what happens, as it happens; after so many events it ends
#   client.sh pause WHY [MARKET]      stop quoting
#   client.sh resume WHY [MARKET]     quote again
#
# TIEOUT_DESK is the address of the desk (http://127.0.0.1:8321), TIEOUT_WALLET the wallet, TIEOUT_DESK_TOKEN the token.
# Exit codes: 0 done, 1 refused, 2 out of reach or used wrongly.
set -euo pipefail

desk=${TIEOUT_DESK:-http://127.0.0.1:8321}
wallet=${TIEOUT_WALLET:?the address of a wallet}
base=${desk%/}/api/v1/wallets/$wallet

usage() {
    sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

# The token goes by a file that only curl sees: an argument could be read by everybody on this machine.
credentials() {
    [[ -z ${TIEOUT_DESK_TOKEN:-} ]] || printf 'Authorization: Bearer %s\n' "$TIEOUT_DESK_TOKEN"
}

ask() {
    curl --silent --show-error --max-time 60 --header @<(credentials) "$@"
}

# $1 as a string of JSON.
quoted() {
    local text=${1//\\/\\\\}
    text=${text//\"/\\\"}
    [[ $text != *[[:cntrl:]]* ]] || { echo "refused: one line of words is expected" >&2; exit 1; }
    printf '"%s"' "$text"
}

# Prints the body of an answer; ends with 1, and the words of the problem, where it was refused.
body() {
    local answer status
    answer=$(ask --write-out '\n%{http_code}' "$@") || exit 2
    status=${answer##*$'\n'}
    answer=${answer%$'\n'*}
    if [[ $status != 2* ]]; then
        echo "refused: $answer" >&2
        [[ $status != 5* ]] || exit 2
        exit 1
    fi
    printf '%s\n' "$answer"
}

positions() {
    local found
    found=$(body "$base/positions")
    if command -v jq >/dev/null; then
        jq -r '.items[] | [.shares, .cost_basis, .value, .token_id] | @tsv' <<<"$found"
    else
        printf '%s\n' "$found"
    fi
}

steer() {
    local why market
    why=$(quoted "$2")
    market=$(quoted "${3:-}")
    body --header 'content-type: application/json' \
        --data-raw "{\"who\": \"client.sh\", \"why\": $why, \"market\": $market}" "$base/actions/$1"
}

# Events are printed as "name data". A stream that breaks is begun again from the last id: its first event is "hello",
# which says to read again what you keep.
stream=''
trap '[[ -z $stream ]] || kill "$stream" 2>/dev/null || true' EXIT

follow() {
    local count=$1 number=0 last='' line name value event=''
    while true; do
        exec 3< <(exec curl --silent --no-buffer --header @<(credentials) \
            ${last:+--header "Last-Event-ID: $last"} "$base/events?only=booked&only=control")
        stream=$!
        while IFS= read -r line <&3; do
            name=${line%%:*} value=${line#*: }
            case $name in
                id) last=$value ;;
                event) event=$value ;;
                data)
                    printf '%s %s\n' "$event" "$value"
                    number=$((number + 1))
                    [[ $number != "$count" ]] || return 0
                    ;;
                '{"type"') echo "refused: $line" >&2; exit 1 ;;
            esac
        done
        sleep 2
    done
}

case ${1:-} in
    positions) positions ;;
    follow) follow "${2:-0}" ;;
    pause | resume)
        [[ -n ${2:-} ]] || usage
        steer "$@"
        ;;
    *) usage ;;
esac
