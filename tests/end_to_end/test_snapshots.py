"""Snapshots of aggregates: they save time, and change nothing else."""

import hashlib
import json
import re
import shutil

import pytest

import herald
from herald import OK, USAGE, herald as run
from live_client import report

MATCH = "EUW1_4711"
STEPS = 40

CONFIGURATION = """
[snapshots]
events = 5
bytes = "1 GiB"
replay_time = "1 min"
"""


@pytest.fixture
def snapshotting(folder):
    """The arguments of a node that takes a snapshot every five events."""
    path = folder / "config.toml"
    path.write_text(CONFIGURATION)
    return ["--config", path]


def metric(node, name):
    _, _, body = node.request("GET", "/metrics")
    found = re.search(rf"^{name} (\S+)$", body.decode(), re.M)
    return float(found.group(1)) if found else None


def wait_for_snapshots(node, at_least=1):
    return herald.wait_until(
        lambda: (now := node.console("snapshots"))["taken"] >= at_least and now,
        "snapshots")


def digest(node):
    """Of every event of the log's aggregates and of what the views show."""
    told = [node.events("match"), node.events("player"),
            node.console("matches")]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def play(node, steps):
    for step in steps:
        assert report(node, MATCH, step) == "accepted"


def test_snapshots_are_taken_used_and_counted(start_node, snapshotting):
    node = start_node(*snapshotting)
    assert node.console("snapshots") == {
        "count": 0, "bytes": 0, "oldest": None, "taken": 0, "used": 0,
        "refused": 0}
    play(node, range(1, STEPS))
    told = wait_for_snapshots(node)
    assert told["count"] == 1
    assert told["bytes"] > 100
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
                        told["oldest"])
    assert metric(node, "herald_snapshots_taken_total") >= 1
    assert node.stop() == OK
    again = start_node(*snapshotting)
    # The same look changes nothing: the state is what it was.
    assert report(again, MATCH, STEPS - 1) == "unchanged"
    assert metric(again, "herald_snapshots_used_total") == 1
    assert metric(again, "herald_snapshots_refused_total") == 0
    play(again, [STEPS])


def test_deleting_all_snapshots_changes_nothing(start_node, snapshotting):
    node = start_node(*snapshotting)
    play(node, range(1, STEPS))
    wait_for_snapshots(node)
    before = digest(node)
    refused = run("console", "--data", node.data, "snapshots", "delete")
    assert refused.returncode == USAGE
    assert "--yes" in refused.stderr
    assert node.console("snapshots")["count"] == 1
    assert node.console("snapshots", "delete", "--yes") == {"deleted": 1}
    assert node.console("snapshots")["count"] == 0
    assert node.stop() == OK
    again = start_node(*snapshotting)
    assert digest(again) == before
    assert report(again, MATCH, STEPS - 1) == "unchanged"
    assert digest(again) == before
    assert metric(again, "herald_snapshots_used_total") == 0
    assert again.stop() == OK
    assert run("verify", again.data).returncode == OK


def test_damaged_snapshots_are_refused_and_the_log_is_read(
        start_node, snapshotting):
    node = start_node(*snapshotting)
    play(node, range(1, STEPS))
    wait_for_snapshots(node)
    before = digest(node)
    assert node.stop() == OK
    file = node.data / "views" / "data.mdb"
    content = bytearray(file.read_bytes())
    # "liveSource" stands in the MessagePack of a match's state and nowhere
    # else; what follows it is the source's name.
    places = [found.start() for found in re.finditer(b"liveSource", content)]
    assert places
    for place in places:
        content[place + 12] ^= 1
    file.write_bytes(content)
    again = start_node(*snapshotting)
    assert report(again, MATCH, STEPS - 1) == "unchanged"
    assert digest(again) == before
    assert metric(again, "herald_snapshots_refused_total") == 1
    assert metric(again, "herald_snapshots_used_total") == 0
    assert "checksum" in again.log()
    # Another has taken its place.
    herald.wait_until(
        lambda: metric(again, "herald_snapshots_taken_total") >= 1, "another")


def test_snapshots_of_another_log_are_not_believed(start_node, snapshotting):
    node = start_node(*snapshotting)
    play(node, range(1, STEPS))
    wait_for_snapshots(node)
    assert node.stop() == OK
    # The views of this life beside the log of another one.
    other = node.folder / "other"
    second = start_node(*snapshotting, data=other)
    play(second, [3])
    assert second.stop() == OK
    shutil.rmtree(other / "views")
    shutil.copytree(node.data / "views", other / "views")
    third = start_node(*snapshotting, data=other)
    assert report(third, MATCH, 3) == "unchanged"
    assert report(third, MATCH, 4) == "accepted"
    assert metric(third, "herald_snapshots_used_total") == 0


def test_after_kill_the_state_is_the_acknowledged_one(
        start_node, snapshotting):
    for life in range(3):
        node = start_node(*snapshotting)
        first = 1 + life * 20
        play(node, range(first, first + 20))
        node.kill()
    node = start_node(*snapshotting)
    assert report(node, MATCH, 60) == "unchanged"
    assert metric(node, "herald_snapshots_used_total") == 1


def test_the_bench_says_what_a_snapshot_saves(folder):
    done = run("bench", "snapshot", "--events", 20000, "--folder", folder)
    assert done.returncode == OK, done.stderr
    for words in ("events of the aggregate: ", "replay without a snapshot: ",
                  "activation with one: ", "ratio: ", "states: equal"):
        assert words in done.stdout
