#include "ft/base/program_id.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <iterator>

#include <elf.h>
#include <fmt/format.h>
#include <link.h>

#include "ft/base/hash.h"

namespace ft {
namespace {

constexpr std::string_view kGnu{"GNU\0", 4};  // a note's owner counts its zero

std::size_t padded(std::size_t size, std::size_t alignment) {
  return (size + alignment - 1) / alignment * alignment;
}

std::string in_hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte byte : bytes) fmt::format_to(std::back_inserter(text), "{:02x}", byte);
  return text;
}

// A note that no loadable segment covers (tools that edit files leave such) is not in memory.
bool is_loaded(const dl_phdr_info& object, const ElfW(Phdr) & note) {
  const std::span headers(object.dlpi_phdr, object.dlpi_phnum);
  return std::ranges::any_of(headers, [&](const ElfW(Phdr) & segment) {
    return segment.p_type == PT_LOAD && segment.p_vaddr <= note.p_vaddr &&
           note.p_vaddr + note.p_memsz <= segment.p_vaddr + segment.p_memsz;
  });
}

std::string build_id_of_object(const dl_phdr_info& object) {
  for (const ElfW(Phdr) & segment : std::span(object.dlpi_phdr, object.dlpi_phnum)) {
    if (segment.p_type != PT_NOTE || !is_loaded(object, segment)) continue;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): the loader gives an address as a number
    const auto* begin = reinterpret_cast<const std::byte*>(object.dlpi_addr + segment.p_vaddr);
    std::string id = build_id_of_notes({begin, segment.p_memsz}, segment.p_align == 8 ? 8 : 4);
    if (!id.empty()) return id;
  }
  return {};
}

struct Search {
  std::string_view wanted;  // empty: the program itself, which comes first
  std::string found{};
};

int look_at(dl_phdr_info* object, std::size_t /*size*/, void* data) {
  auto& search = *static_cast<Search*>(data);
  const std::string_view path = object->dlpi_name;
  const std::string_view name = path.substr(path.rfind('/') + 1);  // npos + 1 is 0
  if (!search.wanted.empty() && name != search.wanted) return 0;
  search.found = build_id_of_object(*object);
  return 1;
}

}  // namespace

std::string build_id_of_notes(std::span<const std::byte> notes, std::size_t alignment) {
  ElfW(Nhdr) header{};
  while (notes.size() >= sizeof header) {
    std::memcpy(&header, notes.data(), sizeof header);
    notes = notes.subspan(sizeof header);
    // The sizes are of 32 bits, so that the sums below cannot wrap around.
    const std::size_t name_end = padded(sizeof header + header.n_namesz, alignment) - sizeof header;
    if (name_end > notes.size() || header.n_descsz > notes.size() - name_end) return {};
    const auto description = notes.subspan(name_end, header.n_descsz);
    const bool of_gnu =
        header.n_namesz == kGnu.size() && std::memcmp(notes.data(), kGnu.data(), kGnu.size()) == 0;
    if (of_gnu && header.n_type == NT_GNU_BUILD_ID) return in_hex(description);
    notes = notes.subspan(std::min(notes.size(), name_end + padded(header.n_descsz, alignment)));
  }
  return {};
}

std::string program_build_id() {
  Search search{.wanted = {}};
  dl_iterate_phdr(look_at, &search);
  return search.found;
}

std::string library_build_id(std::string_view file_name) {
  Search search{.wanted = file_name};
  dl_iterate_phdr(look_at, &search);
  return search.found;
}

std::string program_id() {
  const std::string id = program_build_id();
  return id.empty() ? "XXH3 " + xxh3_128_of_file("/proc/self/exe") : "build " + id;
}

}  // namespace ft
