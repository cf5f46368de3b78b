// Open MPI's settings that its own defaults get wrong for us, as the environment variables that set them.
#pragma once

#include <string>
#include <vector>

#include "ft/comm/launcher.h"

namespace ft {

struct MpiDefault {
  std::string variable;
  std::string value;
};

// Pure. `allowed_cores` is the number of this process's cores, `has_fabric` whether the node has a network
// that the kernel's TCP does not drive.
[[nodiscard]] std::vector<MpiDefault> mpi_defaults(const LauncherEnvironment& launcher, int allowed_cores,
                                                   bool has_fabric);

// InfiniBand, RoCE, EFA, Omni-Path or Slingshot.
[[nodiscard]] bool node_has_fabric();

// Sets them for this process, where the user has not. The environment wins. Call before MPI_Init.
void apply_mpi_defaults(const std::vector<MpiDefault>& defaults);

}  // namespace ft
