"""`herald node`: configuration, start, signals, log lines, a port or a disk that
is not to be had."""

import json
import os
import shutil
import signal
import socket
import subprocess

import pytest

import herald
from herald import CONFIGURATION, IO, OK, herald as run, import_documents
from herald import without_override

CONFIG = herald.ROOT / "config.toml"


def check_config(folder, text):
    file = folder / "config.toml"
    file.write_text(text)
    return run("node", "--config", file, "--check", cwd=folder)


def test_the_repositorys_configuration_is_valid(folder):
    done = run("node", "--config", CONFIG, "--check", cwd=folder)
    assert done.returncode == OK, done.stderr
    assert not any(folder.iterdir()), "checking leaves nothing behind"


# What is wrong, its line, and words that help.
BAD_CONFIGURATIONS = {
    "unknown key": ("[edge]\nlisten = '127.0.0.1:0'\ntreads = 2\n", 3,
                    ["treads", "threads"]),
    "unknown section": ("\n[ege]\n", 2, ["ege", "edge"]),
    "wrong type": ("[edge]\nthreads = 'two'\n", 2, ["threads"]),
    "out of range": ("[edge]\nthreads = 0\n", 2, ["threads"]),
    "wrong unit": ("[riot]\nmatches_interval = '60 parsecs'\n", 2,
                   ["matches_interval"]),
    "not TOML": ("[edge]\nlisten = = 3\n", 2, []),
    "not loopback": ("[edge]\nlisten = '0.0.0.0:8480'\n", 2, ["0.0.0.0"]),
    "no port": ("[edge]\nlisten = '127.0.0.1:99999'\n", 2, ["99999"]),
    "unknown topic": ("[topics.mach]\npartitions = 4\n", 1, ["mach", "match"]),
    "no partitions": ("[topics.match]\npartitions = 0\n", 2, ["partitions"]),
    "not a Riot id": ("[riot]\nplayers = ['Nobody']\n", 2, ["Nobody"]),
    "unknown platform": ("[riot]\nplayers = ['Name#TAG@mars1']\n", 2,
                         ["mars1"]),
    "no such key file": ("[riot]\napi_key_file = 'nowhere'\n", 2, ["nowhere"]),
}


@pytest.mark.parametrize("name", BAD_CONFIGURATIONS)
def test_a_wrong_configuration_is_refused_with_file_and_line(folder, name):
    text, line, words = BAD_CONFIGURATIONS[name]
    done = check_config(folder, text)
    assert done.returncode in (CONFIGURATION, IO), done.stderr
    if "file" not in name:
        assert done.returncode == CONFIGURATION
        assert f"config.toml:{line}" in done.stderr, done.stderr
    for word in words:
        assert word in done.stderr
    # What --check refuses does not start either.
    started = run("node", "--config", folder / "config.toml", "--data",
                  folder / "data", cwd=folder)
    assert started.returncode == done.returncode
    assert not (folder / "data").exists()


def test_a_key_file_that_others_can_read_is_refused(folder):
    key = folder / "key"
    key.write_text("RGAPI-secret-canary\n")
    key.chmod(0o644)
    done = check_config(folder, "[riot]\napi_key_file = 'key'\n")
    assert done.returncode == CONFIGURATION
    assert str(key) in done.stderr
    assert "canary" not in done.stderr + done.stdout
    key.chmod(0o600)
    done = check_config(folder, "[riot]\napi_key_file = 'key'\n")
    assert done.returncode == OK, done.stderr
    assert "canary" not in done.stderr + done.stdout


def test_an_unreadable_configuration_is_refused(folder):
    locked = folder / "locked.toml"
    locked.write_text("[edge]\n")
    locked.chmod(0)
    for file in (locked, folder, folder / "missing.toml"):
        done = subprocess.run(
            without_override("node", "--config", file, "--check"),
            text=True, capture_output=True, cwd=folder)
        assert done.returncode in (IO, CONFIGURATION), done.stderr
        assert str(file) in done.stderr


