#!/usr/bin/env bash
# tests/launch/test_run.sh: launch/run.sh passes exit codes, saves before it stops, restarts after a lost rank, and
# writes the right mpirun line. FT_DIST is tests/launch/stand_in.cpp.

set -euo pipefail
FT_ROOT=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
# shellcheck source=../lib/expect.sh
source "$FT_ROOT/tests/lib/expect.sh"
run=$FT_ROOT/launch/run.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# run_and_signal SIGNAL...: starts two ranks that would run for a minute, signals run.sh as soon as they stand, leaves
# run.sh's status and output.
run_and_signal() {
  local pid signal status=0
  : >"$work/log"
  "$run" -np 2 -- --seconds 60 >"$work/log" 2>&1 &
  pid=$!
  until (($(grep -c '^rank' "$work/log") == 2)); do sleep 0.05; done
  for signal; do
    kill "-$signal" "$pid"
    sleep 0.3
  done
  wait "$pid" || status=$?
  cat "$work/log"
  return "$status"
}

# A signal saves the run, even where mpirun alone would give the ranks only a second.
expect_status 75 run_and_signal TERM
expect_output 'saved'
expect_status 75 run_and_signal USR1
expect_output 'saved'
expect_status 4 run_and_signal TERM TERM
expect_no_output 'saved'

# Exit codes pass; a lost rank is 4, and is restarted only when asked for.
expect_status 0 "$run" -np 2 -- --code 0
expect_status 3 "$run" -np 2 -- --code 3
expect_status 4 "$run" -np 2 -- --die-once "$work/first"
expect_status 0 "$run" -np 2 --restarts 1 -- --die-once "$work/second"
expect_output 'restart 1 of 1'
expect_status 3 "$run" -np 2 --restarts 2 -- --code 3
expect_no_output 'restart 1'

# The line: one rank gets all cores, a crowd is not bound and yields, variables of ours reach the ranks.
expect_status 0 env FT_INTERFACE=lo FT_THING=1 "$run" -np 1 --cores 6 --dry-run -- --config 'a b'
expect_output 'slot:PE=6 --bind-to core'
expect_output 'btl_tcp_if_include lo'
expect_output '-x FT_THING'
expect_output '--config a\\ b'
expect_status 0 "$run" -np 8 --hosts a:4,b:4 --cores 2 --dry-run --
expect_output '--host a:4\\,b:4 --oversubscribe .*--bind-to none --mca mpi_yield_when_idle 1'

expect_status 2 "$run" -np none --
expect_status 2 "$run" --bogus
expect_status 2 env FT_DIST=/no/such/program "$run" -np 1 --
expect_output 'FT_DIST=/no/such/program is not a program'
finish
