#include "ft/train/root_task.h"

#include <array>
#include <chrono>
#include <exception>

#include "ft/base/error.h"
#include "ft/comm/agreement.h"

namespace ft {
namespace {

enum class Word : unsigned char { kStillAtIt, kDone };

void say(Communicator& communicator, Word word, std::string_view what) {
  std::array<std::byte, 1> message{static_cast<std::byte>(word)};
  communicator.broadcast(message, 0, what);
}

Word hear(Communicator& communicator, std::string_view what) {
  std::array<std::byte, 1> message{};
  communicator.broadcast(message, 0, what);
  return static_cast<Word>(message[0]);
}

}  // namespace

void run_on_root(Communicator& communicator, std::string_view what,
                 const std::function<void(const Beat&)>& task) {
  if (communicator.world_size() == 1) {
    task([] {});
    return;
  }
  std::exception_ptr failure;
  if (communicator.rank() == 0) {
    // A quarter of the patience of those who wait.
    const auto interval = communicator.timeout() / 4;
    auto next = std::chrono::steady_clock::now() + interval;
    try {
      task([&] {
        if (std::chrono::steady_clock::now() < next) return;
        say(communicator, Word::kStillAtIt, what);
        next = std::chrono::steady_clock::now() + interval;
      });
    } catch (const PeerError&) {
      throw;  // there is nobody to tell
    } catch (...) {
      failure = std::current_exception();
    }
    say(communicator, Word::kDone, what);
  } else {
    while (hear(communicator, what) == Word::kStillAtIt) {
    }
  }
  agree(communicator, what, [&] {
    if (failure) std::rethrow_exception(failure);
  });
}

}  // namespace ft
