// What is known of a candidate once it has been imported, and its form in journals and messages.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <type_traits>

#include "ft/data/codec.h"

namespace ft {

// A stored sample. In spools lie its payload and, elsewhere or just behind that, the rest: its restart
// offsets (4 bytes each) and its thumbnail.
struct ImportedSample {
  std::uint64_t candidate = 0;
  std::uint64_t payload_begin = 0;  // in the spool payload_spool
  std::uint64_t rest_begin = 0;     // in the spool rest_spool
  std::uint64_t bytes = 0;          // of the payload
  std::uint64_t xxh3 = 0;           // of the payload
  std::uint64_t source_xxh3 = 0;    // of the input as found
  std::uint64_t stamp = 0;          // InputSet::stamp when it was read
  std::uint64_t pixels_xxh3 = 0;    // this and the next: PictureLook
  std::uint64_t look_hash = 0;
  std::uint64_t found_bytes = 0;                    // of the JPEG that was transcoded; else 0
  std::uint32_t payload_spool = 0, rest_spool = 0;  // which ones (spool_name)
  std::uint32_t restart_intervals = 0;
  std::uint32_t rest_xxh3 = 0;  // the low half of its hash
  std::uint32_t width = 0, height = 0;
  std::int32_t label = 0;
  Codec codec{};
  bool exif_oriented = false;
  bool telling = false;
  bool resampled = false;

  [[nodiscard]] std::uint64_t offset_bytes() const noexcept {
    return std::uint64_t{restart_intervals} * sizeof(std::uint32_t);
  }
};
// Written as its bytes, by and for programs of one build on machines of one kind.
static_assert(std::is_trivially_copyable_v<ImportedSample> && sizeof(ImportedSample) == 112);

struct ImportRecord {
  ImportedSample sample;  // of a refused candidate, only `candidate` and `label`
  bool refused = false;
  std::string note;  // why it is refused, or what it was converted from
};

// Appends the record, with its length and its hash in front.
void append_record(std::string& out, const ImportRecord& record);

// Calls visit for each record up to the first that is cut off or damaged, as the last one is where a writer
// was killed. Returns how many bytes were good.
std::size_t visit_records(std::string_view text, const std::function<void(ImportRecord&&)>& visit);

}  // namespace ft
