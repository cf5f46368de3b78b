// The session that main made, for the tests.
#pragma once

#include "ft/comm/mpi_session.h"

namespace ft::testing_support {

// Tests cannot be handed arguments by gtest, so the session is found through this.
class CurrentSession {
 public:
  explicit CurrentSession(MpiSession& session) { slot() = &session; }
  CurrentSession(const CurrentSession&) = delete;
  CurrentSession& operator=(const CurrentSession&) = delete;
  ~CurrentSession() { slot() = nullptr; }

  [[nodiscard]] static MpiSession& get() { return *slot(); }

 private:
  static MpiSession*& slot() {
    static MpiSession* session = nullptr;
    return session;
  }
};

}  // namespace ft::testing_support
