// What one discovery gathers, step by step; each step is a source of its own and adds checks of its kind.
#pragma once

#include "discovery/discover.h"
#include "discovery/glance.h"
#include "discovery/host_view.h"

#include <set>
#include <string>

namespace lectio {

class Finder {
  public:
    Finder(World& world, const Discovered& known, const DiscoverRequest& request);

    World& world;
    const Discovered& known;
    const DiscoverRequest& request;
    HostView view;
    Glance files; // the only way to this host's files
    Discovered found;

    // What is added first stays: a later step may come upon the same thing by another way. Left out are types that
    // this tool does not have.
    void add(FoundCheck check);
    // The settings that an earlier look has settled on; nullptr: they are still to be asked for.
    [[nodiscard]] const FoundCheck* settled(const std::string& about) const;
    // Time for one more question: what hangs must not hold up a run every minute. 0: no more.
    [[nodiscard]] Duration time_to_ask() const;

    void cover(std::uint16_t port) { m_covered.insert(port); } // it has a check better than a mere connection
    [[nodiscard]] bool is_covered(std::uint16_t port) const { return m_covered.contains(port); }
    void hold(const Path& folder) { folders.insert(folder); } // something that was found lives here

    // `about` of the check that says whether this program runs.
    [[nodiscard]] static std::string about_running(const RunningProgram& program);
    // The same for whoever holds a socket; empty: nobody known.
    [[nodiscard]] std::string about_owner(const OwnedListener& listener) const;
    // How checks of it are called: "teaching_panel", "redis-server".
    [[nodiscard]] static std::string base_name(const RunningProgram& program);

    std::set<Path> folders;
    // Every nginx that runs could be read whole: a name that is in none of their configurations is not wanted.
    bool nginx_read = false;

  private:
    SteadyTime m_end;
    bool m_is_full = false;
    std::set<std::uint16_t> m_covered;
};

void find_host(Finder& finder);     // the root disk, memory, load, clock, failed units
void find_services(Finder& finder); // units and programs, workers, databases, queues
void find_sites(Finder& finder);    // what nginx and Caddy serve, and the applications behind them
void find_compose(Finder& finder);
void find_ports(Finder& finder); // what listens and has nothing better
void find_disks(Finder& finder); // the other file systems that hold what was found

// A page that answers now as it should from now on: sets the keys of `check`, of type http. False: what is there does
// not speak HTTP (any more), or not to us.
bool settle_page(Finder& finder, FoundCheck& check, const std::string& url, const std::string& resolve);

} // namespace lectio
