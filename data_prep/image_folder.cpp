#include "image_folder.h"

#include <algorithm>
#include <cerrno>
#include <span>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "ft/base/error.h"
#include "ft/base/file.h"
#include "ft/base/hash.h"

#include "class_selection.h"
#include "utf8_name.h"

namespace ft {
namespace {

namespace fs = std::filesystem;

// A class folder may hold anything; what is larger than this is no picture and is not read to find out.
constexpr std::uint64_t kLargestFile = std::uint64_t{1} << 30U;

std::vector<fs::directory_entry> list_directory(const fs::path& path) {
  std::error_code error;
  std::vector<fs::directory_entry> entries;
  fs::directory_iterator at(path, error);
  for (; !error && at != fs::directory_iterator(); at.increment(error)) entries.push_back(*at);
  if (error) throw DataError(fmt::format("cannot read {}: {}", path.string(), error.message()));
  return entries;
}

bool leads_to_directory(const fs::directory_entry& entry) {
  std::error_code broken_link;
  return entry.is_directory(broken_link);
}

std::vector<std::string> find_classes(const fs::path& root) {
  std::vector<std::string> classes;
  for (const fs::directory_entry& entry : list_directory(root)) {
    if (leads_to_directory(entry)) classes.push_back(entry.path().filename().string());
  }
  std::sort(classes.begin(), classes.end());
  for (const std::string& name : classes) {
    if (!is_utf8(name)) {
      throw DataError(
          fmt::format("{}: the class folder {} has a name that is not UTF-8", root.string(), to_utf8(name)),
          "rename it");
    }
  }
  return classes;
}

// The directories between a class folder and here, to stop at links that lead back up.
using Ancestors = std::vector<fs::path>;

void collect_files(const fs::path& directory, const std::string& prefix, Ancestors& ancestors,
                   std::vector<std::string>& out) {
  const fs::path real = fs::canonical(directory);
  if (std::find(ancestors.begin(), ancestors.end(), real) != ancestors.end()) return;
  ancestors.push_back(real);
  for (const fs::directory_entry& entry : list_directory(directory)) {
    std::string name = prefix + "/" + entry.path().filename().string();
    if (leads_to_directory(entry)) {
      collect_files(entry.path(), name, ancestors, out);
    } else {
      out.push_back(std::move(name));
    }
  }
  ancestors.pop_back();
}

[[noreturn]] void refuse(int error_number) {
  throw ImportError("cannot be read: " + errno_text(error_number));
}

// As read_file, but the reason names no path, and nothing but a plain file is waited for.
std::vector<std::byte> read_candidate(const fs::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) refuse(errno);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) refuse(errno);
  if (!S_ISREG(status.st_mode)) throw ImportError("not a plain file");
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size == 0) throw ImportError("empty file");
  if (size > kLargestFile) throw ImportError("larger than 1 GiB");
  std::vector<std::byte> bytes(size);
  try {
    pread_exact(fd.get(), bytes, 0, path);
  } catch (const DataError& error) {
    throw ImportError(error.what());
  }
  return bytes;
}

}  // namespace

ImageFolder::ImageFolder(fs::path root, const std::vector<std::string>& wanted) : root_(std::move(root)) {
  const std::vector<std::string> found = find_classes(root_);
  if (found.empty()) {
    throw DataError(fmt::format("{} has no class folders", root_.string()),
                    "pictures are expected as SRC/<class>/<picture>");
  }
  for (const std::size_t index : select_classes(found, {}, wanted)) classes_.push_back(found[index]);
  if (classes_.size() < 2) {
    throw DataError(fmt::format("{} has only one class folder, '{}'", root_.string(), classes_.front()),
                    "a classifier needs two");
  }
  for (std::size_t i = 0; i < classes_.size(); ++i) scan_class(classes_[i], static_cast<std::int32_t>(i));
}

void ImageFolder::scan_class(const std::string& name, std::int32_t label) {
  std::vector<std::string> paths;
  Ancestors ancestors;
  collect_files(root_ / name, name, ancestors, paths);
  if (paths.empty()) {
    throw DataError(fmt::format("the class folder {} has no files", (root_ / name).string()),
                    "remove it, or choose the others with --classes");
  }
  std::sort(paths.begin(), paths.end());
  for (std::string& path : paths) files_.push_back({std::move(path), label});
}

std::string ImageFolder::source(std::size_t candidate) const {
  return to_utf8(files_.at(candidate).path);
}

LoadedImage ImageFolder::load(std::size_t candidate) const {
  const std::vector<std::byte> bytes = read_candidate(root_ / files_.at(candidate).path);
  return {import_image(bytes), xxh3_64(bytes)};
}

nlohmann::ordered_json ImageFolder::description() const {
  return {{"kind", "image folder"}};
}

}  // namespace ft
