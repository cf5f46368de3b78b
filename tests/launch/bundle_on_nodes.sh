# shellcheck shell=bash
# The part of test_bundle.sh on the two nodes of tests/cluster, each without this machine's libraries. Needs SOURCE, VENV
# and WORK, and fail().

export CLUSTER_DIR=$WORK/cluster SHARE=$SOURCE:$WORK:$VENV
on_cluster() { "$SOURCE/tests/cluster/cluster" "$@"; }

# The nodes have no sshd: who comes to this `ssh` has its words done by pass_on, on the host it names, with nothing in
# the environment that it does not bring along. As ssh it must not run with the bundle's libraries.
write_ssh() {
  mkdir "$WORK/bin"
  mkfifo "$WORK/words"
  cat >"$WORK/bin/ssh" <<'SSH'
#!/bin/sh
[ -z "${LD_LIBRARY_PATH:-}" ] || { echo "ssh was given the libraries of $LD_LIBRARY_PATH" >&2; exit 1; }
[ "$1" != -x ] || shift
printf '%s\n' "$*" >"$WORK/words"
SSH
  chmod +x "$WORK/bin/ssh"
}

# Until it is told to end, however often ssh is called: "end" comes through the fifo too. It opens the fifo for writing as
# well, so that no ssh finds it without a reader between two of them.
pass_on() {
  local host words calls=0
  exec {fifo}<>"$WORK/words"
  while read -r -t 240 -u "$fifo" host words; do
    [[ $host != end ]] || { wait; return 0; }
    ((calls += 1))
    printf '%s\n' "$host $words" >>"$WORK/calls"
    on_cluster on "$host" env -i WORK="$WORK" VENV="$VENV" PATH="$WORK/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
      unshare --mount "$SOURCE/tests/launch/hide_libraries.sh" sh -c "$words" &
  done
  echo "error: after $calls calls of ssh nothing came for 240 s"
}

# What the nodes said, and which calls of ssh they got: for the message of a failure.
nodes_said() { printf 'ssh was called for:\n%s\nthe nodes said:\n%s\n' "$(cat "$WORK/calls" 2>&1)" "$(cat "$WORK/nodes")"; }

# Open MPI and PMIx frame what they miss with dashes.
no_complaint_in() { ! grep -Eiq -e '^-{20}|pmix|sorry|error|not found|denied$' "$1" || fail "$(cat "$1")"; }

# check_said COMMAND...: `ft_dist check` by a rank on each node.
check_said() {
  local node
  "$@" >"$WORK/out" 2>"$WORK/log" || fail "$*: $(cat "$WORK/out" "$WORK/log"; nodes_said)"
  # A slow machine gets a warning about its links.
  grep -q '^check: ready.*: 2 ranks on' "$WORK/out" || fail "$*: $(cat "$WORK/out")"
  for node in n0 n1; do grep -q " $node " "$WORK/log" || fail "$*: no rank on $node: $(cat "$WORK/log")"; done
  no_complaint_in "$WORK/log"
}

end_nodes() {
  kill "$passing" 2>/dev/null || true
  on_cluster down
  rm -rf "$WORK"
}

# check_on_nodes BUNDLE BUNDLE_WITH_SPACE
check_on_nodes() {
  local hide=(unshare --mount "$SOURCE/tests/launch/hide_libraries.sh")
  # A job as on real nodes, not as the cluster's other tests want it.
  local plain=(env -u OMPI_MCA_pml -u OMPI_MCA_btl -u OMPI_MCA_plm_rsh_agent -u OMPI_MCA_plm_rsh_no_tree_spawn -u LD_LIBRARY_PATH
    -u VIRTUAL_ENV -u FT_LIBTORCH FT_PYTHON="$WORK/moved/bin/python" PATH="$WORK/bin:$PATH" timeout 180)
  write_ssh
  pass_on >"$WORK/nodes" 2>&1 &
  passing=$!
  trap end_nodes EXIT
  on_cluster up >/dev/null

  # A tree of radix 1: mpirun starts n0's orted, and that one starts n1's, as in jobs of more than 64 hosts. FT_PYTHON is
  # set where mpirun is.
  check_said on_cluster run "${plain[@]}" "${hide[@]}" "$1/mpirun" --host n0:1,n1:1 --mca routed radix --mca routed_radix 1 \
    "$1/ft_dist" check --set run.device=cpu
  echo end 1<>"$WORK/words"  # not `>`, which would wait for a pass_on that has given up
  wait "$passing"
  no_complaint_in "$WORK/nodes"
  [[ $(cut -d' ' -f1 "$WORK/calls" | sort -u | paste -sd,) == n0,n1 ]] || fail "not by ssh to each node: $(nodes_said)"

  # Slurm's PMIx is the node's and only the ranks' is the bundle's.
  check_said on_cluster run "${plain[@]}" srun --mpi=pmix --nodes 2 --ntasks-per-node 1 "${hide[@]}" \
    "$2/ft_dist" check --set run.device=cpu

  # In an allocation mpirun starts its orted by srun, which a path with a space does not disturb, whatever the hosts are named
  # by. slurmd's machine is not hidden.
  check_said on_cluster run "${plain[@]}" env FT_PYTHON="$VENV/bin/python" salloc --quiet --nodes 2 --ntasks-per-node 1 \
    "$2/mpirun" --host n0:1,n1:1 "$2/ft_dist" check --set run.device=cpu
}
