"""`herald console replay`: events once more, as lines, on the feed or into a
view, with effects sealed."""

import json
import signal
import subprocess
import time

import pytest

import herald
from feed import Feed, fold
from herald import FAILURE, OK, USAGE, herald as run, import_documents, place_of
from live_client import report

MATCH = "EUW1_4711"


@pytest.fixture
def filled(node, games):
    import_documents(node.url, games)
    herald.wait_until(lambda: node.events("player"), "players")
    herald.wait_until(lambda: is_quiet(node), "statistics")
    return node


def is_quiet(node):
    before = node.log_ends()
    time.sleep(0.3)
    return before == node.log_ends()


def replay(node, *options, code=OK):
    """The lines and what is said beside them."""
    done = run("console", "--data", node.data, "replay", *options)
    assert done.returncode == code, done.stderr
    return done.stdout.splitlines(), done.stderr


def refused(node, *options, code=USAGE):
    ends = node.log_ends()
    lines, words = replay(node, *options, code=code)
    assert lines == []
    assert node.log_ends() == ends
    return words


class Running(herald.Child):
    """A replay that has not ended."""

    def __init__(self, node, *options):
        super().__init__("console", "--data", node.data, "--json", "replay",
                         *options, folder=node.folder)

    def rest(self):
        """All lines to the end, and the last thing that was said beside
        them."""
        while self.line() is not None:
            pass
        assert self.wait() == OK, self.log()
        return self.lines, json.loads(self.log().splitlines()[-1])


def test_a_replay_into_jsonl_is_the_export(filled):
    for topic in ("match", "player", "riot.raw", "_schemas"):
        lines, words = replay(filled, "--topic", topic, "--from", "earliest",
                              "--into", "jsonl")
        assert lines == filled.export("events", topic=topic, format="jsonl")
        assert f"complete after {len(lines)} records" in words


