// What is measured before the first step: how fast the ranks reach each other, and whether their clocks
// agree.
#pragma once

#include "preflight_report.h"
#include "session.h"

namespace ft::app {

// Every start: about 50 ms. Collective; nothing in a world of one.
[[nodiscard]] Preflight quick_preflight(Session& session);
// `check --probe`: about a second, each link included.
[[nodiscard]] Preflight thorough_preflight(Session& session);

// Adds what was found to what the table of ranks prints.
void note_preflight(Session& session, const Preflight& found);

}  // namespace ft::app
