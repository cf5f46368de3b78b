#!/usr/bin/env bash
# launch/test.sh [--jobs N] [-- CTEST_OPTIONS]
#
# The set-up of launch/setup.sh --with-tests, the build, and then every test that this machine can run: those labelled
# `gpu` where there is an NVIDIA GPU, `slurm` where root may make namespaces. It says what it leaves out, and why.
#
#   --jobs N          compile jobs at once; default: as many as cores and memory allow
#   -- CTEST_OPTIONS  for example: -- -R shard  or  -- -L unit
#   --help            this text
#
# Environment: FT_TEST_DATA=DIR  a folder of real pictures that some tests use, and skip without

set -euo pipefail
FT_ROOT=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
cd "$FT_ROOT"
# shellcheck source=lib/messages.sh
source launch/lib/messages.sh
# shellcheck source=lib/machine.sh
source launch/lib/machine.sh

setup_options=()
while (($#)); do
  case $1 in
    --jobs) need_value "$1" "$@"; setup_options+=(--jobs "$2"); shift ;;
    --help | -h) print_help "$0"; exit 0 ;;
    --) shift; break ;;
    *) die "unknown option '$1' (see --help)" ;;
  esac
  shift
done

launch/setup.sh --with-tests "${setup_options[@]}"

left_out=()
has_gpu || { left_out+=(gpu); note "no NVIDIA GPU here: leaving out the tests labelled gpu"; }
{ can_make_namespaces && command -v slurmctld >/dev/null; } ||
  { left_out+=(slurm); note "no Slurm, or no root that may make namespaces: leaving out the tests labelled slurm"; }

options=(--test-dir build --output-on-failure --no-tests=error --parallel "$(nproc)")
((!${#left_out[@]})) || options+=(--label-exclude "^($(IFS='|'; echo "${left_out[*]}"))\$")
ctest "${options[@]}" "$@"
