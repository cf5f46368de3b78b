#!/usr/bin/env bash
# tests/tidy.sh [--all | --base REV] [--limit N]
#
# clang-tidy over the sources that changed since REV (default: the last commit but one), or over all of them; at most
# N files, and it says which it left out. A changed header stands for the sources that include it by name.
# Needs a configured build/ (launch/setup.sh). Exit code 1: findings.
#
# Environment: FT_TIDY_BASE=REV  the same as --base

set -euo pipefail
FT_ROOT=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
cd "$FT_ROOT"
# shellcheck source=../launch/lib/messages.sh
source launch/lib/messages.sh
# shellcheck source=../launch/lib/machine.sh
source launch/lib/machine.sh

all=0 base=${FT_TIDY_BASE:-HEAD~1} limit=1000
while (($#)); do
  case $1 in
    --all) all=1 ;;
    --base) need_value "$1" "$@"; base=$2; shift ;;
    --limit) need_value "$1" "$@"; limit=$2; shift ;;
    --help | -h) print_help "$0"; exit 0 ;;
    *) die "unknown option '$1' (see --help)" ;;
  esac
  shift
done
[[ $limit =~ ^[1-9][0-9]*$ ]] || die "--limit takes a number from 1, not '$limit'"
[[ -e build/compile_commands.json ]] || die "no build/compile_commands.json: run launch/setup.sh"
# In a clone with one commit everything is new.
git rev-parse --quiet --verify "$base^{commit}" >/dev/null || all=1

readonly database=build/tidy
# GCC's precompiled header is nothing that clang can read, and the sources include what they use.
write_database() {
  mkdir -p "$database"
  sed -E 's/ -fpch-preprocess//; s/ -Winvalid-pch//; s# -include [^ ]*/cmake_pch\.hxx##' \
    build/compile_commands.json >"$database/compile_commands.json"
}

sources() { git ls-files 'src/*.cpp' 'data_prep/*.cpp'; }

changed_sources() {
  local file
  while read -r file; do
    case $file in
      *.cpp) [[ ! -e $file ]] || echo "$file" ;;
      *.h) sources | xargs grep --files-with-matches --fixed-strings "${file##*/}\"" || true ;;
    esac
  done < <(git diff --name-only "$base" -- src data_prep include) | sort -u
}

# What the build knows, those without LibTorch first: they take a second each, the others twenty.
selected_sources() {
  local file
  local -a slow=()
  while read -r file; do
    grep -q "\"file\": \"$FT_ROOT/$file\"" "$database/compile_commands.json" || continue
    case $file in
      src/model/formats/*) echo "$file" ;;
      src/model/* | src/train/* | src/app/* | src/main.cpp | src/comm/device/*) slow+=("$file") ;;
      *) echo "$file" ;;
    esac
  done < <(if ((all)); then sources; else changed_sources; fi)
  ((${#slow[@]} == 0)) || printf '%s\n' "${slow[@]}"
}

write_database
mapfile -t files < <(selected_sources)
if ((${#files[@]} > limit)); then
  note "$((${#files[@]} - limit)) of ${#files[@]} files left out (--limit $limit): ${files[*]:limit}"
  files=("${files[@]:0:limit}")
fi
note "${#files[@]} files"
((${#files[@]})) || exit 0
# clang-tidy's own count of the system headers' warnings is no news.
printf '%s\n' "${files[@]}" |
  xargs --max-procs="$(build_jobs)" --max-args=1 clang-tidy -p "$database" --quiet 2> >(grep -v ' warnings generated' >&2) ||
  exit 1
