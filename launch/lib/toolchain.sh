# shellcheck shell=bash
# Versions of the tools that the build depends on; each wrong one is named with its cure. Needs machine.sh, messages.sh.

check_compiler() {
  local compiler=${CXX:-c++} version
  command -v "$compiler" >/dev/null || die "no C++ compiler '$compiler': apt-get install g++"
  version=$("$compiler" -dumpfullversion 2>/dev/null || "$compiler" -dumpversion)
  version_at_least "$version" 12 ||
    die "$compiler is version $version, GCC 12 is needed: apt-get install g++-12 and set CXX=g++-12"
}

check_cmake() {
  local version
  command -v cmake >/dev/null || die "no cmake: apt-get install cmake"
  version=$(cmake --version | sed -n '1s/^cmake version //p')
  version_at_least "$version" 3.25 ||
    die "$(command -v cmake) is version $version, 3.25 is needed: put a newer one (Debian 12 has it) first in PATH"
  command -v ninja >/dev/null || die "no ninja: apt-get install ninja-build"
}

check_open_mpi() {
  local first version
  command -v mpirun >/dev/null || die "no mpirun: apt-get install openmpi-bin libopenmpi-dev"
  first=$(mpirun --version 2>&1 | head -n 1)
  [[ $first == *"Open MPI"* ]] ||
    die "$(command -v mpirun) is not Open MPI ('$first'): update-alternatives --set mpirun /usr/bin/mpirun.openmpi, or put Open MPI first in PATH"
  version=${first##* }
  version_at_least "$version" 4 || die "mpirun is Open MPI $version, 4.1 is needed: apt-get install openmpi-bin"
}

check_toolchain() {
  check_compiler
  check_cmake
  check_open_mpi
}
