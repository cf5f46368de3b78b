#!/usr/bin/env bash
# launch/bundle.sh's tarball on a machine that has none of the libraries: those of this one are hidden in a mount
# namespace, which takes root.
#
# usage: test_bundle.sh SOURCE_DIR PYTHON

set -euo pipefail
SOURCE=$1 PYTHON=$2
[[ $EUID -eq 0 ]] || { echo "SKIPPED: hiding this machine's libraries takes root"; exit 77; }
unshare --mount true 2>/dev/null || { echo "SKIPPED: this kernel gives no mount namespaces here"; exit 77; }
WORK=$(mktemp -d)
VENV=$(dirname "$(dirname "$PYTHON")")
export WORK VENV  # hide_libraries.sh reads them
trap 'rm -rf "$WORK"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }
# shellcheck source=bundle_on_nodes.sh
source "$SOURCE/tests/launch/bundle_on_nodes.sh"

"$SOURCE/launch/bundle.sh" --with-tests --out "$WORK/bundle.tar.xz" 2>"$WORK/log" || fail "bundle.sh: $(cat "$WORK/log")"
size=$(stat -c %s "$WORK/bundle.tar.xz")
((size < 60000000)) || fail "the tarball has $size bytes"
mkdir "$WORK/else where"
tar -C "$WORK/else where" -xf "$WORK/bundle.tar.xz"
BUNDLE="$WORK/else where/ft_dist-bundle"

hidden() {
  unshare --mount "$SOURCE/tests/launch/hide_libraries.sh" env -u LD_LIBRARY_PATH FT_PYTHON="$WORK/moved/bin/python" "$@"
}
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_mpi_yield_when_idle=1

# What MPI_Abort comes to is ours, for Open MPI to find: Note [MPI gives up].
[[ $(nm -D --defined-only "$BUNDLE/bin/ft_dist") == *" T PMIx_Abort"* ]] || fail "the bundle's ft_dist exports no PMIx_Abort"

# The hiding hides: otherwise nothing below shows anything.
! hidden "$BUNDLE/bin/ft_pack" --version >/dev/null 2>&1 || fail "ft_pack starts without the bundle's libraries"

# Two classes of pictures, as PNGs that Python writes.
"$PYTHON" - "$WORK/pictures" <<'EOF'
import pathlib, sys
from PIL import Image
for name, colour in (("red", (200, 30, 30)), ("blue", (30, 30, 200))):
    folder = pathlib.Path(sys.argv[1], name)
    folder.mkdir(parents=True)
    for i in range(8):
        Image.new("RGB", (40 + i, 40), tuple(c + 3 * i for c in colour)).save(folder / f"{i}.png")
EOF
hidden "$BUNDLE/ft_pack" pack "$WORK/pictures" --out "$WORK/packed" >"$WORK/out" 2>&1 || fail "ft_pack: $(cat "$WORK/out")"
verdict=$(hidden "$BUNDLE/mpirun" --oversubscribe --bind-to none -np 2 "$BUNDLE/ft_dist" check --set run.device=cpu 2>"$WORK/log") ||
  fail "check: $(cat "$WORK/log")"
[[ $verdict == "check: ready"*": 2 ranks on"* ]] || fail "check said '$verdict'"
hidden "$BUNDLE/mpirun" --oversubscribe --bind-to none -np 2 "$BUNDLE/ft_dist" --set data.train="$WORK/packed" \
  --set run.dir="$WORK/run" --set run.device=cpu --set data.image_size=32 --set train.batch_size=8 --set train.epochs=1 \
  >"$WORK/out" 2>"$WORK/log" || fail "training: $(cat "$WORK/log")"
tail -n 1 "$WORK/out" | grep -q 'examples/sec on 2 ranks (cpu)' || fail "training said: $(cat "$WORK/out")"

# The tests for a GPU come along, and without one say so instead of passing.
status=0
said=$(PATH=$WORK:/usr/bin:/bin "$PYTHON" "$BUNDLE/gpu_tests.py") || status=$?
[[ $status -eq 77 && $said == SKIPPED:* ]] || command -v nvidia-smi >/dev/null || fail "gpu_tests.py: $status, '$said'"
hidden "$BUNDLE/test_gpu" --gtest_list_tests >/dev/null || fail "test_gpu does not start"

