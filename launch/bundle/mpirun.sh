#!/bin/sh
# Starts the bundle's mpirun, which starts the bundle's orted on the other hosts.
bundle=$(dirname "$(readlink -f "$0")")
# shellcheck disable=SC2034  # environment.sh reads it
name=mpirun
# shellcheck source=/dev/null
. "$bundle/lib/environment.sh"

# Whether mpirun will go to other hosts by ssh. In a Slurm job it goes by srun, which needs no shell. Of PBS and Grid Engine
# it learns no hosts: Debian's has no plugin for the one, the bundle none for the other.
for_other_hosts() {
  [ -z "${SLURM_JOBID:-}" ] || return 1
  [ -z "${OMPI_MCA_orte_default_hostfile:-}${OMPI_MCA_orte_rankfile:-}${OMPI_MCA_rmaps_rank_file_path:-}" ] || return 0
  for word; do
    case $word in
      -H | -host | --host | -hostfile | --hostfile | -machinefile | --machinefile) return 0 ;;
      -default-hostfile | --default-hostfile | -rf | --rf | -rankfile | --rankfile) return 0 ;;
      orte_default_hostfile | orte_rankfile | rmaps_rank_file_path) return 0 ;;  # after --mca
    esac
  done
  # What applies where none is named, as the administrator may have filled it.
  grep -Eqs '^[[:space:]]*[^#[:space:]]' "$bundle/etc/openmpi/openmpi-default-hostfile"
}

# mpirun quotes nothing in the line that the other host's shell reads, nor when it looks for ssh.
case $(printf '%s' "$bundle" | tr -d '/._+@%=,~-') in
  *[[:space:][:punct:]]*)
    ! for_other_hosts "$@" ||
      bundle_die "mpirun can start nothing on other hosts in '$bundle' (hint: unpack the bundle to a path without spaces and the like)"
    ;;
  *)
    # By its path, since from the 65th host on a host starts orted that knows of no folder to prepend.
    export OMPI_MCA_orte_launch_agent="${OMPI_MCA_orte_launch_agent:-$bundle/bin/orted}"
    # With an agent that is named mpirun would not look for Grid Engine's.
    [ -n "${PE_HOSTFILE:-}" ] || export OMPI_MCA_plm_rsh_agent="${OMPI_MCA_plm_rsh_agent:-$bundle/lib/ssh}"
    ;;
esac

# LibTorch on the other hosts is found as here, unless they say otherwise: mpirun hands on variables named OMPI_* without
# being told to. An activated conda environment, say, is known by its python3 alone.
export OMPI_FT_LIBTORCH="${FT_LIBTORCH:-}"
export OMPI_FT_PYTHON="${FT_PYTHON:-${VIRTUAL_ENV:+$VIRTUAL_ENV/bin/python3}}"
[ -n "$OMPI_FT_LIBTORCH$OMPI_FT_PYTHON" ] || OMPI_FT_PYTHON=$(command -v python3)

exec "$bundle/bin/mpirun" "$@"
