#!/usr/bin/env bash
# launch/bundle.sh [--out FILE] [--with-tests]
#
# Packs what is built, and the Debian libraries and the Open MPI that it needs, into one relocatable tarball: for nodes
# that lack them, and for a machine with a GPU that has nothing but PyTorch. LibTorch, CUDA and NCCL are not in it: it
# takes those of an installed torch wheel, or of FT_LIBTORCH.
#
#   --out FILE     the tarball; default: build/ft_dist-bundle.tar.xz
#   --with-tests   with the tests that want a GPU: ft_dist-bundle/gpu_tests.py runs them
#   --help         this text
#
# Environment: FT_DIST=FILE, FT_PACK=FILE  the programs; default: those in build/bin
#
# There: tar -xf ft_dist-bundle.tar.xz, then ft_dist-bundle/ft_dist, ft_dist-bundle/ft_pack and
# ft_dist-bundle/mpirun (the same path on every node). It needs a glibc no older than this machine's, and says so.

set -euo pipefail
FT_ROOT=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
# shellcheck source=lib/messages.sh
source "$FT_ROOT/launch/lib/messages.sh"
# shellcheck source=lib/program.sh
source "$FT_ROOT/launch/lib/program.sh"
# shellcheck source=lib/bundle_libraries.sh
source "$FT_ROOT/launch/lib/bundle_libraries.sh"

out=$FT_ROOT/build/ft_dist-bundle.tar.xz with_tests=0
while (($#)); do
  case $1 in
    --out) need_value --out "$@"; out=$2; shift ;;
    --with-tests) with_tests=1 ;;
    --help | -h) print_help "$0"; exit 0 ;;
    *) die "unknown option '$1' (see --help)" ;;
  esac
  shift
done
[[ -d $(dirname "$out") ]] || die "there is no folder $(dirname "$out") to write $out to"
[[ ! -d $out ]] || die "--out takes a file, and $out is a folder"
for tool in cmake ldd objdump orted strip tar xz; do
  command -v "$tool" >/dev/null || die "there is no $tool, which packing takes: run launch/setup.sh"
done

ft_dist=$(find_program ft_dist)
ft_pack=$(find_program ft_pack)
mpirun=$(command -v mpirun) || die "there is no mpirun to take along: run launch/setup.sh"
stage=$(mktemp -d "${TMPDIR:-/tmp}/ft_dist-bundle.XXXXXX")
trap 'rm -rf "$stage" "$out.tmp"' EXIT
bundle=$stage/ft_dist-bundle
mkdir -p "$bundle/bin" "$bundle/lib"

note "programs"
install -m 755 "$ft_dist" "$ft_pack" "$bundle/bin/"
install -m 755 "$(realpath "$mpirun")" "$bundle/bin/mpirun"
install -m 755 "$(command -v orted)" "$bundle/bin/orted.real"
if ((with_tests)); then
  [[ -x ${ft_dist%/*}/test_gpu ]] || die "${ft_dist%/*}/test_gpu is not built: run launch/setup.sh"
  install -m 755 "${ft_dist%/*}/test_gpu" "$bundle/bin/"
  install -m 755 "$FT_ROOT/tests/gpu/run.py" "$bundle/gpu_tests.py"
fi
strip --strip-unneeded "$bundle"/bin/*
for program in "$bundle"/bin/*; do forget_run_path "$program"; done

note "Open MPI's plugins"
copy_open_mpi "$bundle"
note "libraries"
copy_libraries "$bundle"
cp -r "$FT_ROOT/configs" "$bundle/"
cp "$FT_ROOT/LICENSE" "$FT_ROOT/launch/bundle/README" "$bundle/"
copy_copyrights "$bundle"

newest_glibc=$(needed_glibc "$bundle")
sed "s/@GLIBC@/$newest_glibc/g; s/@TORCH@/$(torch_version)/g" "$FT_ROOT/launch/bundle/environment.sh" >"$bundle/lib/environment.sh"
names=(ft_dist ft_pack)
((!with_tests)) || names+=(test_gpu)
for name in "${names[@]}"; do install -m 755 "$FT_ROOT/launch/bundle/start.sh" "$bundle/$name"; done
install -m 755 "$FT_ROOT/launch/bundle/mpirun.sh" "$bundle/mpirun"
install -m 755 "$FT_ROOT/launch/bundle/orted.sh" "$bundle/bin/orted"
install -m 755 "$FT_ROOT/launch/bundle/ssh.sh" "$bundle/lib/ssh"

note "packing"
tar -C "$stage" --sort=name --owner=0 --group=0 --mode=a+rX --mtime=@0 -cf - ft_dist-bundle | xz -T0 -3 >"$out.tmp"
mv "$out.tmp" "$out"
note "$(du -h --apparent-size "$out" | cut -f1) in $out; it wants glibc $newest_glibc and torch $(torch_version)"
