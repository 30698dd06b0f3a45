// Files that are in memory: a fuzzer reads and writes them some thousand times a second.
#pragma once

#include "platform/files.h"

#include <map>
#include <string>

namespace lectio::fuzz {

class MemoryFiles final : public Files {
  public:
    std::map<Path, std::string> content;

    Result<std::string> read(const Path& path, Bytes limit) override {
        const auto found = content.find(path);
        if (found == content.end()) {
            return absent(path);
        }
        if (found->second.size() > limit.count) {
            return Error{ErrorKind::too_large, path.string()};
        }
        return found->second;
    }
    Result<std::string> read_from(const Path& path, Bytes offset, Bytes limit) override {
        const auto found = content.find(path);
        if (found == content.end()) {
            return absent(path);
        }
        return found->second.substr(std::min<std::size_t>(offset.count, found->second.size()), limit.count);
    }
    Result<FileInfo> info(const Path& path, Follow) override {
        const auto found = content.find(path);
        if (found == content.end()) {
            return absent(path);
        }
        FileInfo info;
        info.type = FileInfo::Type::regular;
        info.size = Bytes{found->second.size()};
        info.mode = 0600;
        return info;
    }
    Result<std::vector<std::string>> list(const Path& folder) override {
        std::vector<std::string> names;
        for (const auto& [path, text] : content) {
            if (path.parent_path() == folder) {
                names.push_back(path.filename().string());
            }
        }
        return names;
    }
    Result<void> create_synced(const Path& path, std::string_view text, mode_t) override {
        content[path] = text;
        return {};
    }
    Result<void> rename(const Path& from, const Path& to) override {
        if (const auto found = content.find(from); found != content.end()) {
            content[to] = std::move(found->second);
            content.erase(found);
            return {};
        }
        return absent(from);
    }
    Result<void> sync_folder(const Path&) override { return {}; }
    Result<void> append(const Path& path, std::string_view text, mode_t) override {
        content[path] += text;
        return {};
    }
    Result<void> remove(const Path& path) override {
        if (content.erase(path) == 0) {
            return absent(path);
        }
        return {};
    }
    Result<void> make_folders(const Path&, mode_t) override { return {}; }
    Result<void> link(const Path& from, const Path& to) override {
        const auto found = content.find(from);
        if (found == content.end()) {
            return absent(from);
        }
        content[to] = found->second;
        return {};
    }
    Result<Lock> lock(const Path& path, std::string_view, WallTime) override { return absent(path); }

  private:
    static Error absent(const Path& path) { return {ErrorKind::not_found, path.string()}; }
};

} // namespace lectio::fuzz
