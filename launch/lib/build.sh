# shellcheck shell=bash
# Configuring and building one CMake preset. Needs machine.sh, libtorch.sh.

# All three are always given, so that a changed environment changes a configured tree too.
configure_preset() {
  cmake --preset "$1" --no-warn-unused-cli -S "$FT_ROOT" \
    "-DFT_LIBTORCH=${FT_LIBTORCH:-}" "-DFT_VENV=$(venv_dir)" "-DFT_CUDA=${FT_CUDA:-ON}" >&2
}

# build_preset PRESET JOBS [TARGET...]
build_preset() {
  local preset=$1 jobs=$2 folder=$FT_ROOT/build
  shift 2
  [[ $preset == release ]] || folder+=-$preset
  (cd "$FT_ROOT" && configure_preset "$preset")
  ninja -C "$folder" -j "$jobs" "$@" >&2
}
