// The loader alone, with nothing of the trainer linked: one JSON line a measurement.
#include <iostream>
#include <string>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "ft/base/error.h"

#include "loader_rates.h"
#include "report_errors.h"

namespace {

using namespace ft;
using namespace ft::app;

struct Arguments {
  std::string directory;
  int threads = 1;
  std::size_t batch = 32;
  bool nchw = false;
  bool reading = false;
  bool on_request = false;
  HowLong how_long{.seconds = 0, .epochs = 2};
};

void add_options(CLI::App& app, Arguments& arguments) {
  app.add_option("DIR", arguments.directory, "A packed set")->required();
  app.add_option("--threads", arguments.threads)->check(CLI::Range(1, 1024))->capture_default_str();
  app.add_option("--batch", arguments.batch)->check(CLI::Range(1, 1 << 20))->capture_default_str();
  app.add_flag("--nchw", arguments.nchw, "Planes, instead of interleaved channels");
  CLI::Option* epochs =
      app.add_option("--epochs", arguments.how_long.epochs, "Passes over the set")->capture_default_str();
  app.add_option("--seconds", arguments.how_long.seconds, "Instead of whole passes")->excludes(epochs);
  app.add_flag("--reading", arguments.reading, "Reading alone, by three ways, instead of the loader");
  app.add_flag("--on-request", arguments.on_request,
               "One measurement for each line on stdin; says \"ready\" before the first");
}

nlohmann::ordered_json loader_figures(const PackedSet& set, const Arguments& arguments) {
  LoaderOptions options;
  options.workers = arguments.threads;
  options.max_batch = arguments.batch;
  options.format.layout = arguments.nchw ? PixelLayout::kNchw : PixelLayout::kNhwc;
  HowLong how_long = arguments.how_long;
  if (how_long.seconds > 0) how_long.epochs = 0;
  const LoaderRate rate = measure_loader(set, options, how_long);
  return {{"images", rate.spent.images},      {"cpu_s", rate.spent.cpu_s},
          {"wall_s", rate.spent.wall_s},      {"threads", rate.threads},
          {"read_s", rate.stages.read_s},     {"decode_s", rate.stages.decode_s},
          {"resize_s", rate.stages.resize_s}, {"write_s", rate.stages.write_s}};
}

nlohmann::ordered_json reading_figures(const PackedSet& set) {
  constexpr int kRounds = 31;
  const ReadRates rates = measure_reading(set, 0, kRounds);
  return {{"images", rates.images},
          {"bytes", rates.bytes},
          {"pread_s", rates.pread_s},
          {"pread_hash_s", rates.pread_hash_s},
          {"set_s", rates.set_s},
          {"set_over_pread", median_ratio(rates.set_s, rates.pread_s)},
          {"set_over_pread_hash", median_ratio(rates.set_s, rates.pread_hash_s)}};
}

int run(int argc, char** argv) {
  CLI::App app("Measures the loader of ft_dist.", "bench_loader");
  Arguments arguments;
  add_options(app, arguments);
  CLI11_PARSE(app, argc, argv);
  const PackedSet set(arguments.directory);
  const auto measure = [&] {
    std::cout << (arguments.reading ? reading_figures(set) : loader_figures(set, arguments)).dump()
              << std::endl;
  };
  if (!arguments.on_request) {
    measure();
    return 0;
  }
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) measure();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return ft::report_errors("bench_loader", [&] { return run(argc, argv); });
}
