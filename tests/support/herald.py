"""Runs the real program for tests: nodes as child processes, one-shot commands,
HTTP requests. Every process is ended by its own process id."""

import http.client
import json
import os
import random
import select
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
RIOT_SAMPLES = SHARED / "data" / "riot"
BINARY = Path(os.environ.get("HERALD", ROOT / "build" / "herald"))

# Longest wait for something that should happen soon; never an expectation.
PATIENCE = float(os.environ.get("HERALD_PATIENCE", "60"))

OK, FAILURE, USAGE, DAMAGED, IO, CONFIGURATION = 0, 1, 2, 65, 74, 78


def seed():
    """A fresh seed, or the one of HERALD_SEED; printed, so that a failing run
    can be repeated."""
    chosen = int(os.environ.get("HERALD_SEED") or random.randrange(2**31))
    print(f"HERALD_SEED={chosen}")
    return chosen


def herald(*arguments, timeout=PATIENCE * 5, **options):
    """Runs a command to its end; stdout and stderr are texts."""
    return subprocess.run(
        [BINARY, *map(str, arguments)], text=True, capture_output=True,
        timeout=timeout, stdin=options.pop("stdin", subprocess.DEVNULL),
        **options)


def wait_until(true, what, patience=PATIENCE):
    """The first value of true() that is true."""
    end = time.monotonic() + patience
    while True:
        value = true()
        if value:
            return value
        assert time.monotonic() < end, f"{what}: not within {patience} s"
        time.sleep(0.02)


class Child:
    """A long-running `herald` command whose first lines say that it is ready.
    Standard error goes to a file, which `log()` reads."""

    def __init__(self, *arguments, folder, prefix=(), **options):
        self.errors = Path(folder) / f"stderr-{time.monotonic_ns()}"
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(
                [*prefix, BINARY, *map(str, arguments)], cwd=folder,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=errors, **options)
        self.pid = self.process.pid
        self.lines = []
        self._rest = b""

    def line(self, patience=PATIENCE):
        """The next line of standard output; None at its end."""
        end = time.monotonic() + patience
        while b"\n" not in self._rest:
            left = end - time.monotonic()
            assert left > 0, f"no line within {patience} s\n{self.log()}"
            if select.select([self.process.stdout], [], [], left)[0]:
                piece = os.read(self.process.stdout.fileno(), 65536)
                if not piece:
                    return None
                self._rest += piece
        line, self._rest = self._rest.split(b"\n", 1)
        self.lines.append(line.decode())
        return self.lines[-1]

    def wait_for_line(self, start, patience=PATIENCE):
        """The rest of the first line that begins with `start`."""
        while True:
            line = self.line(patience)
            assert line is not None, (
                f"ended with {self.process.wait()} before '{start}'\n"
                + self.log())
            if line.startswith(start):
                return line[len(start):].strip()

    def log(self):
        return self.errors.read_text(errors="replace")

    def running(self):
        return self.process.poll() is None

    def wait(self, patience=PATIENCE):
        return self.process.wait(patience)

    def stop(self, with_signal=signal.SIGTERM):
        """Asks it to end and returns its exit code."""
        if self.running():
            self.process.send_signal(with_signal)
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"did not end when asked\n{self.log()}")

    def kill(self):
        """kill -9."""
        if self.running():
            self.process.kill()
        self.process.wait()
        return self

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.kill()
        self.process.stdout.close()


class Node(Child):
    """`herald node` on a free port of loopback, ready when constructed."""

    def __init__(self, folder, *arguments, data=None, listen="127.0.0.1:0",
                 kafka="127.0.0.1:0", **options):
        self.folder = Path(folder)
        self.data = Path(data or self.folder / "data")
        super().__init__("node", "--data", self.data, "--listen", listen,
                         "--kafka", kafka, *arguments, folder=folder, **options)
        try:
            self.kafka = self.wait_for_line("herald kafka ")
            self.url = self.wait_for_line("herald ready ")
        except AssertionError:
            self.kill()
            raise
        self.host, port = self.url.removeprefix("http://").rsplit(":", 1)
        self.port = int(port)

    def request(self, method, path, body=None, headers=None):
        """status, headers and body of an answer."""
        connection = http.client.HTTPConnection(
            self.host, self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, dict(
                (name.lower(), value) for name, value in answer.getheaders()
            ), answer.read()
        finally:
            connection.close()

    def get(self, path):
        """The JSON of a good answer."""
        status, _, body = self.request("GET", path)
        assert status == 200, (status, body)
        return json.loads(body)

    def post(self, path, value):
        """status and JSON."""
        body = value if isinstance(value, bytes) else json.dumps(value)
        status, _, answer = self.request(
            "POST", path, body, {"Content-Type": "application/json"})
        return status, json.loads(answer)

    def console(self, *command):
        """The JSON that a console command answers."""
        done = herald("console", "--data", self.data, "--json", *command)
        assert done.returncode == OK, done.stderr
        return json.loads(done.stdout)

    def export(self, what, **options):
        """The lines of an export."""
        done = herald("export", what, "--node", self.url, *[
            part for name, value in options.items()
            for part in (f"--{name}", value)])
        assert done.returncode == OK, done.stderr
        return done.stdout.splitlines()

    def events(self, topic):
        """Every event of a topic as CloudEvents."""
        return [json.loads(line) for line in self.export(
            "events", topic=topic, format="jsonl")]

    def log_ends(self):
        """How many records each topic holds: {name: records}."""
        return {topic["topic"]: topic["records"]
                for topic in self.console("topics")}


class Demo(Child):
    """`herald demo` on a free port, once it has said its address."""

    def __init__(self, folder, *arguments):
        super().__init__("demo", "--listen", "127.0.0.1:0", *arguments,
                         folder=folder)
        self.started = time.monotonic()
        try:
            line = self.wait_for_line("Herald is running: open ")
        except AssertionError:
            self.kill()
            raise
        self.url = line.split()[0].rstrip("/")
        self.host, port = self.url.removeprefix("http://").rsplit(":", 1)
        self.port = int(port)


def place_of(event):
    """Partition and offset of a CloudEvent of ours: its id is "3@17"."""
    partition, offset = event["id"].split("@")
    return int(partition), int(offset)


def import_documents(node_url, *paths, timeout=PATIENCE * 5, **options):
    """exit code, counts and the lines of standard error."""
    done = herald("import", *paths, "--node", node_url, "--json",
                  timeout=timeout, **options)
    counts = json.loads(done.stdout.splitlines()[-1]) if done.stdout else None
    return done.returncode, counts, done.stderr.splitlines()


def generate(folder, games, seed=1):
    """Writes generated games and returns the folder."""
    done = herald("simulate", "--write", folder, "--seed", seed, "--games",
                  games)
    assert done.returncode == OK, done.stderr
    return Path(folder)


class TemporaryFolder:
    """A short path, since a control socket's path holds 107 bytes at most."""

    def __init__(self, inside=None):
        self.path = Path(tempfile.mkdtemp(prefix="herald-", dir=inside))

    def __enter__(self):
        return self.path

    def __exit__(self, *exception):
        shutil.rmtree(self.path, ignore_errors=True)


def without_override(*arguments):
    """The command line of `herald` that, as root, gives up the right to read
    every file."""
    command = [str(BINARY), *map(str, arguments)]
    if os.geteuid() != 0:
        return command
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search",
            "--inh-caps=-dac_override,-dac_read_search", *command]
