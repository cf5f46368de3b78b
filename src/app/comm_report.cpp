#include "comm_report.h"

#include <algorithm>

#include <fmt/format.h>

#include "ft/report/table.h"

namespace ft::app {

namespace {

std::string type_name(const std::string& type) {
  return type == "bf16" ? "bfloat16" : "float";
}

std::string microseconds(double seconds) {
  return fmt::format("{:.2f}", seconds * 1e6);
}

}  // namespace

double algorithm_bandwidth(std::uint64_t bytes, double seconds) {
  return seconds > 0 ? static_cast<double>(bytes) / seconds / 1e9 : 0;
}

double bus_bandwidth(std::uint64_t bytes, double seconds, int ranks) {
  return algorithm_bandwidth(bytes, seconds) * 2 * (ranks - 1) / ranks;
}

std::string comm_table(const CommRates& rates) {
  const bool with_mpi =
      std::ranges::any_of(rates.sizes, [](const CommRate& rate) { return rate.mpi_seconds.has_value(); });
  std::vector<std::string> header{"size", "count", "type",  "redop", "root",
                                  "time", "algbw", "busbw", "#wrong"};
  std::vector<std::string> units{"(B)", "(elements)", "", "", "", "(us)", "(GB/s)", "(GB/s)", ""};
  if (with_mpi) {
    header.insert(header.end(), {"MPI time", "MPI busbw", "busbw/MPI"});
    units.insert(units.end(), {"(us)", "(GB/s)", ""});
  }
  Table table(header);
  table.add_row(units);
  for (const CommRate& rate : rates.sizes) {
    std::vector<std::string> row{fmt::format("{}", rate.bytes),
                                 fmt::format("{}", rate.count),
                                 type_name(rates.type),
                                 "sum",
                                 "-1",  // as nccl-tests has it: an all-reduce has no root
                                 microseconds(rate.seconds),
                                 fmt::format("{:.2f}", algorithm_bandwidth(rate.bytes, rate.seconds)),
                                 fmt::format("{:.2f}", bus_bandwidth(rate.bytes, rate.seconds, rates.ranks)),
                                 fmt::format("{}", rate.wrong)};
    if (rate.mpi_seconds) {
      row.push_back(microseconds(*rate.mpi_seconds));
      row.push_back(
          fmt::format("{:.2f}", bus_bandwidth(rate.count * sizeof(float), *rate.mpi_seconds, rates.ranks)));
      row.push_back(fmt::format("{:.2f}", *rate.mpi_seconds / rate.seconds));
    }
    table.add_row(row);
  }
  return table.to_string(0);
}

nlohmann::ordered_json to_json(const CommRates& rates) {
  nlohmann::ordered_json json{{"backend", rates.backend},
                              {"type", rates.type},
                              {"redop", "sum"},
                              {"root", -1},
                              {"ranks", rates.ranks},
                              {"hosts", rates.hosts},
                              {"sizes", nlohmann::ordered_json::array()}};
  for (const CommRate& rate : rates.sizes) {
    nlohmann::ordered_json line{{"size", rate.bytes},
                                {"count", rate.count},
                                {"time_s", rate.seconds},
                                {"algbw", algorithm_bandwidth(rate.bytes, rate.seconds)},
                                {"busbw", bus_bandwidth(rate.bytes, rate.seconds, rates.ranks)},
                                {"wrong", rate.wrong},
                                {"rounds", rate.rounds}};
    if (rate.mpi_seconds) {
      line["mpi_time_s"] = *rate.mpi_seconds;
      line["mpi_busbw"] = bus_bandwidth(rate.count * sizeof(float), *rate.mpi_seconds, rates.ranks);
    }
    json["sizes"].push_back(line);
  }
  return json;
}

std::vector<std::uint64_t> doubling_sizes(std::uint64_t least, std::uint64_t most,
                                          std::uint64_t element_bytes) {
  std::vector<std::uint64_t> sizes;
  for (std::uint64_t size = std::max(least, element_bytes); size <= most; size *= 2) {
    sizes.push_back(size / element_bytes *
                    element_bytes);  // NOLINT(performance-inefficient-vector-operation)
  }
  return sizes;
}

}  // namespace ft::app
