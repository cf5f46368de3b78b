# shellcheck shell=bash
# Checks for tests written as scripts: each failure is one line, and the script's exit code says whether any was.

failures=0

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  failures=$((failures + 1))
}

# expect_status WANTED COMMAND...: its output is kept in $output.
expect_status() {
  local wanted=$1 status=0
  shift
  output=$("$@" 2>&1) || status=$?
  [[ $status == "$wanted" ]] || fail "status $status, not $wanted: $* -> $output"
}

# expect_output PATTERN: the last $output matches it (an extended regular expression).
expect_output() { [[ $output =~ $1 ]] || fail "no '$1' in: $output"; }

expect_no_output() { [[ ! $output =~ $1 ]] || fail "'$1' in: $output"; }

finish() {
  ((failures == 0)) || { printf '%d checks failed\n' "$failures" >&2; exit 1; }
  echo "all checks passed"
}
