// "Did it work for everyone?": after each step of set-up that can fail on some ranks only, all ranks agree,
// so that the same error ends all of them and is said once.
#pragma once

#include <exception>
#include <functional>
#include <string_view>

#include "ft/comm/communicator.h"

namespace ft {

// Runs `action`; then every rank learns whether it failed anywhere. If so, all throw the same ft::Error: the
// lowest failed rank's code, text and hint, prefixed by the failing ranks when not all failed ("ranks 1, 3
// (n1): ...").
void agree(Communicator& communicator, std::string_view what, const std::function<void()>& action);

}  // namespace ft
