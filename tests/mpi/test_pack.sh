#!/usr/bin/env bash
# ft_pack under mpirun: the same bytes on any number of ranks, one message for an error, rank 0 alone speaks.
# usage: test_pack.sh MPIEXEC FT_PACK
set -euo pipefail
FT_ROOT=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
# shellcheck source=../lib/expect.sh
source "$FT_ROOT/tests/lib/expect.sh"

mpiexec=$1
ft_pack=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
ranks() { local n=$1; shift; "$mpiexec" --oversubscribe --bind-to none -np "$n" "$ft_pack" "$@"; }

# A folder of PPM-like pictures that need no encoder: BMPs of one colour gradient each, two of them broken.
bmp() {
  local shade=$1
  printf 'BM\x46\x03\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x10\0\0\0\x10\0\0\0\x01\0\x18\0\0\0\0\0\x10\x03\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'
  for ((i = 0; i < 256; ++i)); do
    printf '%b' "$(printf '\\x%02x\\x%02x\\x%02x' $((i * shade % 256)) $(((i + shade) % 256)) $((i / 16 * 16)))"
  done
}
mkdir -p src/cat src/dog
for ((n = 0; n < 90; ++n)); do
  bmp $((n * 7 + 3)) >"src/$( ((n % 2)) && echo cat || echo dog)/$n.bmp"
done
for n in 11 40; do
  file=$(echo src/*/$n.bmp)
  truncate --size 300 "$file"
done
cp src/cat/13.bmp src/dog/copy.bmp

pack_everywhere() {
  local name=$1 n
  shift
  "$ft_pack" pack src --out "$name-alone" "$@" >"$name.out" 2>/dev/null || fail "alone: $*"
  for n in 1 2 3 4; do
    expect_status 0 ranks $n pack src --out "$name-$n" --workers $((1 + n % 2)) "$@"
    diff -r "$name-alone" "$name-$n" || fail "np $n makes other bytes: $*"
    [[ $(grep -c 'images of 2 classes' <<<"$output") == 1 ]] || fail "np $n: not said once: $output"
  done
}
pack_everywhere plain --shards 5
pack_everywhere one --shard-mib 1
pack_everywhere limited --shards 3 --limit-per-class 20
pack_everywhere raw --shards 2 --encoding raw --max-side 8
pack_everywhere against --shards 2 --against plain-alone
grep -q 'warning: 89 pictures of against-alone are in plain-alone too' against.out || fail "$(cat against.out)"
"$ft_pack" pack src --out without --shards 2 >/dev/null 2>&1 || fail 'without --against'
diff -r without against-alone || fail '--against makes other bytes'
grep -q 'skipped:' plain.out || fail 'the broken ones are not listed'
grep -q '1 picture repeats an earlier one, under another label' plain.out || fail "$(cat plain.out)"

# Errors: the same line as alone, once, with its code, however many ranks meet it.
for n in 1 2 4; do
  expect_status 3 ranks $n pack src --out new --on-error fail
  expect_output 'ft_pack: error: cat/11.bmp: '
  [[ $(grep -c 'ft_pack: error' <<<"$output") == 1 ]] || fail "np $n: $output"
  rm -r new.packing
  expect_status 2 ranks $n pack src --out plain-alone
  expect_output 'error: --out plain-alone is not empty'
  expect_status 3 ranks $n pack missing --out new
  expect_status 2 ranks $n pack src --out src/new
  expect_output 'is inside src'
  expect_status 2 ranks $n pack src --out new --classes cat,cow
  [[ $(grep -c 'ft_pack: error' <<<"$output") == 1 ]] || fail "np $n: $output"
  expect_status 3 ranks $n pack src --out new --against src
  expect_output 'src is not a packed set'
done
[[ ! -e new ]] || fail 'a failed pack made a set'

# The other commands are rank 0's.
expect_status 0 ranks 3 info plain-alone
[[ $(grep -c ' all ' <<<"$output") == 1 ]] || fail "info speaks $(grep -c ' all ' <<<"$output") times"
expect_status 3 ranks 2 info src
finish
