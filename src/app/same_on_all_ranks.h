// What may not differ between ranks, or they would train something else together than each thinks. All
// collective; what they throw is known to all ranks.
#pragma once

#include <string>

#include "ft/comm/communicator.h"

namespace ft::app {

// UsageError when a text differs between ranks: names the first line that does.
void require_same_on_all_ranks(Communicator& host, const std::string& lines, const std::string& what);

// UsageError when ranks run different builds of ft_dist, or the same with another LibTorch or NCCL: names
// those that do, and their hosts.
void require_same_program(Communicator& host);

}  // namespace ft::app
