#!/usr/bin/env bash
# tests/full.sh
#
# What is too long for every change: clang-tidy over everything, and the thread, address and undefined-behaviour
# sanitizers. Set-up and build come first. The exit code is the worst of its parts'.

set -euo pipefail
FT_ROOT=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
cd "$FT_ROOT"
# shellcheck source=../launch/lib/messages.sh
source launch/lib/messages.sh
# shellcheck source=../launch/lib/stages.sh
source launch/lib/stages.sh

case ${1:-} in
  '') ;;
  --help | -h) print_help "$0"; exit 0 ;;
  *) die "no options (see --help)" ;;
esac

stage "set-up and build" launch/setup.sh --with-tests
try_stage "clang-tidy, everything" tests/tidy.sh --all
try_stage "thread sanitizer" tests/sanitize.sh tsan
try_stage "address and undefined sanitizers" tests/sanitize.sh asan
print_stages
exit "$(worst_status)"
