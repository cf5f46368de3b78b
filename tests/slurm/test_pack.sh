#!/usr/bin/env bash
# tests/slurm/test_pack.sh: a pack over two nodes, stopped on the way and submitted again, makes the bytes that one
# process makes.

set -euo pipefail
FT_ROOT=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
# shellcheck source=../lib/expect.sh
source "$FT_ROOT/tests/lib/expect.sh"
# shellcheck source=cluster.sh
source "$FT_ROOT/tests/slurm/cluster.sh"
readonly kImages=/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz

"$FT_PACK" pack "$kImages" --out alone --shards 5 >/dev/null 2>&1 || fail "alone"

stop_a_running_pack() {
  local job
  submit --pack -- "$kImages" --out packed --shards 5 --workers 1 | tee submitted
  job=$(submitted_job)
  until [[ -s packed.packing/journal-00001-00003 || -e packed ]]; do sleep 0.05; done
  stop_job "$job" "ft_pack-$job.log"
}
expect_status 0 stop_a_running_pack
expect_output 'ExitCode=75:0'
expect_output 'pack: .*: (srun|mpirun), 4 ranks'
expect_output 'packed is not made yet'
[[ ! -e packed ]] || fail 'a stopped pack made a set'

expect_status 0 submit --pack --wait -- "$kImages" --out packed --shards 5
expect_output 'resumes: [1-9][0-9]* of 60000 pictures are there'
diff -r alone packed || fail 'other bytes than alone'

expect_status 2 submit --pack --wait -- "$kImages" --out packed
expect_output 'error: --out packed is not empty'
finish
