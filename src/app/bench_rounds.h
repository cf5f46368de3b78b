// How often a benchmark repeats itself in the time that it is given.
#pragma once

namespace ft::app {

// Rounds to run before asking again; 0: enough. The first round is always run, and alone. Then each answer
// takes half of the time that is left, as the rounds so far have taken theirs: so a machine that gets busy
// costs little, and ranks, which must agree on each answer, are asked some ten times and not after each
// round. Pure.
[[nodiscard]] int next_rounds(double elapsed_s, int rounds_done, double given_s, int most_rounds) noexcept;

}  // namespace ft::app
