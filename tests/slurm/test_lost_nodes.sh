#!/usr/bin/env bash
# tests/slurm/test_lost_nodes.sh [LAUNCHER:FAULT...]: four ranks on two nodes, and what happens when one of them is lost.
# LAUNCHER is srun or mpirun (launch/run.sh). FAULT: cut (the cable of n1), kill (the power of n1), kill9 or stop (rank 3,
# on n1), or throw (rank 0 can no longer write). Every rank that runs on must end within dist.peer_timeout_s + 5 s with code 4, and rank 0 must say who
# is gone. Prints the table. Default: cut and kill under both; the other faults are also shown by fault.lost_ranks.

set -euo pipefail
FT_ROOT=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
# shellcheck source=../lib/expect.sh
source "$FT_ROOT/tests/lib/expect.sh"
# shellcheck source=cluster.sh
source "$FT_ROOT/tests/slurm/cluster.sh"
readonly kImages=/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz
readonly kPeerTimeout=3
readonly kInTime=$((kPeerTimeout + 5 + 15))  # promised are 5 s; the machine may be busy

"$FT_PACK" pack "$kImages" --out packed --classes 5,7 --limit-per-class 24 --shards 2 >/dev/null 2>&1
cat >config.yaml <<YAML
data: {train: packed, image_size: 32}
model: {weights: none}
train: {epochs: 100000, batch_size: 16, threads: 1}
dist: {peer_timeout_s: $kPeerTimeout}
eval: {every_epochs: 100000}
checkpoint: {every_epochs: 0}
log: {every_steps: 1, tensorboard: false}
YAML

# start_run LAUNCHER NAME: in the background; its notes are in NAME, what it says in NAME.err.
start_run() {
  local arguments=(--config config.yaml --set "run.dir=$PWD/$2-run")
  mkdir "$2"
  printf '#!/bin/sh\nexec "%s" "%s" "%s" "$@"\n' "$FT_ROOT/tests/support/note_end.sh" "$PWD/$2" "$FT_DIST" >"$2/rank"
  chmod +x "$2/rank"
  case $1 in
    srun) on_cluster run srun --nodes 2 --ntasks-per-node 2 --mpi=pmix --kill-on-bad-exit=0 "$2/rank" "${arguments[@]}" ;;
    mpirun) FT_DIST=$PWD/$2/rank on_cluster run "$FT_ROOT/launch/run.sh" -np 4 --hosts n0:2,n1:2 --cores 0 -- "${arguments[@]}" ;;
  esac >"$2.out" 2>"$2.err" </dev/null &
  launcher=$!
}

wait_for() {
  local deadline=$((SECONDS + $1))
  until "${@:2}"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.05
  done
}

has_step() { grep -qs '"type":"step","step":3,' "$1-run/metrics.jsonl"; }
have_ended() {
  local rank
  for rank in "${@:2}"; do [[ -s $1/end-$rank ]] || return 1; done
}

strike() {
  case $1 in
    cut | kill) on_cluster "$1" n1 ;;
    kill9) on_cluster on n1 kill -KILL "$(<"$2/pid-3")" ;;
    stop) on_cluster on n1 kill -STOP "$(<"$2/pid-3")" ;;
    throw) on_cluster on n0 prlimit --pid "$(<"$2/pid-0")" --fsize=1 ;;
  esac
}

# From what the ranks left, one row each.
table() {
  local rank status moment
  for rank in 0 1 2 3; do
    if [[ -s $2/end-$rank ]]; then
      read -r status moment <"$2/end-$rank"
      printf '%-8s %-6s rank %d: code %3d after %5.1f s\n' "$1" "$3" "$rank" "$status" \
        "$(awk -v a="$moment" -v b="$4" 'BEGIN { print a - b }')"
    else
      printf '%-8s %-6s rank %d: gone with its node, or stopped\n' "$1" "$3" "$rank"
    fi
  done
  grep -h 'ft_dist: error:' "$2.err" | sed 's/^/    /'
}

# show LAUNCHER FAULT
show() {
  local name=$1-$2 began rank code
  local survivors=(0 1) wanted=4 lost='rank 3 on n1 is gone'
  case $2 in
    cut) survivors=(0 1 2 3) lost='ranks 2, 3 on n1 are gone' ;;
    kill) lost='ranks 2, 3 on n1 are gone' ;;
    kill9 | stop) survivors=(0 1 2) ;;
    throw) survivors=(1 2 3 0) lost='rank 0 on n0: ' ;;
  esac
  start_run "$1" "$name"
  wait_for 60 has_step "$name" || { cat "$name.err"; fail "$name: no step"; return; }
  began=$(date +%s.%N)
  strike "$2" "$name"
  wait_for "$kInTime" have_ended "$name" "${survivors[@]}" || fail "$name: a rank is still there after $kInTime s"
  wait_for 5 grep -q 'ft_dist: error:' "$name.err" || true
  table "$1" "$name" "$2" "$began"
  for rank in "${survivors[@]}"; do
    code=$(cut -d ' ' -f 1 "$name/end-$rank" 2>/dev/null || echo none)
    [[ $2 != throw || $rank != 0 ]] || wanted=3
    [[ $code == "$wanted" ]] || fail "$name: rank $rank ended with $code instead of $wanted"
  done
  [[ $(grep -c 'ft_dist: error:' "$name.err") == 1 ]] || fail "$name: not one error line: $(<"$name.err")"
  grep -q "ft_dist: error: $lost" "$name.err" || fail "$name: no '$lost' in: $(<"$name.err")"
  if [[ $2 == kill9 || $2 == stop ]]; then wait_for 20 have_ended "$name" 3 || fail "$name: rank 3 was left behind"; fi
  tidy_up
}

# The launcher may wait for a node that it cannot reach: with new nodes and without it the next run begins afresh.
tidy_up() {
  kill -KILL "$launcher" 2>/dev/null || true
  wait "$launcher" 2>/dev/null || true
  on_cluster run scancel --user root || true
  local node
  for node in n0 n1; do
    on_cluster kill "$node"
    on_cluster start "$node"
  done
}

(($#)) || set -- srun:cut srun:kill mpirun:cut mpirun:kill
for run in "$@"; do show "${run%:*}" "${run#*:}"; done
finish
