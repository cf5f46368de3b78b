// Between exec and main lie a tenth of a second: LibTorch registers its operators. A request to stop that
// comes then must wait for main too, and not kill. What is in this section runs before any library's own
// start.
#include "ft/base/stop_signals.h"

namespace {

void hold_early_signals(int /*argc*/, char** /*argv*/, char** /*environment*/) {
  ft::hold_stop_signals();
}

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): what it points to is a function
[[gnu::section(".preinit_array"), gnu::used]] void (*const kBeforeAllElse)(int, char**,
                                                                           char**) = hold_early_signals;

}  // namespace
