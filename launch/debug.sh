#!/usr/bin/env bash
# launch/debug.sh --config C [--set KEY=VALUE]... [--asan] [--np N] [-- FT_DIST_ARGUMENTS]
#
# ft_dist under gdb, as a world of one, from the debug preset, which is built first. On a terminal gdb is yours, with
# the program started; without one, and with several ranks, it prints the stacks of all threads if the program crashes.
#
#   --config C   the configuration to run; --set overrides one key, as in ft_dist
#   --asan       no gdb: address and undefined-behaviour sanitizers instead (preset asan-full)
#   --np N       so many ranks, by mpirun; default: one process without mpirun
#   --help       this text
#
# Environment: FT_DIST=FILE  this program instead of building one
# Example: launch/debug.sh --config configs/debug.yaml --set train.max_steps=3

set -euo pipefail
FT_ROOT=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
# shellcheck source=lib/messages.sh
source "$FT_ROOT/launch/lib/messages.sh"
# shellcheck source=lib/machine.sh
source "$FT_ROOT/launch/lib/machine.sh"
# shellcheck source=lib/toolchain.sh
source "$FT_ROOT/launch/lib/toolchain.sh"
# shellcheck source=lib/libtorch.sh
source "$FT_ROOT/launch/lib/libtorch.sh"
# shellcheck source=lib/build.sh
source "$FT_ROOT/launch/lib/build.sh"
# shellcheck source=lib/program.sh
source "$FT_ROOT/launch/lib/program.sh"
# shellcheck source=lib/mpi.sh
source "$FT_ROOT/launch/lib/mpi.sh"

config='' asan=0 np=1 overrides=()
while (($#)); do
  case $1 in
    --config) need_value "$1" "$@"; config=$2; shift ;;
    --set) need_value "$1" "$@"; overrides+=(--set "$2"); shift ;;
    --np | -np) need_value "$1" "$@"; np=$2; shift ;;
    --asan) asan=1 ;;
    --help | -h) print_help "$0"; exit 0 ;;
    --) shift; break ;;
    *) die "unknown option '$1'; ft_dist's own arguments follow -- (see --help)" ;;
  esac
  shift
done
[[ -n $config ]] || die "--config is missing (see --help)"
[[ $np =~ ^[1-9][0-9]*$ ]] || die "--np takes the number of ranks, not '$np'"
((asan)) || command -v gdb >/dev/null || die "no gdb: apt-get install gdb"

preset=debug
if ((asan)); then preset="asan-full"; fi
if [[ -z ${FT_DIST:-} ]]; then
  check_toolchain
  build_preset "$preset" "$(build_jobs)" ft_dist
  FT_DIST=$FT_ROOT/build-$preset/bin/ft_dist
fi
# A rank that a debugger looks at is silent, and not gone.
program=("$(find_program ft_dist)" --config "$config" --set dist.peer_timeout_s=3600 "${overrides[@]}" "$@")

if ((asan)); then
  # Open MPI and LibTorch keep memory until the process ends, by design, and CUDA needs the shadow gap. Leaks of our
  # own layers are what the unit tests of the asan preset look for.
  export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0:protect_shadow_gap=0:strict_string_checks=1:check_initialization_order=1}
  export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
  debugger=()
elif [[ -t 0 && $np == 1 ]]; then
  debugger=(gdb -quiet -ex 'handle SIGUSR1 nostop noprint pass' -ex run --args)
else
  debugger=(gdb -quiet -batch -return-child-result -ex 'set pagination off' -ex 'handle SIGUSR1 nostop noprint pass'
    -ex run -ex 'thread apply all backtrace' --args)
fi

allow_root
if ((np == 1)); then exec "${debugger[@]}" "${program[@]}"; fi
mapfile -t options < <(mpirun_options "$np" "" 0)
exec mpirun --tag-output "${options[@]}" "${debugger[@]}" "${program[@]}"
