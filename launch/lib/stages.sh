# shellcheck shell=bash
# Stages with a clock: what a long script did, how long each part took, which part failed.

declare -a stage_order=()
declare -A stage_seconds=() stage_status=()

# try_stage NAME COMMAND...: runs it, keeps its time and status, and goes on whatever came of it. The command runs in a
# subshell of its own with errexit on; a plain `if COMMAND` would switch errexit off in every function that it calls.
try_stage() {
  local name=$1 started=$SECONDS
  shift
  printf '\n== %s\n' "$name" >&2
  set +e
  (set -e; "$@")
  stage_status[$name]=$?
  set -e
  stage_order+=("$name")
  stage_seconds[$name]=$((SECONDS - started))
}

# stage NAME COMMAND...: the same, and its status ends a script that runs with errexit.
stage() {
  try_stage "$@"
  return "${stage_status[$1]}"
}

print_stages() {
  local name verdict
  printf '\n%-42s %9s\n' stage seconds
  for name in "${stage_order[@]}"; do
    verdict=
    ((stage_status[$name] == 0)) || verdict="  FAILED (${stage_status[$name]})"
    printf '%-42s %9d%s\n' "$name" "${stage_seconds[$name]}" "$verdict"
  done
}

# The highest status of all stages so far.
worst_status() {
  local name worst=0
  for name in "${stage_order[@]}"; do
    ((stage_status[$name] <= worst)) || worst=${stage_status[$name]}
  done
  echo "$worst"
}
