#include "resume.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ft/base/atomic_write.h"
#include "ft/base/error.h"
#include "ft/base/hash.h"
#include "ft/report/progress.h"

#include "import_record.h"
#include "journal.h"
#include "ordered_parallel.h"
#include "pack_pipeline.h"
#include "payload_spool.h"
#include "picture_look.h"

namespace ft {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// Null where there is none, or no whole one.
Json read_key(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return nullptr;
  return Json::parse(read_text_file(path), nullptr, false);
}

std::vector<std::string> names_that_differ(const Json& a, const Json& b) {
  std::vector<std::string> names;
  for (const auto& [name, value] : a.items()) {
    if (!b.contains(name) || b[name] != value) names.push_back(name);
  }
  for (const auto& [name, value] : b.items()) {
    if (!a.contains(name)) names.push_back(name);
  }
  return names;
}

// Returns whether what is there may be used.
bool fits(const Json& found, const Json& key, const fs::path& path, std::string& notice) {
  if (found == key) return true;
  if (found.is_object()) {
    notice = fmt::format("{} is of another pack ({} differ): it starts afresh", path.string(),
                         fmt::join(names_that_differ(found, key), ", "));
  }
  return false;
}

// The first one need not be on the disk at once: what a crash of the machine then costs was just begun. Later
// ones must be, lest an older one comes back and what was imported since passes for its own.
void write_key(const fs::path& path, const Json& key, bool is_first) {
  const std::string text = key.dump(1) + "\n";
  if (is_first) {
    write_unflushed(path, text);
  } else {
    write_file_atomically(path, text);
  }
}

bool is_intact(const ImportedSample& sample, const SpoolReader& spools) {
  std::vector<std::byte> payload(sample.bytes);
  std::vector<std::byte> rest(sample.offset_bytes() + sizeof(Thumbnail));
  try {
    spools.read(sample.payload_spool, sample.payload_begin, payload);
    spools.read(sample.rest_spool, sample.rest_begin, rest);
  } catch (const DataError&) {
    return false;
  }
  return xxh3_64(payload) == sample.xxh3 && static_cast<std::uint32_t>(xxh3_64(rest)) == sample.rest_xxh3;
}

std::vector<ImportRecord> read_journals(const std::vector<JournalFile>& journals, std::uint64_t candidates) {
  std::vector<ImportRecord> records;
  for (const JournalFile& journal : journals) {
    visit_records(read_text_file(journal.path), [&](ImportRecord&& record) {
      if (record.sample.candidate >= candidates) return;
      records.push_back(std::move(record));
    });
  }
  return records;
}

}  // namespace

EarlierTries take_up(WorkingDirectory& directory, const Json& key, const InputSet& input, int workers,
                     const std::function<bool()>& stop_requested, std::string& notice) {
  const Json found = read_key(key_path(directory.path()));
  if (!fits(found, key, directory.path(), notice)) {
    directory.clear();
    write_key(key_path(directory.path()), key, found.is_null());
    return {};
  }
  EarlierTries earlier;
  const std::vector<JournalFile> journals = find_journals(directory.path());
  if (!journals.empty()) earlier.tries = journals.back().number >> 16U;
  if (earlier.tries == kMostAttempts) throw UsageError("too many tries", "--fresh begins anew");

  const std::vector<ImportRecord> records = read_journals(journals, input.size());
  const SpoolReader spools(directory.path());
  OrderedParallel<bool> usable(records.size(), workers, [&](std::size_t i) {
    const ImportedSample& sample = records[i].sample;
    return input.stamp(sample.candidate) == sample.stamp && is_intact(sample, spools);
  });
  Progress progress("check what is there", records.size(), "images");
  std::vector<bool> taken(input.size());
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (stop_requested()) throw Interrupted();
    progress.update(i + 1);
    const std::uint64_t candidate = records[i].sample.candidate;
    // A sample that was not usable in one try was imported again in the next.
    if (!usable.next()) {
      ++earlier.dropped;
    } else if (!taken[candidate]) {
      taken[candidate] = true;
      ++earlier.samples;
      append_record(earlier.records, records[i]);
    }
  }
  return earlier;
}

}  // namespace ft
