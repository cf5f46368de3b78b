# shellcheck shell=bash
# Following a job to its end. `sbatch --wait` looks rarely and shows nothing. Needs messages.sh.

# job_field JOB FIELD: from scontrol, which unlike sacct every cluster has.
job_field() {
  scontrol --oneliner show job "$1" | tr ' ' '\n' | sed -n "s/^$2=//p" | head -n 1
}

has_ended() {
  case $1 in
    PENDING | CONFIGURING | RUNNING | COMPLETING | SUSPENDED | STOPPED | REQUEUED | REQUEUE_HOLD | SPECIAL_EXIT | SIGNALING | STAGE_OUT | '')
      return 1
      ;;
  esac
}

# The controller may be restarting: a few unanswered questions are no end. A job that Slurm is about to requeue shows
# a final state for a moment: it must stand twice.
wait_for_job() {
  local job=$1 state previous='' reported='' unanswered=0
  while :; do
    if state=$(job_field "$job" JobState 2>/dev/null) && [[ -n $state ]]; then
      unanswered=0
    else
      unanswered=$((unanswered + 1))
      ((unanswered < 60)) || die "Slurm has not said anything about job $job for two minutes"
    fi
    [[ -z $state || $state == "$reported" ]] || note "job $job: $state"
    reported=${state:-$reported}
    if has_ended "$state" && [[ $state == "$previous" ]]; then return; fi
    previous=$state
    sleep 2
  done
}

# Prints the exit code that the job's end stands for: its script's own; 4 when Slurm or a signal ended it.
job_verdict() {
  local state code
  state=$(job_field "$1" JobState)
  code=$(job_field "$1" ExitCode)
  if [[ $state =~ ^(COMPLETED|FAILED)$ && $code == *:0 ]]; then echo "${code%%:*}"; else echo 4; fi
}

# follow_job JOB LOG: shows the log as it grows and returns the job's exit code. Ctrl-C ends the following only.
follow_job() {
  local job=$1 log=$2 tail_pid
  tail --lines=+1 --follow=name --retry --quiet "$log" 2>/dev/null &
  tail_pid=$!
  # shellcheck disable=SC2064  # the number is meant as it is now
  trap "kill $tail_pid 2>/dev/null || true" EXIT
  trap 'note "job goes on; scancel '"$job"' would end it"; exit 130' INT TERM
  wait_for_job "$job"
  sleep 1  # tail looks once a second
  return "$(job_verdict "$job")"
}
