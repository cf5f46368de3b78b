#!/usr/bin/env bash
# tests/sanitize.sh asan|tsan
#
# Builds the torch-free layers with the address and undefined-behaviour sanitizers (asan) or the thread sanitizer
# (tsan), and runs their unit tests under them.

set -euo pipefail
FT_ROOT=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
cd "$FT_ROOT"
# shellcheck source=../launch/lib/messages.sh
source launch/lib/messages.sh
# shellcheck source=../launch/lib/machine.sh
source launch/lib/machine.sh
# shellcheck source=../launch/lib/libtorch.sh
source launch/lib/libtorch.sh
# shellcheck source=../launch/lib/build.sh
source launch/lib/build.sh

preset=${1:---help}
case $preset in
  asan | tsan) ;;
  --help | -h) print_help "$0"; exit 0 ;;
  *) die "asan or tsan, not '$preset'" ;;
esac

# GCC 12's sanitizers die at start where the kernel spreads addresses wider than they expect.
if [[ ${FT_FIXED_ADDRESSES:-} != 1 ]] && setarch --addr-no-randomize true 2>/dev/null; then
  FT_FIXED_ADDRESSES=1 exec setarch --addr-no-randomize "$0" "$@"
fi

build_preset "$preset" "$(build_jobs)"
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1}
ctest --test-dir "build-$preset" --label-regex '^unit$' --parallel "$(nproc)" --output-on-failure --no-tests=error
