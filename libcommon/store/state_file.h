// StateFile: what a tool remembers between its runs, in state/<tool>/state.json (CONTRACT 19, DESIGN rule 1).
//
// What is on disk is never trusted and never lost. A file that is missing, empty, cut, garbage, too large,
// foreign, not a regular file or of a newer version is set aside; the previous one is used, or the tool
// begins afresh; the report says so and the run goes on. There is no Error from load(): no state problem may
// stop checks, recovery or alerts.
//
// The text is that of a JSON object; what is in it is the caller's business. This header knows the file only.
#pragma once

#include "platform/files.h"
#include "util/json_rows.h"
#include "util/result.h"
#include "words/phrase.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include <sys/types.h>

namespace lectio {

struct LoadedState {
    std::string text; // a whole JSON object, `schema` in it; empty: begin afresh
    int schema = 0;   // the version that wrote it: at most ours; a smaller one is for the caller to migrate
    Text trouble;     // what was wrong, for the self check `state`; empty when nothing was
    std::shared_ptr<const nlohmann::json> json = {}; // the text, read; none where that is empty
    std::shared_ptr<const JsonRows> rows = {};       // what of it is missing in `json`; mostly none
};

class StateFile {
  public:
    // A larger file is not ours: states are a few kilobytes, those of thousands of failing checks some megabytes.
    static constexpr Bytes k_largest = 24_MB;

    // `folder` is state/<tool>; `schema` from 1. A file of a user other than `us` and root is not trusted.
    // `rows`: what the text of an object has before its first and largest part, R"({"judge":{"checks":)"; empty: it is
    // read as a whole.
    StateFile(Files& files, Path folder, int schema, uid_t us, std::string_view rows = {});

    // owner: holds the tool's lock; may set damaged files aside and sweep what a killed run left behind.
    // reader: --dry-run, status, list; changes nothing.
    enum class Access { owner, reader };
    LoadedState load(WallTime now, Access access);

    // `object` is the text of a JSON object without `schema`. Call load() first: what it found damaged is
    // never kept as the previous state. Durable when this returns ok; on an Error the old state is whole.
    Result<void> save(std::string_view object);

    // Removes what save() wrote: it is kept elsewhere now. What stays behind is older than that, and no harm.
    void forget();

  private:
    struct Look;
    Look look_at(const Path& path) const;
    std::optional<std::string> set_aside(const Path& path, std::string_view label, WallTime now) const;
    Text clear_the_place_of_previous(WallTime now, Access access) const;
    Text refuse(const Path& path, const Look& look, WallTime now, Access access) const;
    void sweep() const;

    Files& m_files;
    Path m_folder, m_current, m_previous;
    int m_schema;
    uid_t m_us;
    std::string_view m_before_rows;
    bool m_current_is_good = false; // only then it may become the previous one
};

} // namespace lectio
