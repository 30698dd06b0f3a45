// WayBack: to what was served before the present release. Actions know this interface only; who keeps releases stands above
// recovery and implements it (release/last_good.h, docs/decisions/0029-the-healer-goes-back.md).
#pragma once

#include "platform/files.h"
#include "recovery/action.h"

namespace lectio {

class WayBack {
  public:
    enum class Part { frontend, backend };

    virtual ~WayBack() = default;
    // What lies at `path` is a release.
    virtual bool serves(const Path& path, const ActionContext& context) = 0;
    // As Action::look(): nothing released is nothing to change; once in an incident.
    virtual Readiness look(Part part, const ActionContext& context) = 0;
    // As Action::act(): proven, or undone. Stands aside while a deploy is under way.
    virtual ActionResult go(Part part, const ActionContext& context) = 0;
};

} // namespace lectio
