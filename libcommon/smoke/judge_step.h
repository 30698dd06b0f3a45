// What the answers to a step are worth. Pure.
#pragma once

#include "checks/check.h"
#include "config/smoke.h"
#include "platform/http.h"

#include <string>
#include <vector>

namespace lectio {

// Everything the step expects of one answer; the first thing that is wrong is told, "slow" only where nothing else is.
CheckResult evaluate_step(const HttpAnswer& answer, const StepSettings& step, const HttpRequest& request);
// Of requests sent at once: each as above, and each within step.within.
CheckResult evaluate_burst(const std::vector<HttpAnswer>& answers, const StepSettings& step,
                           const HttpRequest& request);
// Of the same asked again and again: the worst, or the last where all are good.
CheckResult evaluate_repeated(std::vector<CheckResult> results);
// Of requests sent one after the other in `took`: the last must have been refused. step.limit is set.
CheckResult evaluate_limit(const std::vector<HttpAnswer>& answers, Duration took, const StepSettings& step,
                           const HttpRequest& request);

} // namespace lectio
