#include "ft/base/exit_deadline.h"

#include <condition_variable>
#include <mutex>
#include <utility>

#include <unistd.h>

#include "ft/base/direct_write.h"

namespace ft {

ExitDeadline::ExitDeadline(std::chrono::duration<double> patience, ExitCode code, std::string message,
                           End end)
    : thread_([patience, code, message = std::move(message),
               end = std::move(end)](const std::stop_token& called_off) {
        std::mutex mutex;
        std::condition_variable_any condition;
        std::unique_lock lock(mutex);
        condition.wait_for(lock, called_off, patience, [] { return false; });
        if (called_off.stop_requested()) return;
        write_to_stderr(message);
        if (end) {
          end(static_cast<int>(code));
        } else {
          ::_exit(static_cast<int>(code));
        }
      }) {}

}  // namespace ft
