// How a look is divided in history.sqlite: what repeats from run to run, stored once, and what does not.
#pragma once

#include "store/history.h"
#include "store/packing.h"

namespace lectio {

// What repeats: a row of table `look`.
struct LookForm {
    std::string check, type, cause; // of its row in `subject`
    int status = 0, shown = 0, remedy = 0;
    bool passing = false;
    std::string words;   // of message, hint, evidence, packed (packing.h) and put together
    std::string metrics; // names, units, limits of the metrics, put together

    [[nodiscard]] std::size_t places() const;  // how many numbers a run has to bring for `words`
    [[nodiscard]] std::size_t figures() const; // and for `metrics`
};

// What does not: the numbers of its texts and the values of its metrics.
struct LookFigures {
    std::chrono::microseconds took{};
    std::vector<std::uint64_t> numbers;
    std::vector<double> values;
};

struct DividedLook {
    LookForm form;
    LookFigures figures;
};
DividedLook divide(const RecordedLook& look);
RecordedLook put_together(const LookForm& form, const LookFigures& figures);

// The history outlives the run, and is read by whoever may read the folder: what is secret never gets there.
// At most 500 characters, valid UTF-8.
std::string for_keeping(std::string_view text);

// Beside the form's id, into the blob of its run.
void put_look(std::string& bytes, std::int64_t form, const LookFigures& figures);

} // namespace lectio