def test_a_range_is_what_was_asked_for(filled):
    events = filled.events("player")
    chosen = [event for event in events if place_of(event)[0] == place_of(
        events[-1])[0]]
    partition = place_of(chosen[0])[0]
    first, last = place_of(chosen[1])[1], place_of(chosen[-1])[1]
    lines, _ = replay(filled, "--topic", "player", "--from",
                      f"{partition}:{first}", "--to", f"{partition}:{last}",
                      "--into", "jsonl")
    assert [json.loads(line) for line in lines] == chosen[1:-1]
    # By time: whatever was recorded from that moment on.
    moment = sorted(event["time"] for event in events)[len(events) // 2]
    lines, _ = replay(filled, "--topic", "player", "--from", moment, "--into",
                      "jsonl")
    assert [json.loads(line) for line in lines] == [
        event for event in events if event["time"] >= moment]
    player = events[0]["subject"]
    lines, _ = replay(filled, "--topic", "player", "--from", "earliest",
                      "--match", player, "--into", "jsonl")
    assert [json.loads(line) for line in lines] == [
        event for event in events if event["subject"] == player]


def test_a_replay_has_no_effects(filled):
    ends = filled.log_ends()
    commits = filled.console("status")["log"]["commits"]
    with Feed(filled) as feed:
        feed.subscribe("*")
        assert feed.receive()["type"] == "snapshot"
        for into in ("jsonl", "feed"):
            replay(filled, "--topic", "match", "--from", "earliest", "--into",
                   into)
        replay(filled, "--into", "view:matches")
        with pytest.raises(TimeoutError):
            feed.receive(patience=0.5)
    assert filled.log_ends() == ends
    assert filled.console("status")["log"]["commits"] == commits


def test_ctrl_c_ends_a_replay_and_its_position_leads_on(filled):
    whole = filled.export("events", topic="player", format="jsonl")
    with Running(filled, "--topic", "player", "--from", "earliest", "--into",
                 "jsonl", "--rate", "50") as running:
        for _ in range(20):
            assert running.line() is not None
        running.process.send_signal(signal.SIGINT)
        first, told = running.rest()
    assert told["stopped"] is True
    assert 20 <= len(first) == told["shown"] < len(whole)
    rest, words = replay(filled, "--topic", "player", "--from",
                         told["position"], "--to", told["to"], "--into",
                         "jsonl")
    assert "complete" in words
    assert first + rest == whole


def test_a_replay_keeps_its_rate_and_tells_its_progress(filled):
    started = time.monotonic()
    with Running(filled, "--topic", "player", "--from", "earliest", "--to",
                 "10", "--into", "jsonl", "--rate", "40") as running:
        lines, told = running.rest()
        log = running.log()
    # The first comes at once, the others wait for their turn.
    assert time.monotonic() - started >= (len(lines) - 2) / 40
    assert told["records"] == len(lines) > 80
    progress = [json.loads(line)["progress"] for line in log.splitlines()[:-1]]
    assert progress[-1]["records"] == progress[-1]["total"] == len(lines)
    assert [each["records"] for each in progress] == sorted(
        each["records"] for each in progress)
    assert progress[0]["position"]


def test_a_client_that_goes_away_ends_its_replay(filled):
    running = Running(filled, "--topic", "match", "--from", "earliest",
                      "--into", "feed", "--rate", "1")
    herald.wait_until(
        lambda: "progress" in running.log(), "a replay that runs")
    assert "another replay" in refused(
        filled, "--topic", "match", "--from", "earliest", "--into", "feed",
        code=FAILURE)
    running.kill()
    herald.wait_until(lambda: run(
        "console", "--data", filled.data, "replay", "--topic", "match",
        "--from", "latest", "--into", "feed").returncode == OK, "its end")


def test_retention_waits_for_what_a_replay_reads(start_node, folder, games):
    file = folder / "config.toml"
    file.write_text("[retention]\ninterval = \"100 ms\"\n")
    node = start_node("--config", file)
    import_documents(node.url, games)

    def starts():
        return [row["start"] for row in
                node.console("topics", "describe", "match")["partitions"]
                if row["end"] > 2]

    def waits():
        return [row["follower"] for row in
                node.console("status")["retention"]["waitsFor"]]
    with Running(node, "--topic", "match", "--from", "earliest", "--into",
                 "jsonl", "--rate", "1") as running:
        assert running.line() is not None
        node.console("topics", "alter", "match", "--set",
                     "herald.retention.state=closed + 0 ms")
        # A view, or the statistics, may be behind for a moment.
        herald.wait_until(lambda: set(waits()) == {"replay jsonl"},
                          "retention that waits for the replay alone")
        assert 0 in starts()
        running.process.send_signal(signal.SIGINT)
        _, told = running.rest()
    assert told["stopped"] is True
    herald.wait_until(lambda: 0 not in starts(), "closed matches that go")
    herald.wait_until(lambda: not waits(), "retention that waits for nobody")


def test_a_node_stops_while_it_replays(filled):
    with Running(filled, "--topic", "player", "--from", "earliest", "--into",
                 "jsonl", "--rate", "5") as running:
        assert running.line() is not None
        assert filled.stop() == OK
        running.wait()


def test_a_match_is_replayed_to_those_who_ask_for_it(node):
    for step in range(1, 9):
        assert report(node, MATCH, step) == "accepted"
    state = node.get(f"/v1/matches/{MATCH}")["state"]
    with Feed(node) as feed, Feed(node, "msgpack") as live:
        live.subscribe(MATCH)
        assert live.receive()["type"] == "snapshot"
        feed.subscribe(f"replay:{MATCH}")
        replay(node, "--topic", "match", "--from", "earliest", "--into",
               "feed", "--match", MATCH)
        frames = [feed.receive()]
        while frames[-1]["type"] != "replay-ended":
            frames.append(feed.receive())
        assert [frame["type"] for frame in frames] == [
            "snapshot", *["update"] * 9, "replay-ended"]
        assert all(frame["replay"] and frame["match"] == f"replay:{MATCH}"
                   for frame in frames)
        folded = frames[0]["state"]
        for frame in frames[1:-1]:
            folded = fold(folded, frame["patch"])
        assert folded == state
        # The live subscriber heard nothing of it, and the next event at once.
        assert report(node, MATCH, 9) == "accepted"
        update = live.receive()
        assert update["type"] == "update" and "replay" not in update


VIEWS = ("matches", "players", "raw-documents", "refused-documents",
         "event-index")


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_can_be_made_again(filled, view):
    before = [filled.console("matches"), filled.events("player")]
    lines, _ = replay(filled, "--into", f"view:{view}", "--compare")
    assert any("equal" in line and "true" in line for line in lines)
    lines, _ = replay(filled, "--into", f"view:{view}")
    assert any("swapped" in line and "true" in line for line in lines)
    assert [filled.console("matches"), filled.events("player")] == before
    assert filled.stop() == OK
    assert run("verify", filled.data).returncode == OK


def test_a_view_is_made_again_while_the_node_takes_in_matches(
        start_node, games, folder):
    node = start_node()
    import_documents(node.url, games)
    more = herald.generate(folder / "more", 40, seed=12)
    importing = subprocess.Popen(
        [herald.BINARY, "import", more, "--node", node.url, "--json"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    rounds = 0
    while importing.poll() is None:
        replay(node, "--into", "view:matches")
        rounds += 1
    assert importing.wait() == OK
    assert rounds > 0
    replay(node, "--into", "view:matches")
    assert len(node.console("matches", "--limit", "1000")) == 80
    for match in node.console("matches"):
        assert node.get(f"/v1/matches/{match['matchId']}")
    assert node.stop() == OK
    assert run("verify", node.data).returncode == OK
    # What was made again is what the next start finds.
    again = start_node()
    assert len(again.console("matches", "--limit", "1000")) == 80


def test_a_view_that_was_stopped_goes_on(start_node, games):
    node = start_node()
    import_documents(node.url, games)
    with Running(node, "--into", "view:matches", "--rate", "10") as running:
        herald.wait_until(lambda: "progress" in running.log(), "progress")
        running.process.send_signal(signal.SIGINT)
        while running.line() is not None:
            pass
        assert running.wait() == OK
        told = json.loads(running.lines[-1])
    assert told["stopped"] is True and told["swapped"] is False
    assert node.stop() == OK
    node = start_node()
    wrong = told["position"].replace("0:", "0:1", 1)
    assert told["position"] in refused(
        node, "--into", "view:matches", "--from", wrong,
        code=FAILURE).replace("match/", "")
    done = node.console("replay", "--into", "view:matches", "--from",
                        told["position"])
    assert done["swapped"] is True
    assert done["records"] + told["records"] == node.log_ends()["match"]
    assert node.stop() == OK
    assert run("verify", node.data).returncode == OK


def test_a_part_of_the_log_becomes_a_copy_and_never_a_view(filled):
    words = refused(filled, "--into", "view:matches", "--from", "3")
    assert "--as" in words and "whole log" in words
    assert "--as" in refused(filled, "--into", "view:matches", "--to", "3")
    assert "--as" in refused(
        filled, "--into", "view:event-index", "--topic", "match")
    told = filled.console("replay", "--into", "view:matches", "--as", "half",
                          "--to", "1")
    ends = {event["subject"] for event in filled.events("match")
            if place_of(event)[1] < 1}
    rows = {table["table"]: table["rows"] for table in told["tables"]}
    assert rows["match.state"] == len(ends)
    assert (filled.data / "replays" / "half" / "views").is_dir()
    # It goes on where it ended, and nowhere else.
    assert "up to 1" in refused(
        filled, "--into", "view:matches", "--as", "half", "--from", "earliest",
        code=FAILURE)
    filled.console("replay", "--into", "view:matches", "--as", "half",
                   "--from", told["position"])
    whole = filled.console("replay", "--into", "view:matches", "--as", "whole")
    again = filled.console("replay", "--into", "view:matches", "--as", "half",
                           "--from", whole["position"])
    assert again["tables"] == whole["tables"]
    copies = {row["copy"]: row["bytes"]
              for row in filled.console("replay", "list")}
    assert sorted(copies) == ["half", "whole"] and min(copies.values()) > 0
    assert "--yes" in refused(filled, "delete", "half")
    assert "no copy 'other'" in refused(
        filled, "delete", "other", "--yes", code=FAILURE)
    assert "copy's name" in refused(filled, "delete", "../views", "--yes")
    assert filled.console("replay", "delete", "half", "--yes") == {
        "deleted": "half"}
    assert [row["copy"] for row in filled.console("replay", "list")] == [
        "whole"]
    assert not (filled.data / "replays" / "half").exists()
    assert filled.stop() == OK
    assert run("verify", filled.data).returncode == OK


@pytest.mark.parametrize("options, words", [
    ([], "--into"),
    (["--into", "jsonl"], "--topic"),
    (["--into", "jsonl", "--topic", "match"], "--from"),
    (["--into", "jsonl", "--topic", "nope", "--from", "earliest"],
     "there is no topic 'nope'"),
    (["--into", "csv", "--topic", "match", "--from", "earliest"],
     "jsonl, feed or view:NAME"),
    (["--into", "jsonl", "--topic", "match", "--from", "yesterday"],
     "no position"),
    (["--into", "jsonl", "--topic", "match", "--from", "99:0"],
     "partitions 0 to 31"),
    (["--into", "jsonl", "--topic", "match", "--from", "0:1000000"],
     "holds the offsets"),
    (["--into", "jsonl", "--topic", "match", "--from", "earliest", "--rate",
      "0"], "--rate"),
    (["--into", "jsonl", "--topic", "match", "--from"], "needs a value"),
    (["--into", "jsonl", "--into", "feed"], "twice"),
    (["--into", "jsonl", "--sideways"], "--sideways"),
    (["--into", "feed", "--topic", "player", "--from", "earliest"],
     "only the topic match"),
    (["--into", "view:nope"], "there is no view 'nope'"),
    (["--into", "view:matches", "--topic", "player"], "is made from match"),
    (["--into", "view:matches", "--as", "../x"], "copy's name"),
    (["delete"], "name of one copy"),
    (["list", "half"], "no option 'list'"),
    (["--into", "view:matches", "--match", "X"], "--match"),
    (["--into", "jsonl", "--topic", "match", "--from", "earliest",
      "--compare"], "--compare"),
])
def test_what_makes_no_sense_is_refused_with_the_reason(node, options, words):
    code = FAILURE if words.startswith("there is no") else USAGE
    assert words in refused(node, *options, code=code)
