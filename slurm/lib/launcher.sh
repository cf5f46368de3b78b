# shellcheck shell=bash
# How a job starts its ranks: by srun through PMIx where this Slurm has it, else by mpirun. Needs messages.sh, machine.sh
# and mpi.sh.

has_pmix() { srun --mpi=list 2>&1 | grep -qw pmix; }

# SLURM_TASKS_PER_NODE looks like "4(x2),3": the largest number decides.
most_tasks_on_a_node() {
  sed 's/(x[0-9]*)//g; s/,/\n/g' <<<"$SLURM_TASKS_PER_NODE" | sort -n | tail -n 1
}

# Without --kill-on-bad-exit=0 the first rank to leave, even with "saved", would take the others with it. Ranks leave
# within seconds of each other: what is still there half a minute later is stopped, or hangs.
srun_command() {
  printf '%s\n' srun --mpi=pmix --kill-on-bad-exit=0 --wait=30
  # Since Slurm 22.05 a step does not take this over from its job by itself.
  [[ -z ${SLURM_CPUS_PER_TASK:-} ]] || printf '%s\n' "--cpus-per-task=$SLURM_CPUS_PER_TASK"
}

# One rank has SLURM_CPUS_PER_TASK cores and Slurm does the binding; for mpirun 0 cores means: bind nothing.
mpirun_command() {
  printf '%s\n' mpirun
  mpirun_options "$SLURM_NTASKS" "" 0
}

# One word a line. FT_LAUNCHER decides, where it is set.
launcher_command() {
  case ${FT_LAUNCHER:-} in
    srun | mpirun) "${FT_LAUNCHER}_command" ;;
    '') if has_pmix; then srun_command; else mpirun_command; fi ;;
    *) die "FT_LAUNCHER is srun or mpirun, not '$FT_LAUNCHER'" ;;
  esac
}

set_up_mpi() {
  allow_root
  if (($(most_tasks_on_a_node) > $(nproc))); then export OMPI_MCA_mpi_yield_when_idle=1; fi
  if [[ -n ${FT_INTERFACE:-} ]]; then export OMPI_MCA_btl_tcp_if_include=$FT_INTERFACE; fi
}
