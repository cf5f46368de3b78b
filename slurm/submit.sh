#!/usr/bin/env bash
# slurm/submit.sh --nodes N --ntasks-per-node N [SBATCH_OPTIONS] -- FT_DIST_ARGUMENTS
# slurm/submit.sh --pack --nodes N --ntasks-per-node 1 [SBATCH_OPTIONS] -- SRC --out DIR [FT_PACK_OPTIONS]
#
# Submits slurm/train.sbatch (or, with --pack, slurm/pack.sbatch) and prints "job ID" and "log PATH". One task is one
# rank: to train, as many a node as it has GPUs; to pack, one a node with --cpus-per-task as many as it has cores.
# The folder that this is called from must be on a file system that all nodes share, and so must the project's.
#
#   SBATCH_OPTIONS    go to sbatch as they are: --time, --partition, --account, --gpus-per-node, --cpus-per-task, ...
#   --pack            pack a data set instead of training
#   --wait            stay until the job ends, show its log, and leave with its exit code
#   --restarts N      start the ranks again at most N times, inside the job, after a rank or the network failed (4)
#   --stop-lead S     save and stop S seconds before the time limit; default: 120
#   --dry-run         print the sbatch line instead
#   --help            this text
#
# Environment: see slurm/train.sbatch --help and slurm/pack.sbatch --help; FT_DIST and the rest reach the job.
# Example: slurm/submit.sh --nodes 2 --ntasks-per-node 4 --gpus-per-node 4 --time 2:00:00 -- --config configs/hotdog.yaml

set -euo pipefail
FT_ROOT=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
export FT_ROOT
# shellcheck source=../launch/lib/messages.sh
source "$FT_ROOT/launch/lib/messages.sh"
# shellcheck source=../launch/lib/program.sh
source "$FT_ROOT/launch/lib/program.sh"
# shellcheck source=lib/follow.sh
source "$FT_ROOT/slurm/lib/follow.sh"

job_kind=train program=ft_dist options=() wait=0 dry_run=0 has_output=0
while (($#)); do
  case $1 in
    --pack) job_kind=pack program=ft_pack ;;
    --wait) wait=1 ;;
    --restarts) need_value "$1" "$@"; export FT_RESTARTS=$2; shift ;;
    --stop-lead) need_value "$1" "$@"; export FT_STOP_LEAD=$2; shift ;;
    --dry-run) dry_run=1 ;;
    --help | -h) print_help "$0"; exit 0 ;;
    --) shift; break ;;
    -o | --output | --output=*) has_output=1; options+=("$1") ;;
    *) options+=("$1") ;;
  esac
  shift
done
(($#)) || die "$program's arguments are missing: they follow -- (see --help)"
[[ ${FT_RESTARTS:-0} =~ ^[0-9]+$ ]] || die "--restarts takes a number, not '$FT_RESTARTS'"
[[ ${FT_STOP_LEAD:-120} =~ ^[0-9]+$ ]] || die "--stop-lead takes seconds, not '$FT_STOP_LEAD'"

found=$(find_program "$program")
export "${program^^}=$found"
((has_output)) || options+=("--output=$PWD/$program-%j.log")
[[ -z ${FT_STOP_LEAD:-} ]] || options+=("--signal=B:USR1@$FT_STOP_LEAD")
command=(sbatch --parsable "${options[@]}" "$FT_ROOT/slurm/$job_kind.sbatch" "$@")
if ((dry_run)); then
  printf '%q ' "${command[@]}"
  echo
  exit 0
fi
command -v sbatch >/dev/null || die "no sbatch: this is not a Slurm login node"

job=$("${command[@]}") || die "sbatch refused the job (its words are above)"
job=${job%%;*}
log=$(job_field "$job" StdOut)
printf 'job %s\nlog %s\n' "$job" "$log"
((!wait)) || follow_job "$job" "$log"
