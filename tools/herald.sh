#!/usr/bin/env bash
# Herald in the form of the peers' kit, so that one command measures it and any
# peer with the same client and the same work:
#
#   tools/herald.sh start fsync | stop | bench fsync    as every script there
#   tools/herald.sh beside PEER...                      Herald and the peers, in
#                                                       turn, and a summary
#
# PEERS_KIT names the kit's folder, HERALD the program (build/herald). The kit's
# README has the other settings. Every acknowledged record is on disk: there is
# no other mode.
here=$(cd "$(dirname "$0")" && pwd)
PEERS_KIT=${PEERS_KIT:-$here/../../shared/peers}
[ -f "$PEERS_KIT/lib.sh" ] || {
    echo "there is no kit in $PEERS_KIT: set PEERS_KIT" >&2
    exit 2
}
. "$PEERS_KIT/lib.sh"
HERALD=${HERALD:-$here/../build/herald}
PORT=19192 DATA=$BASE/data/herald PID=$BASE/herald.pid

launch() {
    setsid "$HERALD" node --data "$DATA" --listen 127.0.0.1:0 \
        --kafka 127.0.0.1:$PORT >"$BASE/herald.log" 2>&1 </dev/null &
    echo $! >"$PID"
}
start() { rm -rf "$DATA"; mkdir -p "$DATA"; launch; wait_port $PORT; }
stop() { stop_pid "$PID"; rm -rf "$DATA"; }
client() {
    local work=$1
    shift
    "$BIN/kafka_client" --work "$work" --port $PORT --seconds "$SECS" "$@"
}
restart() {
    stop_pid "$PID" KILL
    restart_time launch client ready --topic "$1" --size 200 --seconds 25
}

section() {
    local size=${2%:*} parts=${2#*:} n r t pid m=(measure herald "$1")
    pid=$(cat "$PID") n=$(count_for "$size")
    case $2 in
    single)
        client make --topic warm
        client bulk --topic warm --seconds 10 >/dev/null
        client make --topic rate
        for ((r = 1; r <= REPS; r++)); do
            "${m[@]}" "sync 200B" "$pid" "$0" client sync --topic rate --seconds 3
            "${m[@]}" "rate 20k/s 200B" "$pid" \
                "$0" client rate --topic rate --rate 20000 --seconds 5
        done ;;
    restart)
        client make --topic restart
        client bulk --topic restart --count "$(count_for 200)" >/dev/null
        for ((r = 1; r <= REPS; r++)); do
            "${m[@]}" "restart 2M" 0 "$0" restart restart
        done ;;
    *)
        for ((r = 1; r <= REPS; r++)); do
            t=b$size-$parts-$r
            client make --topic "$t" --parts "$parts"
            "${m[@]}" "append ${size}B x$parts" "$pid" \
                "$0" client bulk --topic "$t" --parts "$parts" --size "$size" --count "$n"
            "${m[@]}" "read ${size}B x$parts" "$pid" \
                "$0" client read --topic "$t" --parts "$parts" --size "$size" --count "$n" --seconds 20
        done ;;
    esac
}

bench() {
    trap '"$0" stop' EXIT
    $START_PREFIX "$0" start "$1"
    sections "$1" single $WORKS restart
}

beside() {
    # One repeat of one work after the other, each on fresh data, and every
    # second repeat in the other order: what a run finds of free memory is what
    # the one before it left.
    local works=$WORKS repeats=$REPS r peer line back swap
    line=("$0") back=("$0")
    for peer in "$@"; do
        line+=("$PEERS_KIT/$peer.sh")
        back=("$PEERS_KIT/$peer.sh" "${back[@]}")
    done
    export WORKS REPS=1
    for ((r = 1; r <= repeats; r++)); do
        for WORKS in $works; do
            # What librdkafka can do against its own broker in memory.
            measure mock memory "append 200B x1" 0 "$BIN/kafka_client" \
                --work mock --size 200 --count "$(count_for 200)"
            for peer in "${line[@]}"; do
                "$peer" bench fsync || echo "$peer stopped early" >&2
            done
        done
        swap=("${line[@]}") line=("${back[@]}") back=("${swap[@]}")
    done
    python3 "$PEERS_KIT/summary.py" "$RESULTS"
}

cmd=${1:?start, stop, bench or beside}
shift
"$cmd" "$@"
