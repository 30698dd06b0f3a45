// Logs, where every visitor writes: the lines of an access log, a packed log, and what a run remembers of them. The parts of
// an input are the log, the packed one that was rotated away, the remembered position and the remembered counts.
#include "checks/access_log.h"
#include "checks/log_reader.h"
#include "checks/tally_window.h"
#include "memory_files.h"
#include "property.h"

#include <string_view>
#include <vector>

using namespace lectio;
using fuzz::require;

namespace {

void take_apart(std::string_view text) {
    static AttackFinder attacks(
        {Attack::brute_force, Attack::traversal, Attack::sql_injection, Attack::scanner});
    attacks.look_through(text, [&](Attack, std::string_view address) {
        require(text.find(address) != std::string_view::npos, "an address stands in the log");
        require(address.find('\n') == std::string_view::npos, "an address stands in one line");
    });
    const auto line = parse_access_line(text.substr(0, text.find('\n')));
    if (line) {
        require(line->status >= 100 && line->status <= 599, "a status is one of HTTP's");
        require(!line->seconds || is_time_bucket(time_bucket(*line->seconds)), "a time has a bucket");
    }
}

void read_on(std::string_view log, std::string_view packed, std::string_view remembered) {
    fuzz::MemoryFiles files;
    files.content["/log/site.log"] = log;
    files.content["/log/site.log.1.gz"] = packed;
    const auto from = position_from_text(remembered);
    std::uint64_t taken = 0;
    const Result<LogReading> reading =
        read_new_lines(files, "/log/site.log", from, LogStart::begin, 1_MB, [&](std::string_view lines) {
            taken += lines.size();
            return true;
        });
    if (reading) {
        const auto kept = position_from_text(position_to_text(reading->position));
        require(kept == reading->position, "a position is understood by the next run");
        require(from || taken <= log.size(), "what was never read is read once at most");
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::vector<std::string_view> parts = fuzz::parts_of(fuzz::text_of(data, size));
    parts.resize(4);
    take_apart(parts[0]);
    read_on(parts[0], parts[1], parts[2]);
    const TallyWindow window = TallyWindow::from(parts[3]);
    require(TallyWindow::from(window.text()).text() == window.text(),
            "counts are understood by the next run");
    return 0;
}
