// nginx's configuration as a tree of directives: nginx's own grammar (ngx_conf_file.c), includes followed.
//
// It is read, not run: `nginx -T` costs a child process and prints only where the configuration is valid. The same
// parser reads its output, where somebody has asked for it. What is broken, endless or not nginx at all gives the
// part that could be read, with `whole` false.
#pragma once

#include "discovery/glance.h"
#include "platform/files.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

struct NginxDirective {
    std::string name;
    std::vector<std::string> arguments; // unquoted; variables stay as they are written
    std::vector<NginxDirective> block;
};

struct NginxTree {
    std::vector<NginxDirective> directives;
    bool whole =
        true; // false: a file is missing or not for us, a brace or a quote is not closed, a limit was met
};

// Where a configuration's files are.
class NginxSource {
  public:
    virtual ~NginxSource() = default;
    virtual Result<std::string> read(const Path& path) = 0;
    // Sorted, as glob(3) has them: * and ? do not cross a slash, nor match a leading dot. Error: they could not all be
    // looked for.
    virtual Result<std::vector<Path>> matching(const Path& pattern) = 0;
};

// On disk.
class NginxFiles final : public NginxSource {
  public:
    explicit NginxFiles(Glance& files) : m_files(files) {}
    Result<std::string> read(const Path& path) override;
    Result<std::vector<Path>> matching(const Path& pattern) override;

  private:
    Glance& m_files;
};

// In the output of `nginx -T`: "# configuration file PATH:" before each file, the main one first.
class NginxDump final : public NginxSource {
  public:
    explicit NginxDump(std::string_view output);
    [[nodiscard]] const Path& main() const { return m_main; } // empty: there is no configuration in it
    Result<std::string> read(const Path& path) override;
    Result<std::vector<Path>> matching(const Path& pattern) override;

  private:
    Path m_main;
    std::map<Path, std::string> m_files;
};

// `main` is absolute; relative includes are looked for beside it.
NginxTree parse_nginx(NginxSource& source, const Path& main);

} // namespace lectio
