// The manifest that an archive brings: whatever it says, it is either exactly what we would have written, or an Error.
#include "platform/tree_manifest.h"
#include "property.h"

using namespace lectio;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::text_of(data, size);
    const Result<TreeManifest> manifest = parse_manifest(text);
    if (!manifest) {
        require(manifest.error().message.find('\n') == std::string::npos, "an error is one line");
        return 0;
    }
    require(format_manifest(*manifest) == text, "there is one way to write a manifest");
    for (const TreeEntry& entry : manifest->entries) {
        require(!entry.path.starts_with('/') && ("/" + entry.path + "/").find("/../") == std::string::npos,
                "no path leads out");
        require(manifest->find(entry.path) == &entry, "sorted, each path once");
    }
    require(compare(*manifest, *manifest, CompareModes::yes).empty(), "a tree is like itself");
    return 0;
}
