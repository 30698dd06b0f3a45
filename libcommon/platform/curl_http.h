// CurlHttp: the real Http, on one libcurl multi handle driven by epoll.
#pragma once

#include "platform/http.h"
#include "platform/resolver.h"

#include <memory>

namespace lectio {

// Starting one costs nothing: libcurl is initialised by the first request. Every handle given out by start()
// must be gone before this is. Not for more than one thread, but for wake() and
// post().
class CurlHttp final : public Http {
  public:
    explicit CurlHttp(Resolver::Ask ask = system_lookup); // tests bring a resolver of their own
    ~CurlHttp() override;

    // At most 256 transfers are under way at once; the time of the others begins when their turn comes. One
    // more handle costs memory (a TLS connection 50 kB) and a crowd is no faster than a steady stream.
    std::unique_ptr<Transfer> start(HttpRequest request, Done done) override;
    void poll(Duration wait) override;
    void wake() override;
    void post(std::function<void()> what) override;

  private:
    class Loop;
    std::unique_ptr<Loop> m_loop;
};

} // namespace lectio
