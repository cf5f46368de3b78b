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

# submitted_job: the number that submit printed into the file `submitted`.
submitted_job() { sed -n 's/^job //p' submitted; }

# stop_job JOB LOG: asks the ranks to stop, waits for the job's end, and shows its exit code and its log.
stop_job() {
  on_cluster run scancel --batch --signal=USR1 "$1"
  until on_cluster run scontrol show job "$1" | grep -Eq 'JobState=(FAILED|COMPLETED)'; do sleep 0.5; done
  on_cluster run scontrol show job "$1" | grep 'ExitCode='
  cat "$2"
}

end_cluster() {
  cd /
  on_cluster down
  rm -rf "$work"
}
trap end_cluster EXIT
on_cluster up >/dev/null
cd "$work/jobs" || exit 1
