#include "ft/comm/mpi_abort.h"

#include <cstddef>
#include <cstdlib>
#include <mutex>
#include <utility>

#include <dlfcn.h>
#include <unistd.h>

namespace ft {

namespace {

// A C function without a context has to find it.
// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables)
std::mutex one_at_a_time;
const MpiAbortHandler* current = nullptr;
// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)

using PmixAbort = int(int status, const char* message, void* processes, std::size_t count);

void* abort_in(const char* library) {
  void* const loaded = ::dlopen(library, RTLD_LAZY | RTLD_NOLOAD);
  return loaded == nullptr ? nullptr : ::dlsym(loaded, "PMIx_Abort");
}

// The function that would have been called, were it not for ours: that of the caller's own libraries.
PmixAbort* replaced_abort(const void* caller) {
  Dl_info where{};
  void* found = ::dladdr(caller, &where) == 0 ? nullptr : abort_in(where.dli_fname);
  if (found == nullptr) found = abort_in("libpmix.so.2");
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): how dlsym gives functions
  return reinterpret_cast<PmixAbort*>(found);
}

void call_handler() {
  const std::scoped_lock lock(one_at_a_time);
  if (current != nullptr) current->call();
}

}  // namespace

MpiAbortHandler::MpiAbortHandler(std::function<void(AbortOrigin)> on_abort) : on_abort_(std::move(on_abort)) {
  const std::scoped_lock lock(one_at_a_time);
  current = this;
}

MpiAbortHandler::~MpiAbortHandler() {
  const std::scoped_lock lock(one_at_a_time);
  current = nullptr;
}

void MpiAbortHandler::call() const noexcept {
  try {
    on_abort_(std::this_thread::get_id() == made_by_ ? AbortOrigin::kCall : AbortOrigin::kEvent);
  } catch (
      ...) {  // NOLINT(bugprone-empty-catch): the job ends all the same, and nothing may pass MPI's frames
  }
}

}  // namespace ft

// Note [MPI gives up]
extern "C" {
// NOLINTNEXTLINE(readability-identifier-naming): the standard's name
[[gnu::visibility("default"), gnu::used]] int PMIx_Abort(int status, const char* message, void* processes,
                                                         std::size_t count);

int PMIx_Abort(int status, const char* message, void* processes, std::size_t count) {
  ft::call_handler();
  auto* const abort = ft::replaced_abort(__builtin_return_address(0));
  if (abort == nullptr) ::_exit(status == 0 ? EXIT_FAILURE : status);
  return abort(status, message, processes, count);
}
}
