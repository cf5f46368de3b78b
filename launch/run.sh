#!/usr/bin/env bash
# launch/run.sh -np N [--hosts a:4,b:4] [--cores N] [--restarts N] [--dry-run] -- FT_DIST_ARGUMENTS
#
# The mpirun line done right: each rank bound to its share of the cores (or none, when there are more ranks than
# cores), keepalive so that a cut cable is noticed, and signals that save the run: TERM, INT (Ctrl-C) and USR1 ask the
# ranks to write a checkpoint and stop; TERM or INT a second time ends them at once.
#
#   -np N, --np N   ranks in all
#   --hosts LIST    hosts with their slots; default: this machine
#   --cores N       cores of each host, for the binding; default: as many as this machine has; 0: bind nothing
#   --restarts N    start again at most N times after a rank, a host or the network failed (exit code 4); with the
#                   default `checkpoint.resume: auto` training goes on from the last checkpoint; default: 0
#   --dry-run       print the line instead of running it
#   --help          this text
#
# Environment: FT_DIST=FILE       the program; default: build/bin/ft_dist
#              FT_INTERFACE=NAME  the network interface (or CIDR) that MPI uses; default: all
# FT_*, OMP_* and NCCL_* variables reach the ranks of every host.
#
# Exit code: ft_dist's (75: stopped on request, state saved); 4 where mpirun reports a lost rank or host, and
# after a second TERM or INT.
# Example: launch/run.sh -np 8 --hosts a:4,b:4 --restarts 3 -- --config configs/hotdog.yaml

set -euo pipefail
FT_ROOT=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
# shellcheck source=lib/messages.sh
source "$FT_ROOT/launch/lib/messages.sh"
# shellcheck source=lib/machine.sh
source "$FT_ROOT/launch/lib/machine.sh"
# shellcheck source=lib/program.sh
source "$FT_ROOT/launch/lib/program.sh"
# shellcheck source=lib/supervise.sh
source "$FT_ROOT/launch/lib/supervise.sh"
# shellcheck source=lib/mpi.sh
source "$FT_ROOT/launch/lib/mpi.sh"

np='' hosts='' cores='' restarts=0 dry_run=0
while (($#)); do
  case $1 in
    -np | --np) need_value "$1" "$@"; np=$2; shift ;;
    --hosts) need_value "$1" "$@"; hosts=$2; shift ;;
    --cores) need_value "$1" "$@"; cores=$2; shift ;;
    --restarts) need_value "$1" "$@"; restarts=$2; shift ;;
    --dry-run) dry_run=1 ;;
    --help | -h) print_help "$0"; exit 0 ;;
    --) shift; break ;;
    *) die "unknown option '$1'; ft_dist's own arguments follow -- (see --help)" ;;
  esac
  shift
done
[[ $np =~ ^[1-9][0-9]*$ ]] || die "-np takes the number of ranks, not '$np' (see --help)"
[[ $restarts =~ ^[0-9]+$ ]] || die "--restarts takes a number, not '$restarts'"
[[ $cores =~ ^[0-9]*$ ]] || die "--cores takes a number, not '$cores'"
[[ $hosts =~ ^([^,:[:space:]]+(:[1-9][0-9]*)?(,|$))*$ ]] || die "--hosts takes a list like a:4,b:4, not '$hosts'"

allow_root
program=$(find_program ft_dist)
mapfile -t options < <(mpirun_options "$np" "$hosts" "${cores:-$(bindable_cores)}")
command=(mpirun "${options[@]}" "$program" "$@")
if ((dry_run)); then
  printf '%q ' "${command[@]}"
  echo
  exit 0
fi
command -v mpirun >/dev/null || die "no mpirun: run launch/setup.sh"
supervise "$restarts" "${command[@]}"
