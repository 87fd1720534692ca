/**
 * The shell program between Deno and PostgreSQL.
 *
 * @module
 */

/**
 * Starts a server in the background, prints its process id and ends, leaving
 * two small processes: one waits for the server to end and notes its exit
 * code, the other looks every half second whether the owner still lives, and
 * if not ends the server and removes its folder. That holds for an owner that
 * was killed too, which no handler in the owner could see to.
 *
 * Arguments: the cluster's folder, its socket folder, the log file, the
 * owner's process id or nothing, and the server's command line.
 */
export const SUPERVISOR = `
folder=$1 sockets=$2 log=$3 owner=$4
shift 4

# A process that the system has only to reap counts as dead.
alive() {
  if [ -r /proc/self/stat ]; then
    { read -r stat < "/proc/$1/stat"; } 2>/dev/null || return 1
    case $stat in *") Z "*) return 1 ;; esac
    return 0
  fi
  kill -0 "$1" 2>/dev/null || ps -p "$1" >/dev/null 2>&1
}

supervise() {
  "$@" >>"$log" 2>&1 </dev/null &
  server=$!
  echo "$server" >"$folder/pid.new" && mv "$folder/pid.new" "$folder/pid"
  if [ -n "$owner" ]; then
    watch &
    watcher=$!
  fi
  wait "$server"
  echo $? >"$folder/exit-$server"
  if [ -n "$owner" ]; then
    # A watcher that is cleaning up must come to its end.
    [ -e "$folder/sweeping" ] || kill "$watcher"
    wait "$watcher"
  fi
}

watch() {
  trap 'kill $pause; wait $pause; exit' TERM
  while alive "$owner"; do
    sleep 0.5 &
    pause=$!
    wait "$pause"
  done
  trap '' TERM
  : >"$folder/sweeping"
  kill -INT "$server"
  n=0
  while alive "$server" && [ "$n" -lt 50 ]; do sleep 0.1; n=$((n + 1)); done
  kill -QUIT "$server"
  n=0
  while alive "$server" && [ "$n" -lt 50 ]; do sleep 0.1; n=$((n + 1)); done
  kill -KILL "$server"
  rm -rf "$sockets" "$folder"
}

rm -f "$folder/pid"
# With "exec", since a redirected function would keep the old descriptors, and
# whoever reads our output would wait for their end.
( exec >/dev/null 2>&1 </dev/null; supervise "$@" ) &
n=0
while [ ! -s "$folder/pid" ] && [ "$n" -lt 1000 ]; do sleep 0.01; n=$((n + 1)); done
cat "$folder/pid"
`;
