// What decoding every picture of a folder once costs, and nothing else: what packing is held to. One JSON
// line a measurement.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <sys/resource.h>

#include "ft/base/error.h"
#include "ft/base/file.h"
#include "ft/data/codec.h"

#include "importers/container.h"
#include "importers/import_image.h"
#include "importers/jpeg_markers.h"
#include "report_errors.h"

namespace {

using namespace ft;
namespace fs = std::filesystem;

struct Arguments {
  std::string folder;
  int threads = 1;
  std::string how = "library";
  bool on_request = false;
};

// Decodes one file at a time, with buffers that it keeps: the least that decoding can cost.
class FileDecoder {
 public:
  explicit FileDecoder(std::string how) : how_(std::move(how)) {}

  // The bytes of pixels that it makes.
  std::size_t decode(const fs::path& path) {
    read(path);
    const std::span<const std::byte> file = std::span(file_).first(size_);
    try {
      if (how_ == "import") return import(file);
      const importers::Bytes bytes(reinterpret_cast<const std::uint8_t*>(file.data()), file.size());
      if (importers::tell_container(bytes) != importers::Container::kJpeg) return 0;
      const importers::JpegHeader header = importers::read_jpeg_header(bytes);
      if (header.components == 4) return 0;
      if (how_ == "library") {
        decode_rgb(Codec::kJpeg, file, header.width, header.height, pixels_);
        return pixels_.pixels().size();
      }
      const StoredPicture picture{Codec::kJpeg, file, {header.width, header.height}, {}};
      const RgbView view = decoder_.decode(picture, {0, 0, header.width, header.height});
      return view.stride * static_cast<std::size_t>(view.box.height);
    } catch (const ImportError&) {
      return 0;
    } catch (const DataError&) {
      return 0;
    }
  }

 private:
  std::size_t import(std::span<const std::byte> file) {
    std::vector<std::byte> own = buffers_.take_file(file.size());
    std::copy(file.begin(), file.end(), own.begin());
    ImportedImage image = import_image(std::move(own), buffers_);
    const std::size_t bytes = image.pixels.pixels().size();
    buffers_.keep(std::move(image.pixels));
    buffers_.keep(std::move(image.file));
    return bytes;
  }

  void read(const fs::path& path) {
    size_ = fs::file_size(path);
    if (file_.size() < size_) file_.resize(size_);
    pread_exact(open_for_reading(path).get(), std::span(file_).first(size_), 0, path);
  }

  std::string how_;
  std::vector<std::byte> file_;
  std::size_t size_ = 0;
  RgbImage pixels_;
  Decoder decoder_;
  ImportBuffers buffers_{WantedRows::kSeen};
};

struct Spent {
  double wall_s = 0;
  double cpu_s = 0;
};

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// A thread for each decoder.
nlohmann::ordered_json measure(const std::vector<fs::path>& files, std::vector<FileDecoder>& decoders) {
  const auto start = std::chrono::steady_clock::now();
  const double cpu_before = cpu_seconds();
  std::atomic<std::size_t> next{0};
  std::atomic<std::size_t> pixel_bytes{0};
  std::vector<std::jthread> threads;
  threads.reserve(decoders.size());
  for (FileDecoder& decoder : decoders) {
    threads.emplace_back([&] {
      for (std::size_t at = next++; at < files.size(); at = next++) pixel_bytes += decoder.decode(files[at]);
    });
  }
  threads.clear();
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  return {{"images", files.size()},
          {"wall_s", wall.count()},
          {"cpu_s", cpu_seconds() - cpu_before},
          {"pixel_bytes", pixel_bytes.load()}};
}

std::vector<fs::path> files_of(const std::string& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

int run(int argc, char** argv) {
  CLI::App app("Decodes every picture of a folder once.", "bench_decode");
  Arguments arguments;
  app.add_option("FOLDER", arguments.folder, "Any depth")->required();
  app.add_option("--threads", arguments.threads)->check(CLI::Range(1, 1024))->capture_default_str();
  app.add_option("--how", arguments.how,
                 "library: JPEGs, by libjpeg; training: JPEGs, by the decoder of training; import: all that "
                 "ft_pack imports, and as it does")
      ->check(CLI::IsMember({"library", "training", "import"}))
      ->capture_default_str();
  app.add_flag("--on-request", arguments.on_request,
               "One measurement for each line on stdin; says \"ready\" before the first");
  CLI11_PARSE(app, argc, argv);
  const std::vector<fs::path> files = files_of(arguments.folder);
  std::vector<FileDecoder> decoders;
  decoders.reserve(static_cast<std::size_t>(arguments.threads));
  for (int i = 0; i < arguments.threads; ++i) decoders.emplace_back(arguments.how);
  if (!arguments.on_request) {
    std::cout << measure(files, decoders).dump() << std::endl;
    return 0;
  }
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << measure(files, decoders).dump() << std::endl;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return ft::report_errors("bench_decode", [&] { return run(argc, argv); });
}
