"""Builds of a frontend as tests make them, and the visitors who meet them. Needs nothing of the tests beside it: it runs on
hosts of tests/host, too."""

import hashlib
import http.client
import io
import re
import tarfile
import threading
import time


def build_files(word, page="", script=None, style="body{}\n"):
    """A build as CRA makes one; `word` is in its page and its script, and names the script."""
    tag = hashlib.sha256(word.encode()).hexdigest()[:8]
    js, css = f"static/js/main.{tag}.js", f"static/css/main.{tag}.css"
    index = page or (f'<!doctype html><html><head><title>Lectio</title><link href="/{css}" rel="stylesheet"></head>'
                     f'<body data-build="{word}"><div id="root"></div><script defer="defer" src="/{js}"></script></body></html>\n')
    return {"index.html": index.encode(),
            js: (f"window.build='{word}';\n" * 50).encode() if script is None else script,
            css: style.encode() if isinstance(style, str) else style}


def archive(files, compression="gz"):
    """What `tar cz -C build .` writes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=f"w:{compression}") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo("./" + name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def write_files(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


class Visitors:
    """People who ask for the page and then for what it names, one after the other on one connection, until the block ends."""

    def __init__(self, port, number=3, host="127.0.0.1", pause=0):
        """`pause`: of each after a page, in seconds."""
        self.port, self.number, self.host, self.pause = port, number, host, pause
        self.faults, self.fault_times, self.pages, self.builds = [], [], 0, set()
        self._stop = threading.Event()

    def __enter__(self):
        self._threads = [threading.Thread(target=self._visit) for _ in range(self.number)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _visit(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while not self._stop.wait(self.pause):
            try:
                status, page = self._get(connection, "/")
                names = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
                word = re.search(r'data-build="([^"]*)"', page)
                if status != 200 or not names:
                    self._note(f"page: {status} {page[:80]!r}")
                    continue
                self.builds.add(word[1] if word else "first")
                for name in names:
                    status, text = self._get(connection, name)
                    if status != 200 or "<html" in text:
                        self._note(f"{name}: {status} {text[:80]!r}")
                    elif name.endswith(".js") and word and f"build='{word[1]}'" not in text:
                        self._note(f"{name}: of another build than its page")
                self.pages += 1
            except OSError as error:
                self._note(f"connection: {error}")
                connection.close()

    def _note(self, fault):
        self.faults.append(fault)
        self.fault_times.append(time.monotonic())

    def _get(self, connection, path):
        connection.request("GET", path, headers={"Host": self.host})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
