#include "page_cache.h"

#include <algorithm>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ft/base/error.h"
#include "ft/base/file.h"

namespace ft::bench {

void drop_from_page_cache(const PackedSet& set) {
  for (const ShardEntry& shard : set.manifest().shards) {
    const std::filesystem::path path = set.directory() / shard.file;
    const UniqueFd fd = open_for_reading(path);
    if (::fsync(fd.get()) != 0) throw_errno("sync", path.string());  // dirty pages stay
    static_cast<void>(::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED));
  }
}

double resident_share(const PackedSet& set) {
  constexpr std::size_t kPage = 4096;
  std::size_t pages = 0, resident = 0;
  for (const ShardEntry& shard : set.manifest().shards) {
    const std::filesystem::path path = set.directory() / shard.file;
    const MappedFile map(path);
    std::vector<unsigned char> page((map.bytes().size() + kPage - 1) / kPage);
    if (::mincore(const_cast<std::byte*>(map.bytes().data()), map.bytes().size(), page.data()) != 0) {
      throw_errno("look for pages of", path.string());
    }
    pages += page.size();
    resident += static_cast<std::size_t>(std::ranges::count_if(page, [](auto bits) { return bits & 1; }));
  }
  return static_cast<double>(resident) / static_cast<double>(std::max<std::size_t>(pages, 1));
}

}  // namespace ft::bench
