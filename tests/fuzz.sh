#!/usr/bin/env bash
# tests/fuzz.sh [--seconds N] [FUZZER...]
#
# Builds the fuzzers (tests/fuzz/fuzz_*.cpp; Clang, address and undefined sanitizers) into build-fuzz/ and runs each,
# one after the other, for its share of the time. An input that breaks something is kept in build-fuzz/found/, and ends
# this with exit code 1 and the line that repeats it. What a run learns stays in build-fuzz/corpus/ for the next one.
#
#   --seconds N  in all, for all fuzzers; default: 20, what a change must pass. A night: --seconds 36000
#   FUZZER       only these: jpeg importers idx manifest shard
#   --help       this text
#
# Environment: FT_TEST_DATA=DIR  a folder of real pictures; its nasty/ ones are inputs too

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

seconds=20 fuzzers=()
while (($#)); do
  case $1 in
    --seconds) need_value "$1" "$@"; seconds=$2; shift ;;
    --help | -h) print_help "$0"; exit 0 ;;
    jpeg | importers | idx | manifest | shard) fuzzers+=("$1") ;;
    *) die "unknown option '$1' (see --help)" ;;
  esac
  shift
done
[[ $seconds =~ ^[1-9][0-9]*$ ]] || die "--seconds takes a number from 1, not '$seconds'"
((${#fuzzers[@]})) || fuzzers=(jpeg importers idx manifest shard)

command -v clang++ >/dev/null || die "no clang++: apt-get install clang libclang-rt-dev"
build_preset fuzz "$(build_jobs)" fuzzers

folder=$FT_ROOT/build-fuzz
mkdir -p "$folder/found" "$folder/corpus"
"$folder/bin/make_corpus" "$folder/seeds"
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
# Inputs go through small files: keep them off the disk.
[[ ! -w /dev/shm ]] || export TMPDIR=/dev/shm

# An input may take a second under the sanitizers, and what any picture may take: 256 MiB, besides the sanitizers' own.
run_fuzzer() {
  local name=$1 share=$2
  local -a inputs=("$folder/corpus/$name" "$folder/seeds/$name")
  mkdir -p "$folder/corpus/$name"
  [[ $name != importers || ! -d ${FT_TEST_DATA:-}/nasty ]] || inputs+=("$FT_TEST_DATA/nasty")
  "$folder/bin/fuzz_$name" -max_total_time="$share" -max_len=8192 -timeout=20 -rss_limit_mb=1536 -verbosity=1 \
    -print_final_stats=1 -artifact_prefix="$folder/found/$name-" "${inputs[@]}" >"$folder/$name.log" 2>&1 && return
  tail -n 40 "$folder/$name.log" >&2
  note "fuzz_$name found something; to repeat it: build-fuzz/bin/fuzz_$name $(sed -n 's/.*Test unit written to //p' "$folder/$name.log")"
  return 1
}

status=0
share=$(((seconds + ${#fuzzers[@]} - 1) / ${#fuzzers[@]}))
for name in "${fuzzers[@]}"; do
  if run_fuzzer "$name" "$share"; then
    printf '%-10s %12s inputs tried, nothing found\n' "$name" \
      "$(sed -n 's/^stat::number_of_executed_units: *//p' "$folder/$name.log")"
  else
    status=1
  fi
done
exit $status
