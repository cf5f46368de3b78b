#!/bin/sh
# Starts the program of this name in the bundle, with the bundle's libraries and Open MPI and this machine's LibTorch.
bundle=$(dirname "$(readlink -f "$0")")
name=$(basename "$0")
. "$bundle/lib/environment.sh"
exec "$bundle/bin/$name" "$@"
