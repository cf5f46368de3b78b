#!/usr/bin/env bash
# How the processes of a job end: test_session.sh MPIRUN PROBE
set -u
mpirun=$1
probe=$2
failures=0

proof=$(mktemp)
export FT_ABORT_PROOF=$proof  # where the probe writes the status that MPI_Abort is given
trap 'rm -f "$proof"' EXIT

# expect NAME STATUS TEXT COMMAND...: the command ends within 20 s with this status, and says TEXT.
expect() {
  local name=$1 status=$2 text=$3 output got
  shift 3
  output=$(timeout 20 "$@" 2>&1)
  got=$?
  if [[ $got -ne $status || $output != *"$text"* ]]; then
    echo "FAILED $name: status $got instead of $status, or no '$text' in:"
    echo "$output"
    failures=$((failures + 1))
  else
    echo "ok $name"
  fi
}

# expect_abort NAME STATUS COMMAND...: and by way of MPI_Abort, which alone ends the ranks that wait at once.
expect_abort() {
  local name=$1 status=$2
  shift 2
  : >"$proof"
  expect "$name" "$status" "" "$@"
  if [[ $(<"$proof") != "$status" ]]; then
    echo "FAILED $name: MPI_Abort was given '$(<"$proof")' instead of $status"
    failures=$((failures + 1))
  fi
}

run=("$mpirun" --oversubscribe --bind-to none -np 2)

expect "a world of two ends cleanly" 0 "" "${run[@]}" "$probe" end
expect "a process on its own ends cleanly" 0 "" "$probe" end
expect_abort "abort ends the ranks that wait, with its status" 5 "${run[@]}" "$probe" abort
expect_abort "an exception on one rank ends the ranks that wait" 1 "${run[@]}" "$probe" throw
expect "a watched rank that throws ends first, with its status" 5 "the last rank says why" "${run[@]}" "$probe" watched-throw
expect "another MPI's launcher is noticed" 2 "started 8 ranks, but MPI sees a world of 1" \
  env PMI_RANK=3 PMI_SIZE=8 "$probe" end
expect "srun without PMIx is noticed before MPI starts" 2 "srun --mpi=pmix" \
  env SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=4 "$probe" end

exit $((failures > 0))
