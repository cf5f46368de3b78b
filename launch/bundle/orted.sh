#!/bin/sh
# What mpirun starts on each other host, by this path (bin/orted below its own folder) and with no more than OPAL_PREFIX,
# PATH and LD_LIBRARY_PATH: not enough for PMIx to find its plugins.
bundle=$(dirname "$(dirname "$(readlink -f "$0")")")
# shellcheck disable=SC2034  # environment.sh reads it
name=orted
# shellcheck source=/dev/null
. "$bundle/lib/environment.sh"
exec "$bundle/bin/orted.real" "$@"
