# shellcheck shell=bash
# What the jobs have in common: ranks that are asked to stop in time, and go on in the job's next run. Needs launcher.sh,
# time_limit.sh and launch/lib's messages.sh and supervise.sh.

readonly kStopped=75  # the programs' exit code for "stopped on request, goes on"

# run_job NAME PROGRAM ARGUMENTS...: does not return; the exit code is the ranks'. NAME is who speaks.
run_job() {
  speaker=$1
  shift
  local -a launcher
  local status=0
  set_up_mpi
  mapfile -t launcher < <(launcher_command)
  note "job $SLURM_JOB_ID on $SLURM_JOB_NODELIST: ${launcher[0]}, $SLURM_NTASKS ranks, restart ${SLURM_RESTART_COUNT:-0}"
  supervise "${FT_RESTARTS:-0}" "${launcher[@]}" "$@" || status=$?
  if ((status == kStopped)) && time_limit_is_near; then requeue; fi
  exit "$status"
}
