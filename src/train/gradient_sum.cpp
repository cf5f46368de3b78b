#include "ft/train/gradient_sum.h"

#include "ft/train/elastic_reducer.h"
#include "ft/train/gradient_reducer.h"

namespace ft {

std::unique_ptr<GradientSum> make_gradient_sum(FlatParameters& flat, Communicator& communicator,
                                               const DistConfig& config) {
  std::unique_ptr<GradientSum> sum;
  if (config.elastic > 0) {
    sum = std::make_unique<ElasticReducer>(flat, communicator, config.elastic);
  } else {
    sum = std::make_unique<GradientReducer>(flat, communicator, config.gradient_dtype);
  }
  if (config.register_buffers) sum->register_with(communicator);
  return sum;
}

}  // namespace ft
