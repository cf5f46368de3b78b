# shellcheck shell=bash
# Where ft_dist is: $FT_DIST, the build's, or the one that was installed together with this folder.

find_ft_dist() {
  local candidate
  for candidate in "${FT_DIST:-}" "$FT_ROOT/build/bin/ft_dist" "$FT_ROOT/../../bin/ft_dist"; do
    [[ -n $candidate ]] || continue
    if [[ -x $candidate ]]; then
      realpath "$candidate"
      return 0
    fi
    [[ $candidate != "${FT_DIST:-}" ]] || die "FT_DIST=$FT_DIST is not a program"
  done
  die "ft_dist is not built: run launch/setup.sh, or set FT_DIST"
}
