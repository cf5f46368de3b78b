# shellcheck shell=bash
# LibTorch: the torch wheel in a virtual environment, which also holds the tests' oracles; or the folder FT_LIBTORCH.
# Needs machine.sh, messages.sh.

readonly kTorchVersion=2.11.0
# Pillow's pixels are what the transforms are held to: exactly this version.
readonly -a kPinned=("torch==$kTorchVersion" torchvision==0.26.0 pillow==13.0.0)
readonly -a kUnpinned=(numpy h5py safetensors)

# Relative to where the user stands, also for those that go elsewhere before they use them.
[[ -z ${FT_VENV:-} ]] || FT_VENV=$(realpath -m "$FT_VENV")
[[ -z ${FT_LIBTORCH:-} ]] || FT_LIBTORCH=$(realpath -m "$FT_LIBTORCH")

venv_dir() { echo "${FT_VENV:-$FT_ROOT/.venv}"; }

# With a LibTorch of one's own and no FT_VENV there is no virtual environment, and the tests that ask PyTorch skip.
wants_venv() { [[ -z ${FT_LIBTORCH:-} || -n ${FT_VENV:-} ]]; }

check_own_libtorch() {
  local version
  [[ -e $FT_LIBTORCH/include/torch/csrc/api/include/torch/torch.h ]] ||
    die "FT_LIBTORCH=$FT_LIBTORCH holds no include/torch: name the folder that has include/ and lib/ in it"
  [[ -r $FT_LIBTORCH/build-version ]] || return 0
  version=$(<"$FT_LIBTORCH/build-version")
  [[ ${version%%+*} == "$kTorchVersion" ]] ||
    die "FT_LIBTORCH=$FT_LIBTORCH is LibTorch $version, $kTorchVersion is needed: take that release, or unset FT_LIBTORCH"
  [[ -e $FT_LIBTORCH/lib/libtorch_cuda.so || ${FT_CUDA:-ON} == OFF ]] ||
    die "FT_LIBTORCH=$FT_LIBTORCH is a CPU-only LibTorch: set FT_CUDA=OFF"
}

# The system's Python first: one that a user's shell put in PATH may go away under the virtual environment.
suitable_python() {
  local candidate
  for candidate in /usr/bin/python3 "$(command -v python3 || true)"; do
    [[ -x $candidate ]] || continue
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
      echo "$candidate"
      return 0
    fi
  done
  return 1
}

# Prints "NAME HAVE WANT" for each pinned package of another version and "NAME" for each missing one. Reads metadata
# only: importing torch would take seconds.
venv_differences() {
  "$1/bin/python" - "${kPinned[@]}" "${kUnpinned[@]}" <<'PY'
import importlib.metadata as metadata
import sys

for requirement in sys.argv[1:]:
    name, _, want = requirement.partition("==")
    try:
        have = metadata.version(name).split("+")[0]
    except metadata.PackageNotFoundError:
        print(name)
        continue
    if want and have != want:
        print(name, have, want)
PY
}

make_venv() {
  local venv=$1 python
  python=$(suitable_python) ||
    die "no Python 3.10 or newer with venv: apt-get install python3-venv, or set FT_LIBTORCH to a LibTorch folder"
  note "making $venv with $python"
  "$python" -m venv "$venv"
}

ensure_venv() {
  local venv=$1 differences name have want
  # An interrupted `venv` leaves a Python without pip.
  [[ -x $venv/bin/pip ]] || make_venv "$venv"
  differences=$(venv_differences "$venv") ||
    die "the Python of $venv does not run (did its system Python go?): rm -r $venv and run this again"
  while read -r name have want; do
    [[ -z $want ]] ||
      die "$venv has $name $have, $want is needed: rm -r $venv and run this again, or set FT_VENV to another folder"
  done <<<"$differences"
  [[ -n $differences ]] || return 0
  note "installing ${kPinned[*]} ${kUnpinned[*]} into $venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "${kPinned[@]}" "${kUnpinned[@]}" ||
    die "pip could not install them; mend what it says above, then run this again"
}

ensure_libtorch() {
  [[ -z ${FT_LIBTORCH:-} ]] || check_own_libtorch
  if wants_venv; then ensure_venv "$(venv_dir)"; fi
}
