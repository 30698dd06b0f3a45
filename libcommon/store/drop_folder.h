// DropFolder: where processes leave something for another one, which takes it over in its next run (CONTRACT 19):
// state/acks, state/events. One fsynced file each, so that nobody waits for anybody's lock.
#pragma once

#include "platform/files.h"

#include <string>
#include <string_view>
#include <vector>

namespace lectio {

struct Dropped {
    std::string name; // of the file; names sort in the order in which they are taken
    std::string content;
};

class DropFolder {
  public:
    DropFolder(Files& files, Path folder) : m_files(files), m_folder(std::move(folder)) {}

    // On disk when this returns without error. The same name again replaces what lies there. Over k_most files the
    // first of them gives way: whoever is to take them over has not run for long.
    Result<void> drop(std::string_view name, std::string_view content);
    // What lies there; what cannot be read, or is no plain file, is left out. A folder that is not there holds nothing.
    [[nodiscard]] std::vector<Dropped> all() const;
    // Once it is durable elsewhere. Twice is no error.
    Result<void> remove(const std::string& name);

    static constexpr std::size_t k_most = 1000;

  private:
    [[nodiscard]] std::vector<std::string> names() const;
    Result<void> make();

    Files& m_files;
    Path m_folder;
};

} // namespace lectio
