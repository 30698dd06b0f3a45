"""What stand-ins for services share: a server on loopback, in a thread of its own, from `with` to its end."""

import http.server
import threading


class Loopback:
    """`handler` answers, and finds this in its `server.stand_in`. On `port`, or on one that is free; stopped and started
    again it keeps that."""

    def __init__(self, handler, port=0, server=http.server.ThreadingHTTPServer):
        self._handler, self.port, self._new_server = handler, port, server
        self._server = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        self._server = self._new_server(("127.0.0.1", self.port), self._handler)
        self._server.daemon_threads = True
        self._server.stand_in = self
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self):
        """Connections are refused from now on."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
