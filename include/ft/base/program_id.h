// What is really running: the identity that the linker gave a program or a library, which any other build of
// it has not. Thread-safe.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace ft {

// The GNU build-id among ELF notes (the bytes of a PT_NOTE segment, whose parts are padded to `alignment`: 4
// or 8), in lower-case hex. Empty where there is none, or where the notes are cut off.
[[nodiscard]] std::string build_id_of_notes(std::span<const std::byte> notes, std::size_t alignment = 4);

// The build-id of this program, from its own memory: the file may have been replaced since it was started.
// Empty where it was linked without one.
[[nodiscard]] std::string program_build_id();
// The same of a library that this process has loaded, by its file's name ("libtorch_cpu.so"); empty also
// where it is not loaded.
[[nodiscard]] std::string library_build_id(std::string_view file_name);

// "build 5c0f...": the program's build-id. "XXH3 91ab...", the hash of its file, where it has none; DataError
// if that cannot be read.
[[nodiscard]] std::string program_id();

}  // namespace ft
