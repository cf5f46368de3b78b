#include "ft/train/gradient_sum.h"

#include "ft/train/elastic_reducer.h"
#include "ft/train/gradient_reducer.h"

namespace ft {

std::unique_ptr<GradientSum> make_gradient_sum(FlatParameters& flat, Communicator& communicator,
                                               const DistConfig& config) {
  if (config.elastic > 0) return std::make_unique<ElasticReducer>(flat, communicator, config.elastic);
  return std::make_unique<GradientReducer>(flat, communicator, config.gradient_dtype);
}

}  // namespace ft
