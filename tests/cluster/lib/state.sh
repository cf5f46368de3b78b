# shellcheck shell=bash
# The cluster's directory, its settings, and which of its processes live.
#
#   settings       what `up` was told; a folder without it is no cluster
#   hosts slurm.conf munge.key rsh-agent
#   NAME.pid       first process of net, ctl, n0, n1, ...
#   log/  run/NAME/  daemons' logs, and their sockets and spools

dir=$(realpath --canonicalize-missing "${CLUSTER_DIR:-/tmp/ft-cluster}")
readonly dir
readonly kSubnet=10.77.0
nodes=()
share=

note() { printf 'cluster: %s\n' "$*" >&2; }
die() { note "$*"; exit 1; }

check_name() {
  local name
  for name in "${@:2}"; do [[ $1 != "$name" ]] || return 0; done
  die "no '$1' here; there is: ${*:2}"
}

is_made() { [[ -e $dir/settings ]]; }

make_state() {
  [[ ! -e $dir || -z $(ls -A "$dir") ]] || die "$dir holds something else: set CLUSTER_DIR to another folder"
  # Unix sockets lie below it, and their paths end at 107 characters.
  ((${#dir} < 60)) || die "CLUSTER_DIR is too long for Unix sockets: $dir"
  [[ $dir =~ ^[[:alnum:]/._-]+$ ]] || die "CLUSTER_DIR holds characters that slurm.conf does not take: $dir"
  local node_count=${NODES:-2} cpus=${CPUS:-2}
  [[ $node_count =~ ^[1-9][0-9]?$ ]] || die "NODES is a number from 1 to 99, not '$node_count'"
  [[ $cpus =~ ^[1-9][0-9]*$ ]] || die "CPUS is a number from 1, not '$cpus'"
  mkdir -p "$dir"/log "$dir"/run/ctl/{munge,state}
  (umask 077; head -c 128 /dev/urandom >"$dir/munge.key")
  write_slurm_conf "$node_count" "$cpus"
  write_hosts "$node_count"
  write_agent
  printf '%s=%q\n' node_count "$node_count" share "${SHARE-$PWD}" >"$dir/settings"
}

load_state() {
  is_made || die "no cluster in $dir: 'up' makes one, CLUSTER_DIR names another"
  # shellcheck source=/dev/null
  source "$dir/settings"
  local i
  for ((i = 0; i < node_count; i++)); do nodes+=("n$i"); done
}

# Two commands that power things on or off would trip over each other.
lock_state() {
  exec {state_lock}>"$dir/lock"
  flock "$state_lock"
}

# Called by a namespace's first process while /proc is still this machine's. A process number may be given again, but
# not together with the same mount namespace.
register() {
  local pid
  read -r pid _ </proc/self/stat
  echo "$pid $(readlink /proc/self/ns/mnt)" >"$dir/$1.pid.new"
  mv "$dir/$1.pid.new" "$dir/$1.pid"
}

# Prints the live first process of NAME; fails if it is off.
process_of() {
  local pid namespace
  { read -r pid namespace <"$dir/$1.pid"; } 2>/dev/null || return 1
  [[ $(readlink "/proc/$pid/ns/mnt" 2>/dev/null) == "$namespace" ]] || return 1
  echo "$pid"
}

is_alive() { process_of "$1" >/dev/null; }
is_dead() { ! is_alive "$1"; }

# wait_until SECONDS COMMAND...
wait_until() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.05
  done
}
