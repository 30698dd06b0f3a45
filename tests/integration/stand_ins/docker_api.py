"""The Docker API on a socket of its own, with answers as Docker 24 records them."""

import http.server
import json
import socketserver
import threading


class DockerApi:
    """`containers`: see container(); FOLDER/docker.sock is the socket."""

    def __init__(self, folder, containers):
        self.containers = containers
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                path = self.path.split("?")[0]
                body = outer.listed() if path.endswith("/containers/json") else outer.details().get(path.split("/")[-2])
                text = json.dumps(body).encode()
                self.send_response(200 if body is not None else 404)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def address_string(self):
                return "unix"

            def log_message(self, *_):
                pass

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True

        self.socket = folder / "docker.sock"
        self.server = Server(str(self.socket), Handler)

    def listed(self):
        return [{"Id": f"{number:012x}", "Names": ["/" + one["Name"]], "State": "running", "Status": "Up"}
                for number, one in enumerate(self.containers)]

    def details(self):
        return {f"{number:012x}": one | {"Id": f"{number:012x}", "Name": "/" + one["Name"]}
                for number, one in enumerate(self.containers)}

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def container(name, *, user="app", ports=None, memory=512 << 20, restart="unless-stopped", health=True):
    return {"Name": name, "State": {"Status": "running", "ExitCode": 0},
            "Config": {"User": user, "Cmd": ["run"], "Entrypoint": None, "Healthcheck": {"Test": ["CMD", "true"]} if health else None},
            "HostConfig": {"RestartPolicy": {"Name": restart}, "Memory": memory, "Privileged": False, "Binds": None,
                           "PortBindings": {port: [{"HostIp": "", "HostPort": port.split("/")[0]}] for port in ports or []}}}
