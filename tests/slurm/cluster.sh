# shellcheck shell=bash
# A cluster for one test, gone when the test ends. Sets $work, a folder that all nodes see, and makes it the working
# directory: logs and runs land there. Needs FT_ROOT.

work=$(mktemp -d /tmp/ft-slurm.XXXXXX)
export CLUSTER_DIR=$work/cluster
# The build may be under /tmp too, of which a node sees only what is shared.
SHARE=$work:$FT_ROOT:$(dirname "$FT_DIST")
export SHARE
mkdir "$work/jobs"

on_cluster() { "$FT_ROOT/tests/cluster/cluster" "$@"; }
submit() { on_cluster run "$FT_ROOT/slurm/submit.sh" --nodes 2 --ntasks-per-node 2 "$@"; }

end_cluster() {
  cd /
  on_cluster down
  rm -rf "$work"
}
trap end_cluster EXIT
on_cluster up >/dev/null
cd "$work/jobs" || exit 1
