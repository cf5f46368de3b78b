#!/usr/bin/env bash
# A pack that is killed at many moments goes on and ends with the bytes of one that was left alone; also as the ranks
# of an mpirun, of another number each time.
# usage: test_pack_kill.sh FT_PACK MPIEXEC
set -euo pipefail
FT_ROOT=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
# shellcheck source=../lib/expect.sh
source "$FT_ROOT/tests/lib/expect.sh"

ft_pack=$1
mpiexec=$2
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

be() { printf '%b' "$(printf '\\x%02x' $(($1 >> 24 & 255)) $(($1 >> 16 & 255)) $(($1 >> 8 & 255)) $(($1 & 255)))"; }

# idx COUNT SIDE: an IDX pair of two classes, in equal halves, of pictures that are no two alike.
idx() {
  local count=$1 side=$2
  { be 2051; be "$count"; be "$side"; be "$side"
    head -c $((count * side * side)) /dev/zero | openssl enc -aes-128-ctr -K 00 -iv 00 2>/dev/null; } \
    >set-images-idx3-ubyte
  { be 2049; be "$count"; head -c $((count / 2)) /dev/zero; head -c $((count - count / 2)) /dev/zero | tr '\0' '\1'; } \
    >set-labels-idx1-ubyte
}

idx 20000 64
pack=("$ft_pack" pack set-images-idx3-ubyte --out set --shards 6 --workers 1)
start=$(date +%s%N)
"$ft_pack" pack set-images-idx3-ubyte --out reference --shards 6 --workers 1 >/dev/null 2>&1
whole_ms=$((($(date +%s%N) - start) / 1000000))

seconds() { printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)); }

# kill_after MS COMMAND...: in a session of its own, all of which is killed.
kill_after() {
  local ms=$1 pid
  shift
  setsid "$@" >out 2>&1 &
  pid=$!
  sleep "$(seconds "$ms")"
  kill -KILL -- "-$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
  # Ranks whose mpirun was killed end a little later, or not before they are through.
  while [[ -e set.packing/lock ]] && ! flock -n set.packing/lock true; do sleep 0.05; done
  [[ ! -e set || -e set/manifest.json ]] || fail "a set without a manifest after $ms ms"
}

same_as_reference() { diff -r reference set >differences || fail "$1: $(head -c 300 differences)"; }

# at_every_moment PACK...: each kill is followed by a pack that goes on.
at_every_moment() {
  local killed=0 resumed=0 step
  for step in $(seq 1 13); do
    kill_after $((whole_ms * step / 12)) "$@"
    if [[ -e set ]]; then
      same_as_reference "killed at $step of 12, after the end"
    else
      killed=$((killed + 1))
      expect_status 0 "$@"
      [[ ! $output =~ resumes: ]] || resumed=$((resumed + 1))
      same_as_reference "killed at $step of 12"
    fi
    rm -rf set set.packing
  done
  ((killed >= 6 && resumed >= 4)) || fail "only $killed were killed and $resumed went on: too quick to tell"
  echo "killed $killed times, $resumed of them with something to go on from"
}
at_every_moment "${pack[@]}"

# Again and again, until it is through.
for ((tries = 1; tries <= 60; ++tries)); do
  kill_after $((whole_ms / 4)) "${pack[@]}"
  [[ ! -e set ]] || break
done
[[ -e set ]] || expect_status 0 "${pack[@]}"
same_as_reference "killed $tries times"
rm -rf set set.packing

# Ranks, of which one or all are killed, or mpirun itself; then on with another number of them.
ranks() { local n=$1; shift; "$mpiexec" --oversubscribe --bind-to none -np "$n" "$@"; }
# In the background $! must be mpirun itself.
mpirun_of() { local n=$1; shift; exec "$mpiexec" --oversubscribe --bind-to none -np "$n" "$@"; }
for n in 2 3 1; do
  kill_after $((whole_ms / 5 + 700)) "$mpiexec" --oversubscribe --bind-to none -np 2 "${pack[@]}"
  [[ -e set ]] || expect_status 0 ranks "$n" "${pack[@]}"
  same_as_reference "two ranks killed, then $n"
  rm -rf set set.packing
