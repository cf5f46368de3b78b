# shellcheck shell=bash
# The mpirun line done right. Needs machine.sh.

# Debian's mpirun refuses root, which is who runs in a container.
allow_root() {
  if is_root; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
}

# slots_per_host NP HOSTS: the most ranks that one host gets; HOSTS is empty or "a:4,b:4".
slots_per_host() {
  local most=0 slots entry
  [[ -n $2 ]] || { echo "$1"; return; }
  for entry in ${2//,/ }; do
    slots=1
    [[ $entry != *:* ]] || slots=${entry##*:}
    ((slots <= most)) || most=$slots
  done
  echo "$most"
}

# binding_options SLOTS CORES: without a word mpirun binds each of two ranks to one core and leaves the others idle.
# Here each rank gets its even share; with more ranks than cores nothing is bound and a waiting rank yields its core,
# which takes a small all-reduce from 23 ms to under 1 ms.
binding_options() {
  if (($1 > $2)); then
    printf '%s\n' --oversubscribe --map-by slot --bind-to none --mca mpi_yield_when_idle 1
  else
    printf '%s\n' --map-by "slot:PE=$(($2 / $1))" --bind-to core
  fi
}

# Without keepalive mpirun never notices a cut cable.
network_options() {
  printf '%s\n' --mca oob_tcp_keepalive_time 5 --mca oob_tcp_keepalive_intvl 2 --mca oob_tcp_keepalive_probes 3
  if [[ -n ${FT_INTERFACE:-} ]]; then
    printf '%s\n' --mca btl_tcp_if_include "$FT_INTERFACE" --mca oob_tcp_if_include "$FT_INTERFACE"
  fi
}

# mpirun hands on its own variables only.
exported_variables() {
  local name
  for name in $(compgen -e | grep -E '^(FT|OMP|NCCL)_' || true); do
    printf '%s\n' -x "$name"
  done
}

# mpirun_options NP HOSTS CORES: one word a line. CORES: how many a host has.
mpirun_options() {
  printf '%s\n' -np "$1"
  [[ -z $2 ]] || printf '%s\n' --host "$2"
  binding_options "$(slots_per_host "$1" "$2")" "$3"
  network_options
  exported_variables
}
