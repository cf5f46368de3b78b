#include <cstring>
#include <vector>

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ft/base/hash.h"
#include "ft/base/program_id.h"

namespace ft {
namespace {

using Bytes = std::vector<std::byte>;

void append(Bytes& notes, std::string_view text, std::size_t alignment) {
  for (const char c : text) notes.push_back(static_cast<std::byte>(c));
  while (notes.size() % alignment != 0) notes.emplace_back();
}

Bytes note(std::string_view owner, std::uint32_t type, std::string_view description,
           std::size_t alignment = 4) {
  const Elf64_Nhdr header{static_cast<Elf64_Word>(owner.size()), static_cast<Elf64_Word>(description.size()),
                          type};
  Bytes notes(sizeof header);
  std::memcpy(notes.data(), &header, sizeof header);
  append(notes, owner, alignment);
  append(notes, description, alignment);
  return notes;
}

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

constexpr std::string_view kGnu{"GNU\0", 4};

TEST(ProgramId, TheBuildIdIsFoundAmongOtherNotes) {
  const Bytes id = note(kGnu, NT_GNU_BUILD_ID, "\x01\xab\x7f");
  EXPECT_EQ(build_id_of_notes(id), "01ab7f");
  EXPECT_EQ(build_id_of_notes(note(kGnu, NT_GNU_ABI_TAG, "five5") + id), "01ab7f");
  // An owner of another length, and one that is not GNU though its type is the same.
  EXPECT_EQ(
      build_id_of_notes(note("stapsdt", NT_GNU_BUILD_ID, "x") + note("Go\0\0", NT_GNU_BUILD_ID, "go") + id),
      "01ab7f");
  // As .note.gnu.property is: its parts are padded to 8.
  EXPECT_EQ(
      build_id_of_notes(note(kGnu, NT_GNU_ABI_TAG, "five5", 8) + note(kGnu, NT_GNU_BUILD_ID, "\x01", 8), 8),
      "01");
}

TEST(ProgramId, NotesThatAreCutOffHaveNone) {
  const Bytes id = note(kGnu, NT_GNU_BUILD_ID, "\x01\x02\x03\x04");
  for (std::size_t length = 0; length < id.size(); ++length) {
    EXPECT_EQ(build_id_of_notes(std::span(id).first(length)), "") << length;
  }
  Bytes endless = id;
  endless[0] = endless[1] = endless[2] = endless[3] = std::byte{0xff};  // a name of 4 GiB
  EXPECT_EQ(build_id_of_notes(endless), "");
}

TEST(ProgramId, OfThisProgramAndOfWhatItHasLoaded) {
  const std::string id = program_build_id();
  if (id.empty()) {
    EXPECT_EQ(program_id(), "XXH3 " + xxh3_128_of_file("/proc/self/exe"));
  } else {
    EXPECT_THAT(id, testing::MatchesRegex("([0-9a-f][0-9a-f])+"));
    EXPECT_EQ(program_id(), "build " + id);
  }
  EXPECT_THAT(library_build_id("libc.so.6"), testing::MatchesRegex("([0-9a-f][0-9a-f])+"));
  EXPECT_NE(library_build_id("libc.so.6"), id);
  EXPECT_EQ(library_build_id("libnothing.so"), "");
}

}  // namespace
}  // namespace ft