# An older glibc is named before anything is loaded, and so is a torch that is not there.
mkdir "$WORK/old"
printf '#!/bin/sh\necho glibc 2.9\n' >"$WORK/old/getconf"
chmod +x "$WORK/old/getconf"
status=0
said=$(PATH=$WORK/old:$PATH "$BUNDLE/ft_dist" --version 2>&1) || status=$?
[[ $status -eq 2 && $said == "ft_dist: error: this machine has glibc 2.9, and the bundle needs 2."* ]] || fail "old glibc: $status, '$said'"
status=0
said=$(FT_PYTHON=/bin/false PATH=$WORK/old/none:/usr/bin:/bin VIRTUAL_ENV='' "$BUNDLE/ft_dist" --version 2>&1) || status=$?
[[ $status -eq 2 && $said == *"no LibTorch here"*"pip install torch=="* ]] || fail "no torch: $status, '$said'"
status=0
said=$(FT_LIBTORCH=$WORK "$BUNDLE/ft_dist" --version 2>&1) || status=$?
[[ $status -eq 2 && $said == *"holds no lib/libtorch_cpu.so"* ]] || fail "FT_LIBTORCH: $status, '$said'"
ln -s "$BUNDLE/ft_pack" "$WORK/packer"
hidden "$WORK/packer" --version >/dev/null || fail "not through a link of another name"

# LibTorch's place goes to all ranks, and one of their own is left alone.
handed_on() {
  # shellcheck disable=SC2016  # it is the rank's
  env -u FT_LIBTORCH -u FT_PYTHON -u VIRTUAL_ENV "$@" "$BUNDLE/mpirun" -np 1 sh -c 'echo "$OMPI_FT_LIBTORCH,$OMPI_FT_PYTHON"'
}
[[ $(handed_on FT_LIBTORCH=/a VIRTUAL_ENV=/b) == /a,/b/bin/python3 ]] || fail "FT_LIBTORCH is not handed on"
[[ $(handed_on FT_PYTHON=/a VIRTUAL_ENV=/b) == ,/a ]] || fail "FT_PYTHON is not handed on"
[[ $(handed_on PATH="$VENV/bin:$PATH") == ,"$VENV/bin/python3" ]] || fail "the python3 of the PATH is not handed on"
hidden env OMPI_FT_LIBTORCH=/nowhere "$BUNDLE/ft_dist" --version >/dev/null || fail "FT_PYTHON is not before what mpirun hands on"

# A torch of another version, as a Python that mpirun handed on may have, hides none that fits; FT_PYTHON is meant.
printf '#!/bin/sh\necho "!2.0.0"\n' >"$WORK/wrong_python"
chmod +x "$WORK/wrong_python"
own_python=(env -u FT_PYTHON -u VIRTUAL_ENV PATH="$WORK/moved/bin:$PATH" OMPI_FT_PYTHON="$WORK/wrong_python")
hidden "${own_python[@]}" "$BUNDLE/ft_dist" --version >/dev/null || fail "a handed on Python's wrong torch hides this node's own"
for wrong in "FT_PYTHON=$WORK/wrong_python" "PATH=/usr/bin:/bin"; do
  status=0
  said=$(hidden "${own_python[@]}" "$wrong" "$BUNDLE/ft_dist" --version 2>&1) || status=$?
  [[ $status -eq 2 && $said == *"torch 2.0.0 of $WORK/wrong_python does not fit"*"torch==2."* ]] || fail "$wrong and a wrong torch: $status, '$said'"
done

# mpirun itself would say that it cannot start its daemons, in 30 lines.
echo elsewhere >"$WORK/hosts"
for word in "--host a,b" "--default-hostfile $WORK/hosts" "-rf $WORK/hosts" "--mca orte_default_hostfile $WORK/hosts" \
  "OMPI_MCA_orte_default_hostfile=$WORK/hosts" "OMPI_MCA_orte_rankfile=$WORK/hosts"; do
  status=0
  if [[ $word == -* ]]; then
    # shellcheck disable=SC2086  # an option and its value
    said=$("$BUNDLE/mpirun" -np 2 $word true 2>&1) || status=$?
  else
    said=$(env "$word" "$BUNDLE/mpirun" -np 2 true 2>&1) || status=$?
  fi
  [[ $status -eq 2 && $said == "mpirun: error: "*"else where"*"hint: "* ]] || fail "a space and $word: $status, '$said'"
done

shown="packs, checks and trains with every library of this machine hidden"
if command -v slurmctld >/dev/null && unshare --net --pid --uts --ipc --fork true 2>/dev/null; then
  mkdir "$WORK/elsewhere"
  cp -r "$BUNDLE" "$WORK/elsewhere/"
  check_on_nodes "$WORK/elsewhere/ft_dist-bundle" "$BUNDLE"
  shown+=", and checks on two nodes without them"
else
  shown+="; not tried on two nodes: no Slurm here (launch/setup.sh --with-tests), or no right to make networks"
fi
echo "$size bytes; $shown"
