// `ft_dist bench data`: how many images a second the loader alone delivers, where its time goes, and whether
// that feeds the model.
#include <algorithm>
#include <filesystem>
#include <iostream>

#include <fmt/format.h>
#include <sys/resource.h>

#include "ft/base/atomic_write.h"
#include "ft/base/error.h"
#include "ft/comm/agreement.h"
#include "ft/report/progress.h"
#include "ft/train/run_plan.h"

#include "commands.h"
#include "data_report.h"

namespace ft::app {
namespace {

constexpr int kReadingRounds = 31;

struct DataFigures {
  std::vector<LoaderRate> loader;  // by number of threads
  ReadRates reading;
  double all_ranks_rate = 0;  // images/s with the last number of threads

  [[nodiscard]] const LoaderRate& last() const { return loader.back(); }
};

// What --threads asks for, in ascending order, or 1, 2, 4, ... and all cores of this rank.
std::vector<int> thread_counts(const Session& session) {
  if (!session.line.threads.empty()) {
    std::vector<int> wanted = session.line.threads;
    std::ranges::sort(wanted);
    wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
    return wanted;
  }
  const int cores = session.context.place().core_budget;
  std::vector<int> counts;
  for (int n = 1; n < cores; n *= 2) counts.push_back(n);
  counts.push_back(cores);
  return counts;
}

DataFigures measure(const Session& session, const PackedSet& set) {
  LoaderOptions options = training_loader_options(session.config);
  options.max_batch = static_cast<std::size_t>(session.config.train.batch_size);
  const HowLong how_long{.seconds = session.line.seconds, .epochs = session.line.epochs};
  const std::vector<int> counts = thread_counts(session);
  DataFigures figures;
  Progress progress("measuring", counts.size() + 1, "settings", session.context.is_root());
  figures.reading = measure_reading(set, session.config.run.seed, kReadingRounds);
  for (const int threads : counts) {
    progress.update(figures.loader.size() + 1, fmt::format("loader threads: {}", threads));
    options.workers = threads;
    figures.loader.push_back(measure_loader(set, options, how_long));
  }
  progress.update(counts.size() + 1);
  return figures;
}

double peak_resident_mib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

void print_figures(const Session& session, const PackedSet& set, const DataFigures& figures) {
  const LoaderRate& last = figures.last();
  std::cout << fmt::format("{}: {} images, {} px, batch {}\n", set.directory().string(), set.size(),
                           session.config.data.image_size, session.config.train.batch_size)
            << threads_table(figures.loader) << "\n"
            << fmt::format("stages, loader threads: {}\n", last.threads) << stage_table(last.stages) << "\n"
            << reading_text(figures.reading) << "\n"
            << bottleneck_text(last.spent.per_second(), last.threads, session.line.model_rate,
                               cheaper_packing(set.manifest()));
  if (const int ranks = session.context.world_size(); ranks > 1) {
    std::cout << fmt::format("this is rank 0; all {} ranks together: {:.1f} images/s\n", ranks,
                             figures.all_ranks_rate);
  }
  std::cout << fmt::format("peak memory {:.0f} MiB\n", peak_resident_mib()) << std::flush;
}

void write_json(const Session& session, const PackedSet& set, const DataFigures& figures) {
  nlohmann::ordered_json json = to_json(figures.last());
  json["all_ranks_images_per_s"] = figures.all_ranks_rate;
  json["model_rate"] = session.line.model_rate;
  json["set"] = set.directory().string();
  json["fingerprint"] = set.fingerprint();
  json["image_size"] = session.config.data.image_size;
  json["batch_size"] = session.config.train.batch_size;
  json["peak_mib"] = peak_resident_mib();
  for (const LoaderRate& rate : figures.loader) json["by_threads"].push_back(to_json(rate));
  json["reading"] = to_json(figures.reading);
  write_file_atomically(session.line.json, json.dump(2) + "\n");
}

// Before minutes of measuring, not after them.
void require_place_for(const std::filesystem::path& file) {
  if (file.empty()) return;
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
  std::error_code ignored;
  if (!std::filesystem::is_directory(folder, ignored)) {
    throw UsageError(fmt::format("--json {}: there is no directory {}", file.string(), folder.string()));
  }
}

}  // namespace

int bench_data_command(Session& session) {
  std::optional<PackedSet> set;
  DataFigures figures;
  agree(*session.host, "measuring the loader", [&] {
    const std::string data = session.line.data.empty() ? session.config.data.train : session.line.data;
    if (data.empty()) throw UsageError("neither --data nor data.train names a packed set");
    set.emplace(data);
    require_place_for(session.line.json);
    figures = measure(session, *set);
  });
  double rate[1] = {figures.last().spent.per_second()};
  session.host->all_reduce_host(rate, ReduceOp::kSum, "bench data");
  figures.all_ranks_rate = rate[0];
  agree(*session.host, "writing the figures", [&] {
    if (!session.context.is_root()) return;
    print_figures(session, *set, figures);
    if (!session.line.json.empty()) write_json(session, *set, figures);
  });
  return 0;
}

}  // namespace ft::app
