#!/usr/bin/env bash
# tests/support/note_end.sh FOLDER COMMAND...: one rank under a launcher. Leaves its process id in FOLDER/pid-RANK, and
# exit code and time of its end in FOLDER/end-RANK: what launchers themselves return is their own affair.

set -u
folder=$1
shift
rank=${OMPI_COMM_WORLD_RANK:-${SLURM_PROCID:?no launcher}}
trap '' TERM  # the launcher means the command, which must be outlived
(
  trap - TERM
  trap '' XFSZ  # so that a limit on file sizes (prlimit --fsize) is an error, and not a death
  exec "$@"
) &
pid=$!
echo "$pid" >"$folder/pid-$rank"
status=0
wait "$pid" || status=$?
echo "$status $EPOCHREALTIME" >"$folder/end-$rank"  # builtins only: the launcher is about to kill this script
exit "$status"
