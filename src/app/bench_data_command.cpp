// `ft_dist bench data`: how many images a second the loader alone delivers, and where its time goes.
#include <iostream>
#include <limits>

#include <fmt/format.h>
#include <sys/resource.h>

#include "ft/base/atomic_write.h"
#include "ft/base/error.h"
#include "ft/base/stopwatch.h"
#include "ft/comm/agreement.h"
#include "ft/report/table.h"
#include "ft/train/micro_batches.h"
#include "ft/train/run_plan.h"

#include "commands.h"

namespace ft::app {
namespace {

struct LoaderFigures {
  std::uint64_t images = 0;
  double seconds = 0;
  LoaderStats stages;
};

// Epoch after epoch of full batches, until the time is over.
LoaderFigures measure(const Session& session, const PackedSet& set) {
  const auto batch = static_cast<std::uint64_t>(session.config.train.batch_size);
  const StepPlan plan(set.size(), {}, batch, session.config.run.seed);
  LoaderOptions options = training_loader_options(session.config);
  options.workers = session.context.threads.workers;
  options.max_batch = static_cast<std::size_t>(batch);
  Loader loader(set, options, micro_batch_source(plan, {}, 1, std::numeric_limits<std::uint64_t>::max()));
  LoaderFigures figures;
  const Stopwatch measured;
  while (figures.seconds < session.line.seconds) {
    figures.images += loader.next()->size();
    figures.seconds = measured.seconds();
  }
  figures.stages = loader.stats();
  return figures;
}

double peak_resident_mib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

std::string stage_table(const LoaderStats& stages) {
  const double all = stages.read_s + stages.decode_s + stages.resize_s + stages.write_s;
  const auto images = static_cast<double>(std::max<std::uint64_t>(stages.samples, 1));
  Table table({"stage", "ms/image", "share"});
  const auto add = [&](const char* name, double seconds) {
    table.add_row(
        {name, fmt::format("{:.3f}", seconds / images * 1e3), fmt::format("{:.1f}%", seconds / all * 100)});
  };
  add("read", stages.read_s);
  add("decode", stages.decode_s);
  add("resize", stages.resize_s);
  add("write", stages.write_s);
  return table.to_string(0);
}

}  // namespace

int bench_data_command(Session& session) {
  agree(*session.host, "measuring the loader", [&] {
    const std::string data = session.line.data.empty() ? session.config.data.train : session.line.data;
    if (data.empty()) throw UsageError("neither --data nor data.train names a packed set");
    const PackedSet set(data);
    const LoaderFigures figures = measure(session, set);
    const double rate = static_cast<double>(figures.images) / figures.seconds;
    const int workers = session.context.threads.workers;
    if (!session.context.is_root()) return;
    std::cout
        << stage_table(figures.stages)
        << fmt::format(
               "{:.1f} images/s with {} loader threads ({:.1f} each), batch {}, {} px; peak {:.0f} MiB\n",
               rate, workers, rate / workers, session.config.train.batch_size, session.config.data.image_size,
               peak_resident_mib())
        << std::flush;
    if (session.line.json.empty()) return;
    const nlohmann::ordered_json json{{"images_per_s", rate},
                                      {"images", figures.images},
                                      {"seconds", figures.seconds},
                                      {"workers", workers},
                                      {"read_s", figures.stages.read_s},
                                      {"decode_s", figures.stages.decode_s},
                                      {"resize_s", figures.stages.resize_s},
                                      {"write_s", figures.stages.write_s},
                                      {"peak_mib", peak_resident_mib()}};
    write_file_atomically(session.line.json, json.dump(2) + "\n");
  });
  return 0;
}

}  // namespace ft::app
