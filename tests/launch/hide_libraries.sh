#!/bin/sh
# hide_libraries.sh CMD...: CMD on a machine that has none of ft_dist's libraries, nor Open MPI: run it in a mount
# namespace of its own (unshare --mount).
#
# What is not glibc's or the shell's own is gone: libraries become empty files, folders of plugins empty folders. The
# virtual environment $VENV is at $WORK/moved instead: what finds LibTorch was told where.

set -e
libraries=/usr/lib/x86_64-linux-gnu
for folder in $libraries/openmpi $libraries/pmix2 /usr/share/openmpi /etc/openmpi $libraries/hdf5; do
  mount -t tmpfs none "$folder"
done
for library in mpi open-pal open-rte opencv_core opencv_imgproc spdlog fmt yaml-cpp xxhash jpeg webp tiff hwloc pmix; do
  for file in "$libraries/lib$library.so".[0-9]*; do
    [ ! -e "$file" ] || mount --bind /dev/null "$(readlink -f "$file")"
  done
done
for program in /usr/bin/mpirun.openmpi /usr/bin/orterun /usr/bin/orted; do
  [ ! -e "$program" ] || mount --bind /dev/null "$(readlink -f "$program")"
done
mkdir -p "$WORK/moved"
mount --bind "$VENV" "$WORK/moved"
mount -t tmpfs none "$VENV"
exec "$@"
