// KeptState: a state file that is kept elsewhere while its own folder cannot be written (docs/decisions/0003).
//
// Home is the folder of a StateFile. When it refuses (full, read-only) the text goes to the run folder, which is
// memory on most hosts, and when that refuses, too, to a folder of our own in /dev/shm: without any memory each
// run would tell the same again. A save that reaches home empties the stopgaps.
#pragma once

#include "store/state_file.h"

#include <optional>
#include <string_view>
#include <vector>

namespace lectio {

class KeptState {
  public:
    struct Places {
        Path home;   // state/<tool>, state/outbox/memory-<channel>
        Path run;    // a folder for this alone below paths.run
        Path memory; // a folder open to every user: /dev/shm
    };
    KeptState(Files& files, const Places& places, int schema, uid_t us,
              std::string_view rows = {}); // of StateFile

    struct Found {
        LoadedState state;
        Path stopgap; // where it lay; empty: at home
    };
    // Home's first, whatever was found of it, then what lies in stopgaps. Which is the newest is known to
    // whoever wrote them.
    std::vector<Found> load(WallTime now, StateFile::Access access);

    enum class Saved { home, stopgap, nowhere };
    struct SaveResult {
        Saved where = Saved::home;
        std::optional<Error> problem; // why not at home
    };
    // `object` as in StateFile::save(); call load() first.
    SaveResult save(std::string_view object);

  private:
    struct Stopgap {
        Path folder;
        StateFile file;
        enum class Parent { ours, anybodys } parent = Parent::ours;
    };
    [[nodiscard]] bool is_safe(const Stopgap& stopgap) const;
    [[nodiscard]] bool make(const Stopgap& stopgap) const;
    bool save_to_a_stopgap(std::string_view object);

    Files& m_files;
    uid_t m_us;
    StateFile m_home;
    std::vector<Stopgap> m_stopgaps; // the first that can be written is used
};

} // namespace lectio
