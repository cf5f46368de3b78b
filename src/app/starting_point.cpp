#include "starting_point.h"

#include "ft/comm/agreement.h"

#include "same_on_all_ranks.h"

namespace ft::app {

StartingPoint prepare_start(Session& session, const RunPlan& plan, const RunStart& start) {
  StartingPoint from;
  agree(*session.host, "preparing the model", [&] {
    if (start.kind == StartKind::kResume) from.checkpoint = load_checkpoint(start.checkpoint);
    from.model = prepare_model(session.config, plan.classes(), session.context.device,
                               from.checkpoint ? &from.checkpoint->model : nullptr);
  });
  require_same_on_all_ranks(*session.host, from.model.source ? from.model.source->fingerprint : "none",
                            "the weights file");
  return from;
}

}  // namespace ft::app
