# shellcheck shell=bash
# Where ft_dist and ft_pack are: $FT_DIST or $FT_PACK, the build's, or the ones installed together with this folder.

# find_program NAME: ft_dist or ft_pack.
find_program() {
  local name=$1 variable=${1^^} candidate
  for candidate in "${!variable:-}" "$FT_ROOT/build/bin/$name" "$FT_ROOT/../../bin/$name"; do
    [[ -n $candidate ]] || continue
    if [[ -x $candidate ]]; then
      realpath "$candidate"
      return 0
    fi
    [[ $candidate != "${!variable:-}" ]] || die "$variable=$candidate is not a program"
  done
  die "$name is not built: run launch/setup.sh, or set $variable"
}
