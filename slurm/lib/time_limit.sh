# shellcheck shell=bash
# A job that was stopped by its time limit, with all saved, goes back into the queue. Needs messages.sh.

# Slurm sends the warning up to a minute early.
time_limit_is_near() {
  local left
  left=$(squeue --noheader --job "$SLURM_JOB_ID" --Format TimeLeft | tr -d ' ')
  [[ $left =~ ^([0-9]+):([0-9]+)$ ]] || return 1  # UNLIMITED, or more than an hour
  ((10#${BASH_REMATCH[1]} * 60 + 10#${BASH_REMATCH[2]} <= ${FT_STOP_LEAD:-120} + 60))
}

requeue() {
  local times=${SLURM_RESTART_COUNT:-0}
  if ((times >= ${FT_MAX_REQUEUES:-100})); then
    note "saved, but this was time limit $((times + 1)) and FT_MAX_REQUEUES=${FT_MAX_REQUEUES:-100}: not requeued"
    return
  fi
  note "saved before the time limit: back into the queue (time $((times + 1)))"
  # Slurm now ends this script; an end of its own could come first and be taken for the job's.
  trap - TERM INT USR1
  scontrol requeue "$SLURM_JOB_ID"
  sleep 60
}
