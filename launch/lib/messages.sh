# shellcheck shell=bash
# One-line messages on stderr, under the name of the script that speaks.

speaker=${0##*/}
speaker=${speaker%.sh}

note() { printf '%s: %s\n' "$speaker" "$*" >&2; }
# Exit code 2 is the project's code for usage and configuration.
die() { note "$*"; exit 2; }

# The comment block at the head of a script is its help: one text, which cannot drift from a second.
print_help() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$1"; }

# need_value OPTION "$@": dies unless a value follows the option.
need_value() { (($# > 2)) || die "$1 needs a value (see --help)"; }
