// Journal: what a deploy was about to do and what it has done, one record a step, on the disk before the next step.
//
// After kill -9 or a power cut at any instant the journal and the link tell what has to be finished or undone (DESIGN
// rule 6). A record is "LENGTH CRC32 {json}\n"; one that the power cut short stands at the end and is ignored. Anything
// else that does not fit is damage, and then a person decides.
#pragma once

#include "platform/clock.h"
#include "platform/release_disk.h"
#include "util/result.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lectio::release {

enum class Mark {
    begin,    // who wants what
    received, // the build is in the staging folder
    sealed,   // it has its own folder and a record, and is what will be served
    fence,    // its units are about to be stopped: soon no code of the site runs
    snapshot, // a copy of the database is about to be taken
    migrate,  // its migrations are about to be applied: from here on the schema may be another
    migrated, // they are, and what had to fit the schema before is known to fit it now
    admit,    // the units are about to start with the release: from here on visitors may write
    undo,     // the database is about to be put back, and nobody has written what would be lost by it
    reverse,  // the new code is about to take its migrations back: somebody has written since, and keeps it
    restored, // it is again what it was before them
    woken,    // it is not, and the units start all the same: what becomes of it a person says
    adopt,    // a plain folder is about to become the first release
    swap,     // the link is about to lead to another release: from here on visitors may have met it
    commit,   // it has passed: it stays, whatever happens
    rollback, // the link is about to lead back: from here on only that
    rolled_back, // it does
    end,         // nothing is left to do
};
std::string_view to_string(Mark mark);

struct Entry {
    Mark mark = Mark::begin;
    WallTime time;
    std::map<std::string, std::string> facts; // "id", "from", "to", "by", "result" …
    [[nodiscard]] std::string fact(const std::string& name) const;
};

// A record as it stands in the file.
std::string format_entry(const Entry& entry);

struct JournalText {
    std::vector<Entry> entries; // up to the first that cannot be read
    bool damaged = false;       // something other than a torn end
    Bytes size;                 // of these entries: what is written next stands behind them
};
JournalText parse_journal(std::string_view text);

// What the records say, whoever wrote them.
struct Standing {
    std::string id; // of the deploy
    std::optional<Entry> begin, adopt, sealed, migrate, swap, end;
    std::string database; // what it was when its migrations were applied and nobody had written since
    std::string held;     // units that were stopped, with blanks between
    std::string failing;  // why it was committed in spite of its gate; empty: it has passed
    bool migrated = false, admitted = false, undoing = false, reversing = false, restored = false,
         woken = false, committed = false, rolling_back = false, rolled_back = false;
    [[nodiscard]] bool ended() const { return end.has_value(); }
    [[nodiscard]] bool is_open() const { return !ended(); }
    // Its migrations do more than add, and are undone by the snapshot.
    [[nodiscard]] bool restores() const;
    // The tables are on their way: before they are put back no code may run.
    [[nodiscard]] bool owes_tables() const;
};
Standing standing_of(const std::vector<Entry>& entries);

// The journal of one deploy, being written.
class Journal {
  public:
    // `written`: of it already, by whoever began it.
    Journal(ReleaseDisk& disk, Path file, Clock& clock, Bytes written = {})
        : m_disk(disk), m_file(std::move(file)), m_clock(clock), m_written(written) {}
    // Durable when this returns without error; otherwise the step must not be taken.
    Result<void> note(Mark mark, std::map<std::string, std::string> facts = {});

  private:
    ReleaseDisk& m_disk;
    Path m_file;
    Clock& m_clock;
    Bytes m_written;
};

} // namespace lectio::release
