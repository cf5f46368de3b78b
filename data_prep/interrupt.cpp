#include "interrupt.h"

#include <initializer_list>

#include <pthread.h>

namespace ft {

namespace {

// A blocked signal becomes pending even when it is ignored, as INT is under nohup and in a script's
// background jobs.
bool is_ignored(int signal) {
  struct sigaction action {};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

DeferredInterrupt::DeferredInterrupt() {
  sigemptyset(&signals_);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) {
    if (!is_ignored(signal)) sigaddset(&signals_, signal);
  }
  pthread_sigmask(SIG_BLOCK, &signals_, &before_);
}

DeferredInterrupt::~DeferredInterrupt() {
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

bool DeferredInterrupt::requested() const {
  sigset_t pending;
  sigpending(&pending);
  const auto waits = [&](int signal) {
    return sigismember(&signals_, signal) == 1 && sigismember(&pending, signal) == 1;
  };
  return waits(SIGINT) || waits(SIGTERM) || waits(SIGUSR1);
}

bool DeferredInterrupt::requested_by_usr1() const {
  sigset_t pending;
  sigpending(&pending);
  return sigismember(&signals_, SIGUSR1) == 1 && sigismember(&pending, SIGUSR1) == 1;
}

void DeferredInterrupt::forget() {
  const timespec at_once{};
  while (requested()) sigtimedwait(&signals_, nullptr, &at_once);
}

}  // namespace ft
