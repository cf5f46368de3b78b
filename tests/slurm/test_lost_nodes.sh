#!/usr/bin/env bash
# tests/slurm/test_lost_nodes.sh [LAUNCHER:FAULT...]: four ranks on two nodes, and what happens when one of them is lost.
# LAUNCHER is srun (slurm/submit.sh) or mpirun (launch/run.sh), as users start them. FAULT: cut (the cable of n1), kill (the power of n1), kill9 or stop (rank 3,
# on n1), throw (rank 0 can no longer write), or orted (mpirun's daemon on n1 is killed). Every rank that runs on must end within dist.peer_timeout_s + 5 s with code 4, and rank 0 must say who
# is gone. Prints the table. Default: all of them; orted under mpirun only.

set -euo pipefail
FT_ROOT=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
# shellcheck source=../lib/expect.sh
source "$FT_ROOT/tests/lib/expect.sh"
# shellcheck source=cluster.sh
source "$FT_ROOT/tests/slurm/cluster.sh"
readonly kImages=/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz

"$FT_PACK" pack "$kImages" --out packed --classes 5,7 --limit-per-class 24 --shards 2 >/dev/null 2>&1
cat >config.yaml <<'YAML'
data: {train: packed, image_size: 32}
model: {weights: none}
train: {epochs: 100000, batch_size: 16, threads: 1}
eval: {every_epochs: 100000}
checkpoint: {every_epochs: 0}
log: {every_steps: 1, tensorboard: false}
YAML

# start_run LAUNCHER NAME PEER_TIMEOUT: in the background; its notes are in NAME, what it says in NAME.err. Sets job or
# launcher (a process), the other one to nothing.
start_run() {
  local arguments=(--config config.yaml --set "run.dir=$PWD/$2-run" --set "dist.peer_timeout_s=$3")
  mkdir "$2"
  printf '#!/bin/sh\nexec "%s" "%s" "%s" "$@"\n' "$FT_ROOT/tests/support/note_end.sh" "$PWD/$2" "$FT_DIST" >"$2/rank"
  chmod +x "$2/rank"
  job='' launcher=''
  if [[ $1 == srun ]]; then
    FT_DIST=$PWD/$2/rank FT_LAUNCHER=srun submit --output "$PWD/$2.err" -- "${arguments[@]}" >submitted
    job=$(submitted_job)
    return
  fi
  # mpirun kills what is left a second after its TERM, which on a busy machine is before a rank has noted its end.
  local command=(env OMPI_MCA_odls_base_sigkill_timeout=3 "FT_DIST=$PWD/$2/rank" "$FT_ROOT/launch/run.sh" -np 4 --hosts "n0:2,n1:2" --cores 0 --)
  # Not through on_cluster: the process that is started becomes the launcher.
  "$FT_ROOT/tests/cluster/cluster" run "${command[@]}" "${arguments[@]}" >"$2.out" 2>"$2.err" </dev/null &
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

launcher_has_gone() {
  if [[ -n $job ]]; then
    on_cluster run scontrol show job "$job" | grep -Eq 'JobState=(FAILED|COMPLETED)'
  elif kill -0 "$launcher" 2>/dev/null; then
    return 1
  fi
}

strike() {
  case $1 in
    orted) on_cluster on n1 pkill -KILL -x orted ;;
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
  sed -n 's/.*ft_dist: error:/    &/p' "$2.err"
}

# show LAUNCHER FAULT
show() {
  local name=$1-$2 began rank code
  local survivors=(0 1) wanted=4 peer_timeout=3 lost='rank 3 on n1 is gone'
  # With the default mpirun notices a cut cable first, and ends by itself.
  [[ $name != mpirun-cut ]] || peer_timeout=15
  local in_time=$((peer_timeout + 5 + 15))  # promised are 5 s; the machine may be busy
  case $2 in
    cut) [[ $1 == mpirun ]] || survivors=(0 1 2 3); lost='ranks 2, 3 on n1 are gone' ;;
    kill) lost='ranks 2, 3 on n1 are gone' ;;
    orted) survivors=(0 1 2 3); lost='rank [23] on n1 ended with an error: the launcher is gone' ;;
    kill9 | stop) survivors=(0 1 2) ;;
    throw) survivors=(1 2 3 0) lost='rank 0 on n0: ' ;;
  esac
  start_run "$1" "$name" "$peer_timeout"
  wait_for 60 has_step "$name" || { cat "$name.err"; fail "$name: no step"; return; }
  began=$(date +%s.%N)
  strike "$2" "$name"
  wait_for "$in_time" have_ended "$name" "${survivors[@]}" || fail "$name: a rank is still there after $in_time s"
  # srun may hold it back until Slurm has given up the node.
  wait_for 60 grep -q "ft_dist: error:" "$name.err" || true
  table "$1" "$name" "$2" "$began"
  for rank in "${survivors[@]}"; do
    code=$(cut -d ' ' -f 1 "$name/end-$rank" 2>/dev/null || echo none)
    [[ $2 != throw || $rank != 0 ]] || wanted=3
    [[ $code == "$wanted" ]] || fail "$name: rank $rank ended with $code instead of $wanted"
  done
  [[ $(grep -c 'ft_dist: error:' "$name.err" || true) == 1 ]] || fail "$name: not one error line: $(tail -n 20 "$name.err" "$name"-run/logs/*)"
  grep -q "ft_dist: error: $lost" "$name.err" || fail "$name: no '$lost' in: $(<"$name.err")"
  # The launcher ends once nothing is left, the stopped rank included, for which srun waits half a minute; for a lost node
  # it waits longer than we do.
  [[ $name == srun-cut || $name == srun-kill ]] || wait_for 60 launcher_has_gone || fail "$name: the launcher hangs"
  tidy_up
}

# Without the launcher, and with a new cluster, the next run begins afresh.
tidy_up() {
  if [[ -n $launcher ]]; then
    kill -KILL "$launcher" 2>/dev/null || true
    wait "$launcher" 2>/dev/null || true
  fi
  on_cluster down
  on_cluster up >/dev/null
}

(($#)) || set -- {srun,mpirun}:{cut,kill,kill9,stop,throw} mpirun:orted
for run in "$@"; do show "${run%:*}" "${run#*:}"; done
finish
