// Sgd against torch::optim::SGD over ResNet-18's parameters, zeroing of the gradients included on both sides,
// interleaved in one process.
#include <algorithm>
#include <iostream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <torch/torch.h>

#include "ft/base/stopwatch.h"
#include "ft/model/resnet.h"
#include "ft/train/flat_parameters.h"
#include "ft/train/sgd.h"

#include "report_errors.h"

namespace {

using namespace ft;

constexpr std::size_t kMiB = std::size_t{1} << 20U;

ResNet make_model() {
  ResNet model = make_resnet("resnet18", 2);
  for (torch::Tensor& parameter : model->parameters()) {
    if (parameter.dim() == 4) {
      const torch::NoGradGuard no_grad;
      parameter.set_data(parameter.contiguous(torch::MemoryFormat::ChannelsLast));
    }
  }
  return model;
}

class Ours {
 public:
  explicit Ours(const OptimizerConfig& config)
      : model_(make_model()), flat_(model_, kMiB, 25 * kMiB), sgd_(flat_, config), lr_(config.lr) {}
  void fill() { flat_.gradients().fill_(1e-3F); }
  void step() { sgd_.step(lr_, 1.0); }

 private:
  ResNet model_;
  FlatParameters flat_;
  Sgd sgd_;
  double lr_;
};

class Torchs {
 public:
  explicit Torchs(const OptimizerConfig& config)
      : model_(make_model()),
        sgd_(
            model_->parameters(),
            torch::optim::SGDOptions(config.lr).momentum(config.momentum).weight_decay(config.weight_decay)) {
  }
  void fill() {
    for (torch::Tensor& parameter : model_->parameters()) {
      parameter.mutable_grad() = torch::full_like(parameter, 1e-3);
    }
  }
  void step() {
    sgd_.step();
    sgd_.zero_grad(/*set_to_none=*/false);
  }

 private:
  ResNet model_;
  torch::optim::SGD sgd_;
};

template <typename Optimizer>
double seconds_of(Optimizer& optimizer) {
  optimizer.fill();
  const Stopwatch watch;
  optimizer.step();
  return watch.seconds();
}

double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

void compare(double momentum, int rounds) {
  OptimizerConfig config;
  config.momentum = momentum;
  Ours ours(config);
  Torchs torchs(config);
  std::vector<double> our_seconds, torch_seconds, ratios;
  for (int round = -3; round < rounds; ++round) {
    const bool ours_first = round % 2 == 0;
    double mine = ours_first ? seconds_of(ours) : 0;
    const double theirs = seconds_of(torchs);
    if (!ours_first) mine = seconds_of(ours);
    if (round < 0) continue;  // warming up
    our_seconds.push_back(mine);
    torch_seconds.push_back(theirs);
    ratios.push_back(mine / theirs);
  }
  std::cout << fmt::format(
      "momentum {}: Sgd {:.2f} ms, torch::optim::SGD {:.2f} ms, ratio {:.3f} (half of the pairs lie in "
      "{:.3f}-{:.3f}, {} pairs)\n",
      momentum, quantile(our_seconds, 0.5) * 1e3, quantile(torch_seconds, 0.5) * 1e3, quantile(ratios, 0.5),
      quantile(ratios, 0.25), quantile(ratios, 0.75), rounds);
}

int run(int argc, char** argv) {
  int rounds = 101, threads = 1;
  CLI::App app("optimizer step of ResNet-18: Sgd against torch::optim::SGD");
  app.add_option("--rounds", rounds)->check(CLI::Range(1, 100000));
  app.add_option("--threads", threads)->check(CLI::Range(1, 256));
  CLI11_PARSE(app, argc, argv);
  torch::set_num_threads(threads);
  for (const double momentum : {0.0, 0.9}) compare(momentum, rounds);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return ft::report_errors("bench_optimizer", [&] { return run(argc, argv); });
}
