#!/usr/bin/env bash
# tests/launch/test_setup.sh: launch/setup.sh names what is wrong with a machine, and the cure. Stand-ins for the
# tools, first in PATH, play the wrong versions; nothing is installed.

set -euo pipefail
FT_ROOT=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
# shellcheck source=../lib/expect.sh
source "$FT_ROOT/tests/lib/expect.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# A tree of its own: the real one's lock is held by the set-up that runs these tests, perhaps.
mkdir "$work/tree"
cp -r "$FT_ROOT/launch" "$work/tree/launch"
setup=$work/tree/launch/setup.sh

# fake TOOL TEXT: a folder in which TOOL prints TEXT.
fake() {
  mkdir -p "$work/fake-$1"
  printf '#!/bin/sh\necho "%s"\n' "$2" >"$work/fake-$1/$1"
  chmod +x "$work/fake-$1/$1"
  echo "$work/fake-$1"
}

libtorch() {
  local folder=$work/libtorch-$1
  mkdir -p "$folder/include/torch/csrc/api/include/torch" "$folder/lib"
  touch "$folder/include/torch/csrc/api/include/torch/torch.h"
  echo "$1" >"$folder/build-version"
  echo "$folder"
}

with_tool() { env PATH="$1:$PATH" FT_LIBTORCH="$good_libtorch" FT_CUDA=OFF "$setup" --no-build; }

good_libtorch=$(libtorch 2.11.0+cpu)
expect_status 0 with_tool "$work"
expect_output 'install: Debian packages'

expect_status 2 with_tool "$(fake cmake 'cmake version 3.18.4')"
expect_output 'version 3.18.4, 3.25 is needed'
expect_status 2 with_tool "$(fake c++ 10.2.1)"
expect_output 'version 10.2.1, GCC 12 is needed: apt-get install'
expect_status 2 with_tool "$(fake mpirun 'HYDRA build details: Version: 4.0.2')"
expect_output 'is not Open MPI .*update-alternatives'

expect_status 2 env FT_LIBTORCH="$(libtorch 2.10.0)" "$setup" --no-build
expect_output 'is LibTorch 2.10.0, 2.11.0 is needed'
expect_status 2 env FT_LIBTORCH="$good_libtorch" "$setup" --no-build
expect_output 'CPU-only LibTorch: set FT_CUDA=OFF'
expect_status 2 env FT_LIBTORCH="$work" "$setup" --no-build
expect_output 'holds no include/torch'

# A virtual environment with another Pillow is named, and left alone.
venv=$work/venv
/usr/bin/python3 -m venv "$venv"
packages=("$venv"/lib/python3*/site-packages)
mkdir "${packages[0]}/pillow-11.0.0.dist-info"
printf 'Metadata-Version: 2.1\nName: pillow\nVersion: 11.0.0\n' >"${packages[0]}/pillow-11.0.0.dist-info/METADATA"
expect_status 2 env FT_VENV="$venv" FT_LIBTORCH="$good_libtorch" FT_CUDA=OFF "$setup" --no-build
expect_output 'has pillow 11.0.0, 13.0.0 is needed: rm -r'

# A missing package, and nobody who may install it. dpkg-query says what an empty machine's would.
expect_status 2 env PATH="$(fake id 1000):$(fake dpkg-query 'installed cmake'):$PATH" "$setup" --no-build
expect_output 'an administrator must run this line'
expect_output 'apt-get update && apt-get install .* libhdf5-dev'
expect_no_output 'install .* cmake'

expect_status 2 "$setup" --jobs 0
expect_status 2 "$setup" --bogus
finish
