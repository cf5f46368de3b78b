# shellcheck shell=bash
# Debian packages: which are needed, which are missing, how they come. Needs messages.sh and machine.sh.

readonly -a kBuildPackages=(
  g++ cmake ninja-build ccache pkg-config git python3-venv
  openmpi-bin libopenmpi-dev
  libhdf5-dev libopencv-core-dev libopencv-imgproc-dev
  libjpeg62-turbo-dev libpng-dev libwebp-dev libtiff-dev zlib1g-dev
  libyaml-cpp-dev nlohmann-json3-dev libcli11-dev libfmt-dev libspdlog-dev libxxhash-dev libssl-dev
  libgtest-dev libgmock-dev libbenchmark-dev
  dataset-fashion-mnist)
readonly -a kTestPackages=(
  slurmctld slurmd slurm-client slurm-wlm-basic-plugins munge libpmix-dev iproute2
  hdf5-tools clang-format clang-tidy clang libclang-rt-dev gdb shellcheck openssh-client)

missing_packages() {
  local name
  local -A installed=()
  while read -r name; do
    installed[$name]=1
  done < <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p')
  for name; do
    [[ -n ${installed[$name]:-} ]] || echo "$name"
  done
}

# A machine that gains slurmd or munge for the tests must not find them running: Debian asks this file, unless the
# machine has one of its own.
readonly kServicePolicy=/usr/sbin/policy-rc.d

forbid_service_starts() {
  [[ ! -e $kServicePolicy ]] || return 0
  printf '#!/bin/sh\nexit 101\n' >"$kServicePolicy"
  chmod 755 "$kServicePolicy"
  trap 'rm -f "$kServicePolicy"' EXIT
}

apt_install() {
  export DEBIAN_FRONTEND=noninteractive
  local -a install=(apt-get -o DPkg::Lock::Timeout=600 install --yes --no-install-recommends)
  apt-get update --quiet
  (
    forbid_service_starts
    "${install[@]}" --quiet "$@"
  )
}

# ensure_packages NAME...: installs what is missing. Returns 1 if that takes an administrator.
ensure_packages() {
  local -a missing
  if ! command -v dpkg-query >/dev/null; then
    note "this is not Debian: the packages it would install are looked for by the build instead"
    return 0
  fi
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]})) || return 0
  if ! is_root; then
    note "${#missing[@]} Debian packages are missing; an administrator must run this line:"
    printf 'apt-get update && apt-get install --yes --no-install-recommends %s\n' "${missing[*]}" >&2
    return 1
  fi
  note "installing ${#missing[@]} Debian packages: ${missing[*]}"
  apt_install "${missing[@]}" ||
    die "apt-get could not install them; mend what it says above, then run this again"
}

ensure_build_packages() { ensure_packages "${kBuildPackages[@]}"; }
ensure_test_packages() { ensure_packages "${kTestPackages[@]}"; }
