# shellcheck shell=bash
# Which files of this machine a bundle takes along. Needs messages.sh and FT_ROOT.

# Where Debian's Open MPI expects its parts below OPAL_PREFIX.
readonly BUNDLE_MPI_LIB=lib/x86_64-linux-gnu/openmpi/lib

# Plugins for networks whose libraries are large or belong to the node's own drivers; MPI then uses TCP and shared
# memory, and NCCL its own ways.
readonly BUNDLE_SKIPPED_PLUGINS='_(ucx|ofi|openib|psm|psm2|cm|monitoring|flux|jsm|gridengine|treematch|romio321|ompio|individual|dynamic|dynamic_gen2|two_phase|vulcan|lockedfile)\.so$'

readonly BUNDLE_TORCH_LIBRARIES='(^|/)lib(torch|c10|nccl|cudart|cublas|cudnn|cufft|cusparse|cusolver|curand|cupti|nvrtc|nvJitLink|nvToolsExt|nvshmem|cufile|gomp-|shm|caffe2)[^/]*$'

# Where the programs' libraries are that no folder of the system's search path has.
bundle_search_path() {
  printf '%s' "/usr/$BUNDLE_MPI_LIB:/usr/lib/x86_64-linux-gnu/pmix2/lib:/usr/lib/x86_64-linux-gnu/hdf5/serial"
}

# A program's own run path leads to folders of this machine; the bundle's start scripts say where to look.
forget_run_path() { cmake -D "program=$1" -P "$FT_ROOT/launch/bundle/forget_run_path.cmake" >/dev/null; }

copy_open_mpi() {
  local bundle=$1 plugin
  mkdir -p "$bundle/$BUNDLE_MPI_LIB/openmpi3" "$bundle/share" "$bundle/etc/openmpi"
  for plugin in "/usr/$BUNDLE_MPI_LIB"/openmpi3/mca_*.so; do
    [[ $plugin =~ $BUNDLE_SKIPPED_PLUGINS ]] || cp "$plugin" "$bundle/$BUNDLE_MPI_LIB/openmpi3/"
  done
  cp -r /usr/share/openmpi "$bundle/share/"
  cp /etc/openmpi/openmpi-default-hostfile /etc/openmpi/openmpi-mca-params.conf "$bundle/etc/openmpi/"
  # libpmix and its plugins; what else is in its folder serves only those who compile.
  local pmix=/usr/lib/x86_64-linux-gnu/pmix2
  mkdir -p "$bundle/pmix/lib" "$bundle/pmix/share"
  cp -r "$pmix/lib/pmix" "$bundle/pmix/lib/"
  cp -r "$pmix/share/." "$bundle/pmix/share/"
  find "$bundle" -name '*.la' -delete
}

# Every library that the bundle's programs and plugins load, but glibc's own and LibTorch's: those are the machine's.
# A library of LibTorch's folder counts as LibTorch's, wherever it is.
copy_libraries() {
  local bundle=$1 file
  libraries_of "$bundle" | while read -r file; do
    cp --dereference --no-clobber "$file" "$bundle/lib/"
  done
  # Loaded by name at run time, so that ldd does not see them.
  cp --dereference /usr/lib/x86_64-linux-gnu/pmix2/lib/libpmix.so.2 "$bundle/lib/"
}

libraries_of() {
  local bundle=$1 found missing
  found=$(find "$bundle" -type f \( -name '*.so' -o -path '*/bin/*' \) -print0 |
    LD_LIBRARY_PATH=$(bundle_search_path) xargs -0 ldd 2>/dev/null)
  missing=$(awk '$2 == "=>" && $3 == "not" { print $1 }' <<<"$found" | sort -u |
    grep -Ev "$BUNDLE_TORCH_LIBRARIES" | tr '\n' ' ' || true)
  [[ -z $missing ]] || die "not found, though something in the bundle wants it: $missing"
  awk '$2 == "=>" && $3 ~ /^\// { print $3 }' <<<"$found" | sort -u |
    grep -Ev '/(ld-linux-x86-64|lib(c|m|dl|rt|pthread|util|resolv|nsl|anl))\.so' |
    grep -Ev "$BUNDLE_TORCH_LIBRARIES" |
    grep -v '/site-packages/'
}

# The newest symbol version of glibc that anything in the bundle asks for.
needed_glibc() {
  find "$1" -type f \( -name '*.so*' -o -path '*/bin/*' \) -exec objdump -T {} + 2>/dev/null |
    grep -o 'GLIBC_2\.[0-9]*' | sort -u --version-sort | tail -n 1 | cut -d_ -f2
}

torch_version() { sed -n 's/^readonly kTorchVersion=//p' "$FT_ROOT/launch/lib/libtorch.sh"; }

# Debian's copyright file of each package that a library came from: their licences ask for it.
copy_copyrights() {
  local bundle=$1 library package
  mkdir -p "$bundle/copyrights"
  for library in "$bundle"/lib/*.so*; do
    package=$(dpkg -S "*/${library##*/}" 2>/dev/null | head -n 1 | cut -d: -f1) || continue
    [[ -z $package ]] || cp --no-clobber "/usr/share/doc/$package/copyright" "$bundle/copyrights/$package" 2>/dev/null || true
  done
}
