# shellcheck shell=bash
# The network: a bridge in the namespace `net`, and one cable (a veth pair) from it to each node.

address_of() { echo "$kSubnet.$((${1#n} + 1))"; }

write_hosts() {
  local i
  {
    echo "127.0.0.1 localhost"
    echo "$kSubnet.254 ctl"
    for ((i = 0; i < $1; i++)); do echo "$(address_of "n$i") n$i"; done
  } >"$dir/hosts"
}

make_bridge() {
  ip link set lo up
  ip link add bridge type bridge forward_delay 0
  ip addr add "$kSubnet.254/24" dev bridge
  ip link set bridge up
}

in_net() { nsenter --target "$(process_of net)" --net "$@"; }
in_node_net() { nsenter --target "$(process_of "$1")" --net "${@:2}"; }

cable_is_gone() { ! in_net ip link show "to-$1" &>/dev/null; }

# The address comes last: it is what the node waits for.
plug_in() {
  # A killed node's cable goes with its namespace, a moment later.
  wait_until 10 cable_is_gone "$1" || in_net ip link delete "to-$1"
  in_net ip link add "to-$1" type veth peer name eth0 netns "$(process_of "$1")"
  in_net ip link set "to-$1" master bridge up
  in_node_net "$1" ip link set eth0 up
  [[ ! -e $dir/shape ]] || limit_cable "$1" "$(<"$dir/shape")"
  in_node_net "$1" ip addr add "$(address_of "$1")/24" dev eth0
}

has_address() { [[ -n $(ip -4 -oneline addr show dev eth0 2>/dev/null) ]]; }

set_cable() {
  is_alive "$1" || die "$1 is off"
  in_net ip link set "to-$1" "$2"
}

# Both ends, so that the limit holds both ways.
limit_cable() {
  in_net tc qdisc replace dev "to-$1" root tbf rate "$2" burst 256kb latency 50ms
  in_node_net "$1" tc qdisc replace dev eth0 root tbf rate "$2" burst 256kb latency 50ms
}

free_cable() {
  in_net tc qdisc delete dev "to-$1" root 2>/dev/null || true
  in_node_net "$1" tc qdisc delete dev eth0 root 2>/dev/null || true
}

shape() {
  local name
  [[ $1 =~ ^(off|[0-9.]+[kmg]?bit)$ ]] || die "shape: a rate like 1gbit, or off, not '$1'"
  if [[ $1 == off ]]; then rm -f "$dir/shape"; else echo "$1" >"$dir/shape"; fi
  for name in "${nodes[@]}"; do
    is_alive "$name" || continue
    if [[ $1 == off ]]; then free_cable "$name"; else limit_cable "$name" "$1"; fi
  done
}
