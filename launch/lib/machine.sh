# shellcheck shell=bash
# What this machine has.

is_root() { [[ $(id -u) == 0 ]]; }

# Cores without their hyper-threads, which is how mpirun counts; 0 where only a part of the machine may be used
# (taskset, a cpuset), because mpirun cannot be told which part.
bindable_cores() {
  if [[ $(nproc) != "$(nproc --all)" ]]; then
    echo 0
  else
    lscpu --parse=core,socket | grep -v '^#' | sort -u | wc -l
  fi
}

available_mib() {
  local available limit
  available=$(awk '/^MemAvailable/ {print int($2 / 1024)}' /proc/meminfo)
  if [[ -r /sys/fs/cgroup/memory.max ]]; then
    limit=$(</sys/fs/cgroup/memory.max)
    [[ $limit == max ]] || ((limit / 1048576 > available)) || available=$((limit / 1048576))
  fi
  echo "$available"
}

# A file that includes torch.h takes about 1.5 GB to compile: as many at once as cores and memory allow.
build_jobs() {
  local jobs by_memory
  jobs=$(nproc)
  by_memory=$(($(available_mib) / 1536))
  ((jobs <= by_memory)) || jobs=$by_memory
  echo $((jobs > 0 ? jobs : 1))
}

has_gpu() { [[ -e /dev/nvidiactl ]]; }

can_make_namespaces() { is_root && unshare --net --mount --pid --uts --ipc --fork true 2>/dev/null; }

# version_at_least HAVE WANT
version_at_least() { [[ $(printf '%s\n' "$2" "$1" | sort --version-sort | head -n 1) == "$2" ]]; }
