# shellcheck shell=sh disable=SC2154  # the script that reads this sets bundle and name
# Read by the start scripts: where things are. Plain sh, since the machine may have nothing else.

bundle_die() {
  echo "$name: error: $1" >&2
  exit 2
}

# bundle_others FOLDERS: of a list with colons those that are not in the bundle.
bundle_others() (
  IFS=: && set -f
  others=
  for folder in $1; do
    case $folder in "$bundle"/*) ;; *) others=$others${others:+:}$folder ;; esac
  done
  echo "$others"
)
# mpirun leaves the bundle's folders there for what it starts. They are not for this machine's own programs, Python
# and those below among them: a newer machine's cannot live with the bundle's libcrypto.
LD_LIBRARY_PATH=$(bundle_others "${LD_LIBRARY_PATH:-}")

# 2.36 is newer than 2.9: part by part.
bundle_glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d' ' -f2)
bundle_oldest=$(printf '%s\n' "$bundle_glibc" @GLIBC@ | sort -t. -k1,1n -k2,2n | head -n 1)
if [ "$bundle_oldest" != @GLIBC@ ]; then
  bundle_die "this machine has glibc ${bundle_glibc:-of no known version}, and the bundle needs @GLIBC@ or newer (hint: Debian 12, Ubuntu 22.10, RHEL 10; or build here with launch/setup.sh)"
fi

# bundle_torch_of PYTHON: folders of LibTorch and of what it brings, with colons; !VERSION when that is another; nothing when
# there is none. Not by `import torch`: that takes seconds, at every start.
bundle_torch_of() {
  "$1" - <<'PYTHON' 2>/dev/null
import sys
sys.path = [folder for folder in sys.path if folder]  # not the working directory
import importlib.metadata, importlib.util, pathlib
spec = importlib.util.find_spec("torch")
if spec is None:
    sys.exit(1)
version = importlib.metadata.version("torch")
torch = pathlib.Path(spec.origin).parent
folders = [torch / "lib", *sorted((torch.parent / "nvidia").glob("*/lib"))]
whole = all(any((folder / name).exists() for folder in folders) for name in ("libnccl.so.2", "libcudart.so.13"))
if version.split("+")[0] != "@TORCH@" or not whole:
    print(f"!{version}")
    sys.exit(0)
print(":".join(map(str, folders)))
PYTHON
}

# The first torch that fits; else what is wrong with the first one there is, and whose it is. FT_PYTHON and FT_LIBTORCH
# of this node are its user's word: where one names the wrong torch, no other is taken in silence.
bundle_torch() {
  if [ -n "${FT_LIBTORCH:-}" ]; then
    if [ -e "$FT_LIBTORCH/lib/libtorch_cpu.so" ]; then echo "$FT_LIBTORCH/lib"; else echo '!FT_LIBTORCH'; fi
    return
  fi
  bundle_wrong=
  for bundle_python in "${FT_PYTHON:-}" "$bundle_sent_python" "${VIRTUAL_ENV:+$VIRTUAL_ENV/bin/python3}" python3; do
    [ -n "$bundle_python" ] || continue
    bundle_answer=$(bundle_torch_of "$bundle_python") || continue
    case $bundle_answer in
      '!'*) bundle_wrong=${bundle_wrong:-"$bundle_answer of $bundle_python"} ;;
      *) echo "$bundle_answer" && return ;;
    esac
    [ "$bundle_python" != "${FT_PYTHON:-}" ] || break
  done
  echo "$bundle_wrong"
}

bundle_path=$bundle/lib:$bundle/lib/x86_64-linux-gnu/openmpi/lib
case $name in
  ft_pack | mpirun | orted) ;;
  *)
    # What mpirun.sh sends along, where this node says nothing itself.
    bundle_sent_python=
    if [ -z "${FT_LIBTORCH:-}${FT_PYTHON:-}${VIRTUAL_ENV:-}" ]; then
      FT_LIBTORCH=${OMPI_FT_LIBTORCH:-} bundle_sent_python=${OMPI_FT_PYTHON:-}
    fi
    bundle_found=$(bundle_torch)
    case $bundle_found in
      '') bundle_die "no LibTorch here (hint: pip install torch==@TORCH@, and FT_PYTHON=that Python; or FT_LIBTORCH=folder)" ;;
      '!FT_LIBTORCH') bundle_die "FT_LIBTORCH=$FT_LIBTORCH holds no lib/libtorch_cpu.so" ;;
      '!'*) bundle_die "torch ${bundle_found#!} does not fit: the bundle needs @TORCH@ from PyPI, with CUDA 13 (hint: pip install torch==@TORCH@)" ;;
      *) bundle_path=$bundle_path:$bundle_found ;;
    esac
    ;;
esac
export LD_LIBRARY_PATH="$bundle_path${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export OPAL_PREFIX="$bundle" OPAL_SYSCONFDIR="$bundle/etc/openmpi" PMIX_PREFIX="$bundle/pmix" PMIX_LIBDIR="$bundle/pmix/lib"
export PATH="$bundle:$PATH"
