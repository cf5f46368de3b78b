// Results go to stdout; a full disk behind it must not look like success.
#pragma once

namespace ft {

// Writes out what was printed, by stdio or by iostreams; DataError when any of it was lost. Once, at the end
// of a command.
void finish_standard_output();

}  // namespace ft