@pytest.mark.parametrize("address", [
    "0.0.0.0:0", "192.0.2.1:0", "[::]:0", "example.org:80", "127.0.0.1",
    "127.0.0.1:70000", "nonsense"])
def test_an_address_that_is_not_loopback_is_refused(folder, address):
    done = run("node", "--data", folder / "data", "--listen", address,
               cwd=folder)
    assert done.returncode in (herald.USAGE, CONFIGURATION), done.stderr
    assert address.split(":")[0] in done.stderr


def test_without_a_key_a_node_says_that_the_gateway_is_off(node):
    assert "gateway" in node.log()
    assert node.request("GET", "/livez")[0] == 200
    status, _, body = node.request("GET", "/readyz?verbose")
    assert status == 200, body


@pytest.mark.parametrize("with_signal", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_node_cleanly(node, games, with_signal):
    import_documents(node.url, games)
    assert node.stop(with_signal) == OK
    assert not (node.data / "control.sock").exists()
    assert node.lines == [f"herald kafka {node.kafka}",
                          f"herald ready {node.url}"]


def test_a_second_signal_does_not_make_it_worse(start_node, games):
    node = start_node()
    import_documents(node.url, games)
    node.process.send_signal(signal.SIGTERM)
    node.process.send_signal(signal.SIGTERM)
    node.wait()
    assert run("verify", node.data).returncode == OK


def test_log_lines_can_be_json(folder, start_node, games):
    (folder / "config.toml").write_text("[node]\nlog_format = 'json'\n")
    node = start_node("--config", folder / "config.toml")
    import_documents(node.url, games)
    assert node.stop() == OK
    lines = node.log().splitlines()
    assert lines
    for line in lines:
        entry = json.loads(line)
        assert {"time", "level", "room", "message"} <= entry.keys()


def test_the_configuration_here_is_taken_and_flags_win(folder, start_node):
    (folder / "config.toml").write_text(
        "[storage]\ndata_folder = 'elsewhere'\n[topics.match]\npartitions = 3\n")
    node = start_node()
    assert node.data.is_dir()
    assert not (folder / "elsewhere").exists()
    topics = {topic["topic"]: topic for topic in node.console("topics")}
    assert topics["match"]["partitions"] == 3
    assert topics["player"]["partitions"] == 32


def test_a_port_in_use_is_named(folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("node", "--data", folder / "data", "--listen",
                   f"127.0.0.1:{port}", cwd=folder)
    assert done.returncode == IO, done.stderr
    assert str(port) in done.stderr
    assert "herald ready" not in done.stdout


def test_a_data_folder_that_cannot_be_made_is_named(folder):
    (folder / "file").write_text("in the way")
    done = run("node", "--data", folder / "file" / "data", "--listen",
               "127.0.0.1:0", cwd=folder)
    assert done.returncode == IO, done.stderr
    assert str(folder / "file") in done.stderr


def test_the_data_folder_is_for_its_owner_alone(node):
    for place in (node.data / "vault", node.data / "control.sock"):
        assert place.stat().st_mode & 0o077 == 0, place


def test_metrics_please_promtool(node, games):
    import_documents(node.url, games)
    status, headers, body = node.request("GET", "/metrics")
    assert status == 200 and headers["content-type"].startswith("text/plain")
    checked = subprocess.run(["promtool", "check", "metrics"], input=body,
                             capture_output=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert not checked.stderr, checked.stderr
    assert b"herald_" in body


def test_hosts_and_origins_are_checked(node):
    own = f"{node.host}:{node.port}"
    for headers, status in (
            ({"Host": own}, 200), ({"Host": f"localhost:{node.port}"}, 200),
            ({"Host": "evil.example"}, None), ({"Host": f"{own}.evil"}, None)):
        answered, _, body = node.request("GET", "/v1/matches", headers=headers)
        if status:
            assert answered == status, headers
        else:
            assert 400 <= answered < 500, headers
            assert json.loads(body)["type"].startswith("urn:herald:problem:")
    for origin, allowed in ((node.url, True), ("https://evil.example", False),
                            ("null", False), (node.url + ".evil", False)):
        answered, _, _ = node.request(
            "POST", "/v1/documents", b"{}", {"Origin": origin})
        assert (answered == 422) == allowed, (origin, answered)


@pytest.mark.parametrize("method, path, status", [
    ("GET", "/nowhere", 404), ("GET", "/v1/matches/EUW1_404", 404),
    ("GET", "/v1/players/0000000000000000", 404),
    ("DELETE", "/v1/matches", 405), ("GET", "/v1/documents", 405),
    ("GET", "/v1/matches?state=sleeping", 400),
    ("GET", "/v1/matches?limit=-1", 400),
    ("GET", "/v1/export/events", 404), ("GET", "/v1/feed", 426),
])
def test_every_error_is_a_problem_document(node, method, path, status):
    answered, headers, body = node.request(method, path)
    assert answered == status, body
    assert headers["content-type"].startswith("application/problem+json")
    problem = json.loads(body)
    assert problem["status"] == status
    assert problem["type"].startswith("urn:herald:problem:")
    assert problem["title"]


def test_a_document_that_is_too_large_is_refused_and_the_node_goes_on(node):
    status, _, body = node.request(
        "POST", "/v1/documents", b" " * ((16 << 20) + 1))
    assert status == 413
    assert json.loads(body)["type"].startswith("urn:herald:problem:")
    assert node.get("/v1/matches") == {"matches": []}


@pytest.fixture
def small_disk():
    """A file system of 128 MiB; making one needs root."""
    with herald.TemporaryFolder() as place:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=128m", "tmpfs", place],
            capture_output=True)
        if mounted.returncode:
            pytest.skip("mounting a small file system needs root")
        yield place
        subprocess.run(["umount", "-l", place], check=True)


def test_a_full_disk_refuses_loses_nothing_and_recovers(
        small_disk, folder, start_node):
    """A filler eats the disk, the node refuses; it goes, the node goes on."""
    (folder / "config.toml").write_text(
        "[storage]\nreserve_bytes = '8 MiB'\nmap_step_bytes = '8 MiB'\n")
    games = herald.generate(folder / "games", 400, seed=8)
    node = start_node("--config", folder / "config.toml",
                      data=small_disk / "data")
    assert node.request("GET", "/readyz")[0] == 200
    filler = small_disk / "filler"
    with open(filler, "wb") as file:
        free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_bsize
        try:
            for _ in range(free // 65536 + 1):
                file.write(bytes(65536))
        except OSError:
            pass
    accepted = set()
    refused = None
    for file in sorted(games.glob("*.json")):
        status, _, body = node.request(
            "POST", "/v1/documents", file.read_bytes())
        if status == 200:
            accepted.add(file.name)
        else:
            refused = status, json.loads(body)
            break
    assert refused, "the disk never filled up"
    assert refused[0] in (503, 507), refused
    assert refused[1]["type"].startswith("urn:herald:problem:")
    status, _, body = node.request("GET", "/readyz?verbose")
    assert status == 503, body
    # Reading goes on, and nothing that was acknowledged is gone.
    assert len(node.events("match")) >= len(accepted)
    filler.unlink()

    def taken():
        status, _, _ = node.request(
            "POST", "/v1/documents",
            (sorted(games.glob("*.json"))[len(accepted)]).read_bytes())
        return status == 200
    herald.wait_until(taken, "a node that takes documents again")
    herald.wait_until(lambda: node.request("GET", "/readyz")[0] == 200,
                      "readiness")
    assert node.stop() == OK
    assert run("verify", node.data).returncode == OK


def test_files_of_a_stopped_node_can_be_copied_and_served(
        start_node, folder, games):
    node = start_node()
    import_documents(node.url, games)
    lines = node.export("players", format="csv")
    assert node.stop() == OK
    shutil.copytree(node.data, folder / "copy")
    copy = start_node(data=folder / "copy")
    assert copy.export("players", format="csv") == lines
