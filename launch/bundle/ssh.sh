#!/bin/sh
# How mpirun reaches the other hosts: this machine's ssh (or rsh), without the bundle's libraries.
unset LD_LIBRARY_PATH
command -v ssh >/dev/null || exec rsh "$@"
exec ssh "$@"
