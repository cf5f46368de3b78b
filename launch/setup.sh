#!/usr/bin/env bash
# launch/setup.sh [--with-tests] [--no-build] [--jobs N]
#
# Makes this machine ready: Debian packages (only what is missing), LibTorch as the torch wheel in .venv, then the
# release build into build/. Repeated, it looks, finds all in place, and is done in seconds without the network.
# Without root it prints the one line that an administrator must run. It starts no service.
#
#   --with-tests   also what the tests need: a Slurm to try, clang-tidy, gdb, shellcheck
#   --no-build     stop before configuring and building
#   --jobs N       compile jobs at once; default: as many as cores and memory allow (1.5 GB a job)
#   --help         this text
#
# Environment: FT_LIBTORCH=DIR  another LibTorch 2.11.0 in place of the wheel (then no virtual environment is made,
#                               unless FT_VENV asks for one: only tests need Python)
#              FT_VENV=DIR      where the virtual environment is; default: .venv
#              FT_CUDA=OFF      build without CUDA and NCCL

set -euo pipefail
FT_ROOT=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
readonly FT_ROOT
# shellcheck source=lib/messages.sh
source "$FT_ROOT/launch/lib/messages.sh"
# shellcheck source=lib/stages.sh
source "$FT_ROOT/launch/lib/stages.sh"
# shellcheck source=lib/machine.sh
source "$FT_ROOT/launch/lib/machine.sh"
# shellcheck source=lib/packages.sh
source "$FT_ROOT/launch/lib/packages.sh"
# shellcheck source=lib/toolchain.sh
source "$FT_ROOT/launch/lib/toolchain.sh"
# shellcheck source=lib/libtorch.sh
source "$FT_ROOT/launch/lib/libtorch.sh"
# shellcheck source=lib/build.sh
source "$FT_ROOT/launch/lib/build.sh"

with_tests=0 with_build=1 jobs=
while (($#)); do
  case $1 in
    --with-tests) with_tests=1 ;;
    --no-build) with_build=0 ;;
    --jobs) need_value --jobs "$@"; jobs=$2; shift ;;
    --help | -h) print_help "$0"; exit 0 ;;
    *) die "unknown option '$1' (see --help)" ;;
  esac
  shift
done
[[ -z $jobs || $jobs =~ ^[1-9][0-9]*$ ]] || die "--jobs takes a number from 1, not '$jobs'"

# Two set-ups of one tree would write the same files.
lock_tree() {
  mkdir -p "$FT_ROOT/build"
  exec {lock}>"$FT_ROOT/build/.setup.lock"
  flock --nonblock "$lock" && return
  note "another set-up of this tree is running; waiting for it"
  flock "$lock"
}

install_packages() {
  ensure_build_packages || exit 2
  ((!with_tests)) || ensure_test_packages ||
    note "going on without them: the tests that need them will be left out"
  check_toolchain
}

lock_tree
stage "install: Debian packages" install_packages
stage "install: LibTorch" ensure_libtorch
((!with_build)) || stage "build" build_preset release "${jobs:-$(build_jobs)}"
print_stages >&2
