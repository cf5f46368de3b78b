#!/bin/sh
# Starts the program of this name in the bundle, with the bundle's libraries and Open MPI and this machine's LibTorch.
script=$(readlink -f "$0")
bundle=$(dirname "$script")
name=$(basename "$script")
# shellcheck source=/dev/null
. "$bundle/lib/environment.sh"
exec "$bundle/bin/$name" "$@"
