#!/usr/bin/env bash
# tests/slurm/test_requeue.sh: a job saves before its time limit and comes back; a stop request ends it; exit codes
# come out of the job; both launchers reach both nodes. FT_DIST is tests/launch/stand_in.cpp.

set -euo pipefail
FT_ROOT=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
# shellcheck source=../lib/expect.sh
source "$FT_ROOT/tests/lib/expect.sh"
# shellcheck source=cluster.sh
source "$FT_ROOT/tests/slurm/cluster.sh"

for launcher in srun mpirun; do
  FT_LAUNCHER=$launcher expect_status 3 submit --wait -- --code 3
  expect_output "train: .*: $launcher, 4 ranks"
  expect_output 'rank [0-3] of 4 on n0'
  expect_output 'rank [0-3] of 4 on n1'
done

# A rank is lost: 4, and with --restarts the ranks start again inside the job.
expect_status 4 submit --wait -- --die-once "$work/jobs/first"
expect_status 0 submit --wait --restarts 1 -- --die-once "$work/jobs/second"
expect_output 'restart 1 of 1'

stop_a_running_job() {
  local job
  submit -- --seconds 60 | tee submitted
  job=$(submitted_job)
  until (($(grep -cs '^rank' "ft_dist-$job.log") == 4)); do sleep 0.1; done
  stop_job "$job" "ft_dist-$job.log"
}
expect_status 0 stop_a_running_job
expect_output 'ExitCode=75:0'
expect_output 'saved'
expect_no_output 'back into the queue'

# Slurm's limits are whole minutes; the warning may come a minute early, so this takes 20 s a run.
FT_MAX_REQUEUES=1 expect_status 75 submit --time 1 --stop-lead 30 --wait -- --seconds 100
expect_output 'saved before the time limit: back into the queue'
expect_output '4 ranks, restart 1'
expect_output 'FT_MAX_REQUEUES=1: not requeued'
finish
