#!/usr/bin/env bash
# tests/lint.sh format|shell
#
# format: every C++ file is as clang-format would write it. shell: shellcheck of every script, with what it sources.

set -euo pipefail
FT_ROOT=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
cd "$FT_ROOT"
# shellcheck source=../launch/lib/messages.sh
source launch/lib/messages.sh

check_format() { git ls-files -z '*.cpp' '*.h' | xargs --null --no-run-if-empty clang-format --dry-run --Werror; }

# What starts with a shebang of a shell; the files under lib/ have none and are checked through their users.
scripts() { git grep --files-with-matches --extended-regexp '^#!.*\b(ba)?sh$' -- ':!*.md' ':!*/lib/*'; }
check_shell() { scripts | xargs shellcheck --check-sourced; }

case ${1:---help} in
  format | shell) "check_$1" ;;
  --help | -h) print_help "$0" ;;
  *) die "format or shell, not '$1'" ;;
esac
