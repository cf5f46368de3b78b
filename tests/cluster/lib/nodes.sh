# shellcheck shell=bash
# Machines made of namespaces: `net` (the bridge, and where a login node's commands run), `ctl` (slurmctld and munge,
# in net's network) and the nodes. Nothing is made outside them, so the end of a first process is the end of it all.

power_on() {
  local name=$1 target
  is_dead "$name" || return 0
  mkdir -p "$dir/run/$name"
  case $name in
    net) first_process net unshare --net --uts --mount --propagation slave ;;
    ctl)
      rm -f "$dir"/run/ctl/munge/*
      target=$(process_of net)
      first_process ctl nsenter --target "$target" --net --uts --mount \
        unshare --mount --pid --ipc --fork --kill-child --propagation slave
      ;;
    *)
      # A node boots with an empty spool: a requeued job has the same job and step number, and would find its dead
      # predecessor's PMIx socket there.
      rm -rf "$dir/run/$name/spool"
      mkdir -p "$dir/run/$name"/{spool,tmp}
      first_process "$name" unshare --net --uts --mount --pid --ipc --fork --kill-child --propagation slave
      plug_in "$name"
      ;;
  esac
}

# first_process NAME NAMESPACE_COMMAND...: detached from this shell, its terminal and its locks.
first_process() {
  local name=$1
  shift
  CLUSTER_DIR=$dir setsid "$@" "$kSelf" boot "$name" </dev/null >>"$dir/log/$name.log" 2>&1 {state_lock}>&- &
  wait_until 10 is_alive "$name" || die "$name did not start: $(tail -n 3 "$dir/log/$name.log")"
}

power_off() {
  local name pid
  for name; do
    if pid=$(process_of "$name"); then kill -KILL "$pid"; fi
  done
  for name; do
    wait_until 10 is_dead "$name" || die "$name does not end (process $(process_of "$name"))"
    rm -f "$dir/$name.pid"
  done
}

# ------------------------------------------------ inside, as the first process

boot_net() {
  hostname ctl
  mount --bind "$dir/hosts" /etc/hosts
  make_bridge
  register net
  exec sleep infinity
}

boot_ctl() {
  register ctl
  mount -t proc proc /proc
  munged --foreground --force --num-threads=4 --key-file="$dir/munge.key" --socket="$dir/run/ctl/munge/socket" \
    --pid-file="$dir/run/ctl/munge/pid" --seed-file="$dir/run/ctl/munge/seed" --log-file="$dir/log/munged.log" &
  wait_until 10 test -S "$dir/run/ctl/munge/socket"
  SLURM_CONF=$dir/slurm.conf slurmctld -D &
  reap_for_ever
}

boot_n() {
  register "$1"
  hostname "$1"
  mount --bind "$dir/hosts" /etc/hosts
  private_tmp "$1"
  mount -t tmpfs -o mode=1777 shm /dev/shm
  mount -t proc proc /proc
  cd /tmp || exit
  ip link set lo up
  wait_until 10 has_address
  SLURM_CONF=$dir/slurm.conf slurmd -D &
  reap_for_ever
}

# A /tmp of the node's own that still shows the cluster's directory and the shared folders. Two slurmstepds in one /tmp
# make the same PMIx folder, and the second fails.
private_tmp() {
  local stage=$dir/run/$1/tmp path
  mount -t tmpfs -o mode=1777 tmp "$stage"
  for path in "$dir" ${share//:/ }; do
    path=$(realpath "$path")
    [[ $path == /tmp/* ]] || continue
    mkdir -p "$stage/${path#/tmp/}"
    mount --bind "$path" "$stage/${path#/tmp/}"
  done
  mount --rbind "$stage" /tmp
}

reap_for_ever() {
  while :; do wait -n || sleep 1; done
}

# ------------------------------------------------------- commands from outside

# Many ranks share few cores here: they must not be bound, and must yield. The rest lets root use mpirun, with `on` in
# the place of ssh.
environment() {
  printf '%s\n' "SLURM_CONF=$dir/slurm.conf" "CLUSTER_DIR=$dir" \
    OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 \
    OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_mpi_yield_when_idle=1 \
    OMPI_MCA_pml=ob1 OMPI_MCA_btl=self,vader,tcp \
    "OMPI_MCA_plm_rsh_agent=$dir/rsh-agent" OMPI_MCA_plm_rsh_no_tree_spawn=1
}

# ssh's way: HOST WORDS..., which a shell on the host reads.
write_agent() {
  cat >"$dir/rsh-agent" <<AGENT
#!/bin/sh
host=\$1
shift
CLUSTER_DIR=$dir exec "$kSelf" on "\$host" /bin/sh -c "\$*"
AGENT
  chmod 755 "$dir/rsh-agent"
}

# enter NAME CMD...: this process becomes CMD inside.
enter() {
  local name=$1 pid folder=$PWD
  local -a variables namespaces=(--net --uts --mount)
  shift
  pid=$(process_of "$name") || die "$name is off"
  [[ $name == net ]] || namespaces+=(--pid --ipc)
  nsenter --target "$pid" --mount test -d "$folder" || folder=/tmp
  mapfile -t variables < <(environment)
  exec nsenter --target "$pid" "${namespaces[@]}" --wdns="$folder" env "${variables[@]}" "$@"
}

on_login() { (enter net "$@"); }
