#include "image_folder.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <span>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

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

// Whether the system refuses this one file for what it is, as a link that leads nowhere. All else, such as
// too many open files or a failing disk, says nothing about the picture: skipping it would lose it.
bool is_about_the_file(int error_number) {
  switch (error_number) {
    case ENOENT:
    case EACCES:
    case EPERM:
    case ELOOP:
    case ENAMETOOLONG:
    case EISDIR:
    case ENOTDIR:
    case ENXIO:
    case ENODEV:
    case EINVAL:
      return true;
    default:
      return false;
  }
}

// An ImportError, which costs this picture, or a DataError, which ends the pack.
[[noreturn]] void refuse(int error_number, const fs::path& path) {
  const std::string reason = errno_text(error_number);
  if (is_about_the_file(error_number)) throw ImportError("cannot be read: " + reason);
  throw DataError(fmt::format("cannot read {}: {}", path.string(), reason),
                  error_number == EMFILE ? "raise ulimit -n, or use fewer --workers" : "");
}

// What cannot be looked at for what it is, load() refuses.
bool leads_to_directory(const fs::directory_entry& entry) {
  std::error_code error;
  const bool leads = entry.is_directory(error);
  if (error && !is_about_the_file(error.value())) refuse(error.value(), entry.path());
  return leads;
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
  std::error_code error;
  const fs::path real = fs::canonical(directory, error);
  if (error) throw DataError(fmt::format("cannot read {}: {}", directory.string(), error.message()));
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

// Of what decides whether a file may have changed. A file that took another's name tells by its inode; one
// that was written and given its old time again, by its ctime, which nobody can set.
std::uint64_t stamp_of(const struct stat& status) {
  const std::array<std::int64_t, 6> parts{status.st_size,         status.st_mtim.tv_sec,
                                          status.st_mtim.tv_nsec, status.st_ctim.tv_sec,
                                          status.st_ctim.tv_nsec, static_cast<std::int64_t>(status.st_ino)};
  return xxh3_64(std::as_bytes(std::span(parts)));
}

constexpr std::size_t kHeadBytes = 4096;

struct Candidate {
  std::vector<std::byte> bytes;
  std::uint64_t stamp;
};

// From byte `at` on.
void read_rest(int fd, std::span<std::byte> out, std::size_t at, const fs::path& path) {
  while (at < out.size()) {
    const ssize_t got = ::pread(fd, out.data() + at, out.size() - at, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) refuse(errno, path);
    if (got == 0) throw ImportError(fmt::format("shorter than it was: ends at byte {}", at));
    at += static_cast<std::size_t>(got);
  }
}

// As read_file, but what is wrong with the file names no path, and nothing but a plain file is waited for.
Candidate read_candidate(const fs::path& path, ImportBuffers& buffers) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) refuse(errno, path);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) refuse(errno, path);
  if (!S_ISREG(status.st_mode)) throw ImportError("not a plain file");
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size == 0) throw ImportError("empty file");
  if (size > kLargestFile) throw ImportError("larger than 1 GiB");
  // A film or an archive among the pictures is told by its beginning, and costs no more than that.
  std::array<std::byte, kHeadBytes> first;
  const std::span<std::byte> head = std::span(first).first(std::min<std::uint64_t>(size, kHeadBytes));
  read_rest(fd.get(), head, 0, path);
  require_known_container(head);
  std::vector<std::byte> bytes = buffers.take_file(size);
  std::ranges::copy(head, bytes.begin());
  read_rest(fd.get(), bytes, head.size(), path);
  return {std::move(bytes), stamp_of(status)};
}

void append_name(std::string& out, const std::string& name) {
  out += name;
  out += '\0';  // the one byte that no path holds
}

std::string take_name(std::string_view& text) {
  const std::size_t end = text.find('\0');
  if (end == std::string_view::npos) throw std::logic_error("a listing that breaks off");
  std::string name(text.substr(0, end));
  text.remove_prefix(end + 1);
  return name;
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

LoadedImage ImageFolder::load(std::size_t candidate, ImportBuffers& buffers) const {
  Candidate found = read_candidate(root_ / files_.at(candidate).path, buffers);
  const std::uint64_t source_xxh3 = xxh3_64(found.bytes);
  return {import_image(std::move(found.bytes), buffers), source_xxh3, found.stamp};
}

// Only its content says what it is, but here a name will do.
std::optional<std::uint64_t> ImageFolder::likely_payload_bytes(std::size_t candidate) const {
  const fs::path path = root_ / files_.at(candidate).path;
  std::string ending = path.extension().string();
  std::ranges::transform(ending, ending.begin(), [](unsigned char c) { return std::tolower(c); });
  if (ending != ".jpg" && ending != ".jpeg") return std::nullopt;
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return static_cast<std::uint64_t>(status.st_size);
}

std::uint64_t ImageFolder::stamp(std::size_t candidate) const {
  struct stat status {};
  return ::stat((root_ / files_.at(candidate).path).c_str(), &status) == 0 ? stamp_of(status) : 0;
}

std::string ImageFolder::identity() const {
  return fmt::format("{} {}", to_utf8(fs::canonical(root_).string()), xxh3_128_of(listing()));
}

// The classes, an empty name, then label and path of each file.
std::string ImageFolder::listing() const {
  std::string text;
  for (const std::string& name : classes_) append_name(text, name);
  append_name(text, {});
  for (const File& file : files_) {
    append_name(text, std::to_string(file.label));
    append_name(text, file.path);
  }
  return text;
}

ImageFolder::ImageFolder(fs::path root, Listing listing) : root_(std::move(root)) {
  std::string_view rest = listing.text;
  for (std::string name = take_name(rest); !name.empty(); name = take_name(rest)) {
    classes_.push_back(std::move(name));
  }
  while (!rest.empty()) {
    const std::int32_t label = std::stoi(take_name(rest));
    files_.push_back({take_name(rest), label});
  }
}

nlohmann::ordered_json ImageFolder::description() const {
  return {{"kind", "image folder"}};
}

}  // namespace ft
