// What will hurt a deploy on this host, and the line that mends it: `lectio-deploy doctor`.
#pragma once

#include "checks/check.h"
#include "platform/files.h"
#include "platform/release_disk.h"
#include "platform/services.h"
#include "release/flaw.h"
#include "release/shelf.h"

#include <optional>
#include <string>
#include <vector>

namespace lectio::release {

// As it was seen (doctor_looks.h); what could not be looked at stands in `unseen` and is not judged.
struct DeployConditions {
    struct SiteUnit {
        enum class Part { web, workers };
        Part part = Part::web;
        std::string program; // "gunicorn", "celery" …
        UnitState state;
    };
    struct Page {
        std::string url, cache_control, expires; // headers; empty: not sent
    };

    Path served, releases;
    WallTime now;

    std::vector<Text> unseen; // what could not be looked at, and why

    bool systemd = true;           // it answers, and the next three are filled
    std::vector<SiteUnit> units;   // that run the site's code
    std::vector<UnitState> fronts; // of web servers
    UnitState recovery;            // lectio-deploy-recover.service

    // open_file_cache as nginx has it where it serves from `served`; each once.
    std::vector<std::string> file_caches;
    std::string unknown_page; // deploy.maintenance_page, where nginx never asks for it
    std::optional<Page> page; // that the site answers with

    Shelf::Served::Kind served_kind = Shelf::Served::Kind::nothing;
    std::optional<Flaw> hidden;              // from visitors, of what is served
    std::optional<FileInfo> releases_folder; // none yet: it is made
    uid_t us = 0;
    dev_t served_device = 0, releases_device = 0; // of the folders in which they lie
    std::optional<ReleaseDisk::Room> room;
    Bytes min_free, live_size;                       // of what is served
    std::uint64_t live_files = 0;                    // 0: not known
    std::vector<std::string> unfinished, unreadable; // deploys; records
    std::optional<WallTime> newest;                  // release
    bool is_proven = true;                           // something is asked of the site after a release
};

struct Finding {
    std::string name; // "units", "nginx" …
    Status status =
        Status::warning; // critical: a deploy is refused or does harm; unknown: could not be looked at
    Text words, hint{};  // the hint is the line that mends it
};

// Pure. The worst first.
std::vector<Finding> judge_conditions(const DeployConditions& conditions);

} // namespace lectio::release
