#include "ft/base/host.h"

#include <sys/utsname.h>

namespace ft {

std::string host_name() {
  utsname names{};
  return ::uname(&names) == 0 ? names.nodename : "unknown-host";
}

}  // namespace ft
