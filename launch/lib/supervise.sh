# shellcheck shell=bash
# Running a launcher (mpirun, srun) so that a request to stop saves the run first. Needs messages.sh.
#
# mpirun gives its ranks one second after TERM or INT, but forwards USR1 with no limit, and USR1 asks ft_dist to save
# and leave with 75. So TERM, INT and USR1 all become USR1; a second TERM or INT means at once.

readonly kPeerFailed=4  # ft_dist's exit code for a peer or the network

launcher_pid=
reminder_pid=
stop_requested=0
end_requested=0
signal_seen=0

ask_to_stop() {
  signal_seen=1
  if ((stop_requested)) && [[ $1 != USR1 ]]; then
    note "$1 again: ending without saving"
    end_requested=1
    signal_launcher TERM
  else
    note "$1: asking the ranks to save and stop"
    signal_launcher USR1
    start_reminding
  fi
  stop_requested=1
}

# It may have ended, or not be there yet.
signal_launcher() { [[ -z $launcher_pid ]] || kill "-$1" "$launcher_pid" 2>/dev/null || true; }

# Slurm's warning may come while the launcher is still starting the ranks, and is then lost. Asking twice does no harm.
start_reminding() {
  [[ -n $launcher_pid && -z $reminder_pid ]] || return 0
  while sleep 5 && kill -USR1 "$launcher_pid"; do :; done </dev/null >/dev/null 2>&1 &
  reminder_pid=$!
}

stop_reminding() {
  [[ -z $reminder_pid ]] || kill "$reminder_pid" 2>/dev/null || true
  reminder_pid=
}

trap_stop_signals() {
  local name
  # shellcheck disable=SC2064  # the name is meant as it is now
  for name in TERM INT USR1; do trap "ask_to_stop $name" "$name"; done
}

# A trap interrupts `wait`, which then reports the signal and not the program's end: wait again.
wait_through_signals() {
  local status
  while :; do
    signal_seen=0
    status=0
    wait "$1" || status=$?
    ((signal_seen)) || return "$status"
  done
}

run_once() {
  local status=0
  # A session of its own: Ctrl-C must reach this script only, or mpirun would kill its ranks before they have saved.
  setsid "$@" </dev/null &
  launcher_pid=$!
  ((!stop_requested)) || start_reminding  # asked just before it was there
  wait_through_signals "$launcher_pid" || status=$?
  launcher_pid=
  stop_reminding
  # Ended by a signal, or mpirun lost a rank or a node: for the caller that is one thing. mpirun itself ends a TERM
  # with 1.
  ((status < 128 && !end_requested)) || status=$kPeerFailed
  return "$status"
}

# supervise RESTARTS COMMAND...: runs the command, again after a failed peer at most RESTARTS times (`resume: auto`
# goes on from the last checkpoint), and returns its status.
supervise() {
  local restarts=$1 attempt=0 status
  shift
  trap_stop_signals
  while :; do
    status=0
    run_once "$@" || status=$?
    ((status == kPeerFailed && attempt < restarts && !stop_requested)) || return "$status"
    attempt=$((attempt + 1))
    note "a rank or the network failed; restart $attempt of $restarts"
    pause_before_restart || return "$status"
  done
}

# Fails when a stop is asked for meanwhile.
pause_before_restart() {
  sleep 2 &
  wait_through_signals $! || true
  ((!stop_requested))
}
