#include "data_report.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "ft/report/table.h"

namespace ft::app {
namespace {

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

// Of all rounds' images (or bytes), by the median round.
double per_second(std::uint64_t total, const std::vector<double>& seconds) {
  return static_cast<double>(total) / static_cast<double>(seconds.size()) / median(seconds);
}

std::string bar_line(const char* name, double rate, double most) {
  constexpr int kWidth = 28;
  const int full = std::clamp(static_cast<int>(std::lround(kWidth * rate / most)), 0, kWidth);
  return fmt::format("{:<7} [{}{}] {:>7.0f} images/s", name, std::string(static_cast<std::size_t>(full), '#'),
                     std::string(static_cast<std::size_t>(kWidth - full), '-'), rate);
}

std::string verdict(double data_rate, int threads, double model_rate, const std::string& cheaper) {
  if (data_rate < model_rate) {
    return fmt::format("data is the bottleneck: {:.1f}x the cores would feed this model{}\n",
                       model_rate / data_rate, cheaper.empty() ? "" : ", or fewer with\n" + cheaper);
  }
  const int enough = std::max(1, static_cast<int>(std::ceil(threads * model_rate / data_rate)));
  return fmt::format(
      "the model is the bottleneck: data comes {:.1f}x as fast as it needs, {} of {} threads would do\n",
      data_rate / model_rate, enough, threads);
}

}  // namespace

std::string cheaper_packing(const Manifest& manifest) {
  if (manifest.resampled) return "";
  const bool indexed = manifest.transcoded.has_value();
  return fmt::format("ft_pack pack {}--encoding raw --max-side 256", indexed ? "" : "--restart-index, or ");
}

std::string threads_table(const std::vector<LoaderRate>& rates) {
  const LoaderRate& fewest = *std::ranges::min_element(rates, {}, &LoaderRate::threads);
  Table table({"threads", "images/s", "per thread", "per CPU second", "speed-up"});
  for (const LoaderRate& rate : rates) {
    const double all = rate.spent.per_second();
    table.add_row({std::to_string(rate.threads), fmt::format("{:.1f}", all),
                   fmt::format("{:.1f}", all / rate.threads),
                   fmt::format("{:.1f}", rate.spent.per_cpu_second()),
                   fmt::format("{:.2f}", all / fewest.spent.per_second())});
  }
  return table.to_string(0);
}

std::string stage_table(const LoaderStats& stages) {
  const double all = stages.read_s + stages.decode_s + stages.resize_s + stages.write_s;
  const auto images = static_cast<double>(std::max<std::uint64_t>(stages.samples, 1));
  Table table({"stage", "ms/image", "share"});
  const auto add = [&](const char* name, double seconds) {
    table.add_row({name, fmt::format("{:.3f}", seconds / images * 1e3),
                   fmt::format("{:.1f}%", all > 0 ? seconds / all * 100 : 0)});
  };
  add("read", stages.read_s);
  add("decode", stages.decode_s);
  add("resize", stages.resize_s);
  add("write", stages.write_s);
  return table.to_string(0);
}

std::string reading_text(const ReadRates& rates) {
  Table table({"reading alone, warm", "images/s", "MB/s", "time / pread"});
  const auto add = [&](const char* name, const std::vector<double>& seconds) {
    table.add_row({name, fmt::format("{:.0f}", per_second(rates.images, seconds)),
                   fmt::format("{:.0f}", per_second(rates.bytes, seconds) / 1e6),
                   fmt::format("{:.3f}", median(seconds) / median(rates.pread_s))});
  };
  add("pread", rates.pread_s);
  add("pread + hash", rates.pread_hash_s);
  add("packed set", rates.set_s);
  return table.to_string(0) +
         fmt::format(
             "HDF5 costs {:+.1f}%: the packed set, which checks each hash, against pread and hash of\n"
             "the same bytes, round by round\n",
             (median_ratio(rates.set_s, rates.pread_hash_s) - 1) * 100);
}

std::string bottleneck_text(double data_rate, int threads, double model_rate, const std::string& cheaper) {
  if (model_rate <= 0) {
    return fmt::format(
        "{} a model of up to {:.0f} images/s; --model-rate R says who waits for whom\n"
        "(R: what `ft_dist bench step --synthetic` gives on the device)\n",
        threads == 1 ? "1 thread feeds" : fmt::format("{} threads feed", threads), data_rate);
  }
  const double most = std::max(data_rate, model_rate);
  return bar_line("data", data_rate, most) + "\n" + bar_line("model", model_rate, most) + "\n" +
         verdict(data_rate, threads, model_rate, cheaper);
}

nlohmann::ordered_json to_json(const LoaderRate& rate) {
  return {{"threads", rate.threads},
          {"images", rate.spent.images},
          {"seconds", rate.spent.wall_s},
          {"cpu_s", rate.spent.cpu_s},
          {"images_per_s", rate.spent.per_second()},
          {"images_per_cpu_s", rate.spent.per_cpu_second()},
          {"samples", rate.stages.samples},
          {"read_s", rate.stages.read_s},
          {"decode_s", rate.stages.decode_s},
          {"resize_s", rate.stages.resize_s},
          {"write_s", rate.stages.write_s}};
}

nlohmann::ordered_json to_json(const ReadRates& rates) {
  return {{"images", rates.images},
          {"bytes", rates.bytes},
          {"pread_s", rates.pread_s},
          {"pread_hash_s", rates.pread_hash_s},
          {"set_s", rates.set_s},
          {"set_over_pread", median_ratio(rates.set_s, rates.pread_s)},
          {"set_over_pread_hash", median_ratio(rates.set_s, rates.pread_hash_s)}};
}

}  // namespace ft::app
