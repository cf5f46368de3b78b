#include "read_ways.h"

#include <algorithm>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>

#include "ft/base/error.h"
#include "ft/base/file.h"

namespace ft::bench {
namespace {

constexpr std::size_t kPage = 4096;

class PreadWay : public ReadWay {
 public:
  PreadWay(const WaySetup& setup, bool ahead)
      : places_(setup.places),
        ahead_(ahead),
        buffers_(setup.threads, std::vector<std::byte>(setup.largest)) {}

  void run(std::size_t thread, Stream& stream, const Sink& sink) override {
    std::vector<std::byte>& buffer = buffers_[thread];
    while (const auto index = stream.take()) {
      if (ahead_ && *index + kAhead < stream.size()) ask_for(stream.place(*index + kAhead));
      const app::PayloadPlace& place = stream.place(*index);
      places_.read(place, buffer);
      sink(*index, std::span(buffer).first(place.bytes));
    }
  }

 private:
  static void ask_for(const app::PayloadPlace& place) {
    static_cast<void>(::posix_fadvise(place.fd, static_cast<off_t>(place.offset),
                                      static_cast<off_t>(place.bytes), POSIX_FADV_WILLNEED));
  }

  const app::PayloadPlaces& places_;
  bool ahead_;
  std::vector<std::vector<std::byte>> buffers_;
};

enum class MapUse { kCopy, kCopyAhead, kInPlaceAhead };

class MmapWay : public ReadWay {
 public:
  MmapWay(const WaySetup& setup, MapUse use)
      : use_(use), buffers_(setup.threads, std::vector<std::byte>(setup.largest)) {
    for (const ShardEntry& shard : setup.set.manifest().shards) {
      maps_.emplace_back(setup.set.directory() / shard.file);
      // A fault on a page that is not there yet would read megabytes around it; the rest is asked for in
      // time.
      if (use_ != MapUse::kCopy) advise(maps_.back().bytes(), MADV_RANDOM);
    }
  }

  void run(std::size_t thread, Stream& stream, const Sink& sink) override {
    while (const auto index = stream.take()) {
      if (use_ != MapUse::kCopy && *index + kAhead < stream.size()) ask_for(stream.place(*index + kAhead));
      const std::span<const std::byte> mapped = bytes_of(stream.place(*index));
      if (use_ == MapUse::kInPlaceAhead) {
        sink(*index, mapped);
        continue;
      }
      const std::span<std::byte> copy = std::span(buffers_[thread]).first(mapped.size());
      std::ranges::copy(mapped, copy.begin());
      sink(*index, copy);
    }
  }

 private:
  [[nodiscard]] std::span<const std::byte> bytes_of(const app::PayloadPlace& place) const {
    return maps_[place.shard].bytes().subspan(place.offset, place.bytes);
  }

  void ask_for(const app::PayloadPlace& place) const {
    const std::size_t before = place.offset % kPage;  // madvise wants to begin with a page
    const std::span<const std::byte> bytes =
        maps_[place.shard].bytes().subspan(place.offset - before, place.bytes + before);
    advise(bytes, MADV_WILLNEED);
  }

  static void advise(std::span<const std::byte> bytes, int advice) {
    static_cast<void>(::madvise(const_cast<std::byte*>(bytes.data()), bytes.size(), advice));
  }

  MapUse use_;
  std::vector<MappedFile> maps_;
  std::vector<std::vector<std::byte>> buffers_;
};

}  // namespace

std::vector<std::string> way_names() {
  std::vector<std::string> names{"pread", "pread_ahead", "mmap", "mmap_ahead", "mmap_ahead_in_place"};
#ifdef FT_BENCH_URING
  names.insert(names.end(), {"uring", "uring_direct"});
#endif
  return names;
}

std::unique_ptr<ReadWay> make_way(std::string_view name, const WaySetup& setup) {
  if (name == "pread") return std::make_unique<PreadWay>(setup, false);
  if (name == "pread_ahead") return std::make_unique<PreadWay>(setup, true);
  if (name == "mmap") return std::make_unique<MmapWay>(setup, MapUse::kCopy);
  if (name == "mmap_ahead") return std::make_unique<MmapWay>(setup, MapUse::kCopyAhead);
  if (name == "mmap_ahead_in_place") return std::make_unique<MmapWay>(setup, MapUse::kInPlaceAhead);
#ifdef FT_BENCH_URING
  if (name == "uring") return make_uring_way(setup, false);
  if (name == "uring_direct") return make_uring_way(setup, true);
#endif
  throw UsageError(fmt::format("no way of reading is called '{}'", name));
}

}  // namespace ft::bench
