// Reads a packed set in an epoch's order by several ways. It measures on request, a line of JSON each;
// bench_read_ahead.py asks.
#include <algorithm>
#include <ctime>
#include <exception>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "ft/base/error.h"
#include "ft/base/hash.h"
#include "ft/base/stopwatch.h"
#include "ft/data/step_plan.h"

#include "page_cache.h"
#include "read_ways.h"
#include "report_errors.h"
#include "sample_work.h"

namespace {

using namespace ft;
using namespace ft::bench;

struct Request {
  std::string way;
  std::string cache;  // "cold", "warm", or "as_is": what the measurement before has left
  std::size_t threads;
  std::uint64_t epoch;
  bool decode;
};

Request parse_request(const std::string& line) {
  const auto json = nlohmann::json::parse(line);
  Request request{json.at("way"), json.at("cache"), json.at("threads"), json.at("epoch"), json.at("decode")};
  if (request.threads < 1) throw UsageError("threads: at least one");
  if (request.cache != "cold" && request.cache != "warm" && request.cache != "as_is") {
    throw UsageError(fmt::format("cache: cold, warm or as_is, not '{}'", request.cache));
  }
  return request;
}

// All threads, also those of the kernel that work for this process.
double cpu_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

// What the block layer was asked for on this process's account; 0 where the kernel does not count.
std::uint64_t bytes_from_disk() {
  std::ifstream io("/proc/self/io");
  std::uint64_t value = 0;
  for (std::string name; io >> name >> value;) {
    if (name == "read_bytes:") return value;
  }
  return 0;
}

// Runs `work(thread)` on all threads, and throws what any of them threw.
void on_threads(std::size_t threads, const std::function<void(std::size_t)>& work) {
  std::vector<std::exception_ptr> errors(threads);
  {
    std::vector<std::jthread> pool;
    for (std::size_t i = 0; i < threads; ++i) {
      pool.emplace_back([&work, &error = errors[i], i] {
        try {
          work(i);
        } catch (...) {
          error = std::current_exception();
        }
      });
    }
  }
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

class Bench {
 public:
  explicit Bench(const std::string& directory) : set_(directory), places_(set_) {
    for (std::uint64_t id = 0; id < set_.size(); ++id) {
      const std::uint64_t bytes = set_.info(id).payload_bytes;
      bytes_ += bytes;
      largest_ = std::max<std::size_t>(largest_, bytes);
    }
  }

  nlohmann::ordered_json measure(const Request& request) {
    const StepPlan plan(set_.size(), {}, set_.size(), 0);
    const std::vector<std::uint64_t> ids = plan.batch(request.epoch + 1);
    std::vector<app::PayloadPlace> places;
    places.reserve(ids.size());
    for (const std::uint64_t id : ids) places.push_back(places_.of(id));
    Stream stream(std::move(places));

    if (request.cache == "cold") drop_from_page_cache(set_);
    const WaySetup setup{set_, places_, request.threads, largest_};
    const auto way = make_way(request.way, setup);
    const auto read_all = [&](ReadWay& by, bool decode) {
      stream.restart();
      std::vector<SampleWork> work;
      for (std::size_t i = 0; i < request.threads; ++i) work.emplace_back(set_);
      const double cpu = cpu_seconds();
      const std::uint64_t disk = bytes_from_disk();
      const Stopwatch watch;
      on_threads(request.threads, [&](std::size_t thread) {
        by.run(thread, stream, [&, thread](std::size_t index, std::span<const std::byte> bytes) {
          work[thread].check(ids[index], bytes);
          if (decode) work[thread].prepare(ids[index], bytes);
        });
      });
      return nlohmann::ordered_json{{"wall_s", watch.seconds()},
                                    {"cpu_s", cpu_seconds() - cpu},
                                    {"disk_bytes", bytes_from_disk() - disk}};
    };
    if (request.cache == "warm") {
      // Once to fill the page cache, which not every way does, and once for what the way keeps, as a map
      // does.
      read_all(*make_way("pread", setup), false);
      read_all(*way, false);
    }
    const double resident = resident_share(set_);
    auto figures = read_all(*way, request.decode);
    figures.update({{"samples", ids.size()}, {"bytes", bytes_}, {"resident_before", resident}});
    return figures;
  }

 private:
  PackedSet set_;
  app::PayloadPlaces places_;
  std::uint64_t bytes_ = 0;
  std::size_t largest_ = 0;
};

int run(int argc, char** argv) {
  CLI::App app("Reads a packed set by several ways, one measurement for each line on stdin.",
               "bench_read_ahead");
  std::string directory;
  app.add_option("DIR", directory, "A packed set")->required();
  CLI11_PARSE(app, argc, argv);
  Bench bench(directory);
  std::cout << nlohmann::json{{"ways", way_names()}}.dump() << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << bench.measure(parse_request(line)).dump() << std::endl;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return ft::report_errors("bench_read_ahead", [&] { return run(argc, argv); });
}
