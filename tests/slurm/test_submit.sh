#!/usr/bin/env bash
# tests/slurm/test_submit.sh: slurm/submit.sh trains over two nodes, and the training is the one that mpirun -np 4 does
# on one: the same samples in each step, the same losses.

set -euo pipefail
FT_ROOT=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
# shellcheck source=../lib/expect.sh
source "$FT_ROOT/tests/lib/expect.sh"
# shellcheck source=cluster.sh
source "$FT_ROOT/tests/slurm/cluster.sh"
readonly kImages=/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz

"$FT_PACK" pack "$kImages" --out packed --classes 5,7 --limit-per-class 24 --shards 3
cat >config.yaml <<'YAML'
data: {train: packed, augment: imagenet, image_size: 32}
model: {arch: resnet18, weights: none, batch_norm: frozen}
optimizer: {lr: 1.0e-3}
train: {epochs: 2, batch_size: 16, threads: 1}
log: {every_steps: 1, sample_ids: true}
YAML

expect_status 0 submit --wait -- --config config.yaml --set run.dir=two-nodes
grep -q '\bn0\b' <<<"$output" || fail "no rank on n0: $output"
grep -q '\bn1\b' <<<"$output" || fail "no rank on n1: $output"
expect_status 0 "$FT_ROOT/launch/run.sh" -np 4 -- --config config.yaml --set run.dir=one-node

compare_runs() {
  python3 - "$@" <<'PY'
import json
import sys


def steps(folder):
    lines = map(json.loads, open(f"{folder}/metrics.jsonl"))
    return {line["step"]: line for line in lines if line["type"] == "step"}


a, b = map(steps, sys.argv[1:])
assert sorted(a) == sorted(b) == [1, 2, 3, 4, 5, 6], (sorted(a), sorted(b))
for step in a:
    assert a[step]["sample_ids"] == b[step]["sample_ids"], f"step {step}: other samples"
    difference = abs(a[step]["loss"] / b[step]["loss"] - 1)
    assert difference <= 1e-5, f"step {step}: losses differ by {difference}"
print("the same", len(a), "steps")
PY
}
expect_status 0 compare_runs two-nodes one-node
finish