done
mpirun_of 3 "${pack[@]}" >out 2>&1 &
until [[ -s set.packing/journal-00001-00002 ]]; do sleep 0.01; done
kill -KILL "$(pgrep -P $! | tail -n 1)"
wait $! && fail 'a job without one of its ranks ended well'
expect_status 0 ranks 2 "${pack[@]}"
expect_output 'resumes: [0-9]+ of 20000 pictures are there'
same_as_reference "one rank killed"
rm -rf set set.packing

# A request to stop: 75, and it goes on.
"${pack[@]}" >out 2>&1 &
until [[ -s set.packing/journal-00001-00000 ]]; do sleep 0.01; done
kill -USR1 $!
status=0
wait $! || status=$?
[[ $status == 75 ]] || fail "$status after USR1, not 75: $(cat out)"
expect_status 0 "${pack[@]}"
expect_output 'resumes: '
same_as_reference "stopped by USR1"
rm -rf set set.packing
mpirun_of 2 "${pack[@]}" >out 2>&1 &
until [[ -s set.packing/journal-00001-00001 ]]; do sleep 0.01; done
kill -USR1 $!
status=0
wait $! || status=$?
[[ $status == 75 ]] || fail "$status from mpirun after USR1, not 75: $(cat out)"
[[ $(grep -c 'stopped on request' out) == 1 ]] || fail "not said once: $(cat out)"
expect_status 0 ranks 3 "${pack[@]}"
expect_output 'resumes: '
same_as_reference "ranks stopped by USR1"
rm -rf set set.packing

# One rank of a launcher ends with that code by any signal.
mpirun_of 1 "${pack[@]}" >out 2>&1 &
until [[ -s set.packing/journal-00001-00000 ]]; do sleep 0.01; done
kill -TERM "$(pgrep -P $!)"
status=0
wait $! || status=$?
[[ $status == 75 ]] || fail "$status from mpirun after TERM to its rank, not 75: $(cat out)"
rm -rf set set.packing

# While one packs, another may not.
"${pack[@]}" >out 2>&1 &
until [[ -s set.packing/journal-00001-00000 ]]; do sleep 0.01; done
expect_status 2 "${pack[@]}"
expect_output "set.packing is in use by process $! on "
wait $! || fail 'the second disturbed the first'
same_as_reference "two at once"

# Plain JPEGs, whose payloads are written to their shards while they are imported.
jpeg=(
  /9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxOUlNSMj5aYV
  pQYEpRUk//wAALCAAQABABAREA/8QAFgABAQEAAAAAAAAAAAAAAAAABAMF/8QAIBAAAgMBAAICAwAAAAAAAAAAAQIDBBESEyEAMTJCUf/aAAgB
  AQAAPwCdumjs00sLxy2WL/mJ24HQ9OGBZMDEn7xucPOfNC4sVSsqQ+EwKzqzdHwSMAdfR1jjkv6Gj2PsgMK1BYnir055aUrtFK00sMTYsXZ3SW
  HtWCYoII3nnANTXLUaK2YZpiKthlCq3nErozBoxik+xyw/m7+gz//Z
)
mkdir -p jpegs/cat/0/0/0
for i in {0..9}; do printf '%s' "${jpeg[@]}" | base64 -d >"jpegs/cat/0/0/0/$i.jpg"; done
for level in 0/0 0 .; do
  for i in {1..9}; do cp -r "jpegs/cat/$level/0" "jpegs/cat/$level/$i"; done
done
cp -r jpegs/cat jpegs/dog
pack=("$ft_pack" pack jpegs --out set --shards 6 --workers 1)
rm -rf reference set
start=$(date +%s%N)
"$ft_pack" pack jpegs --out reference --shards 6 --workers 1 >/dev/null 2>&1
whole_ms=$((($(date +%s%N) - start) / 1000000))
at_every_moment "${pack[@]}"
finish
