"""The whole way of a live game: a simulated Riot, a node that follows a player,
a companion beside the game client, the feed, and at the end the documents."""

import subprocess

import pytest

import herald
from feed import Feed, fold
from herald import OK


@pytest.fixture
def simulator(folder):
    """A simulated Riot that insists on its key, with one game at a time."""
    with herald.Child(
            "simulate", "--listen", "127.0.0.1:0", "--live-client",
            "127.0.0.1:0", "--concurrent", "1", "--speed", "200", "--seed",
            "21", "--api-key", "RGAPI-canary-key", folder=folder) as child:
        child.url = child.wait_for_line("herald simulate ready ")
        child.live_client = None
        while child.live_client is None:
            line = child.line()
            if "https://" in line:
                child.live_client = line[line.index("https://"):]
        child.player = child.wait_for_line("player ").rsplit(
            " plays at ", 1)[0] + "@euw1"
        yield child


def configure(folder, simulator, key="RGAPI-canary-key"):
    secret = folder / "key"
    secret.write_text(key + "\n")
    secret.chmod(0o600)
    (folder / "config.toml").write_text(f"""
[riot]
base_url = "{simulator.url}"
api_key_file = "key"
players = ["{simulator.player}"]
matches_interval = "200 ms"
live_interval = "200 ms"
""")
    return folder / "config.toml"


def live_matches(node):
    return node.get("/v1/matches?state=live")["matches"]


def test_a_live_game_is_followed_to_its_end(folder, start_node, simulator):
    node = start_node("--config", configure(folder, simulator))
    match = herald.wait_until(
        lambda: live_matches(node), "a live game")[0]["matchId"]
    with herald.Child("companion", "--node", node.url, "--live-client",
                      simulator.live_client, "--interval", "100",
                      folder=folder) as companion, Feed(node) as feed:
        feed.subscribe(match)
        state = feed.receive()["state"]
        seen = []
        while state["state"] == "live":
            update = feed.receive()
            assert update["type"] == "update", update
            seen.append(update["event"])
            state = fold(state, update["patch"])
        assert seen.count("match.live.updated") > 3
        assert seen[-1] == "match.completed"
        # The timeline may follow.
        herald.wait_until(lambda: {
            event["type"] for event in node.events("match")
            if event["subject"] == match} >= {
                "herald.match.live.started", "herald.match.live.updated",
                "herald.match.completed", "herald.match.timeline.recorded"}, "the timeline")
        assert companion.stop() == OK
    kinds = [event["type"] for event in node.events("match")
             if event["subject"] == match]
    for once in ("live.started", "completed", "timeline.recorded"):
        assert kinds.count(f"herald.match.{once}") == 1
    for event in node.events("match"):
        if event["type"].startswith("herald.match.live."):
            assert 0 < event["data"]["confidence"] <= 1
            assert event["data"]["source"] in ("spectator-v5", "live-client")
            assert event["data"]["principal"]
    assert any(line.startswith(match + ",")
               for line in node.export("minutes", format="csv"))

    _, _, metrics = node.request("GET", "/metrics")
    checked = subprocess.run(["promtool", "check", "metrics"], input=metrics,
                             capture_output=True)
    assert checked.returncode == 0 and not checked.stderr, checked
    assert "canary" not in node.log()
    assert b"canary" not in metrics
    assert node.stop() == OK
    assert herald.herald("verify", node.data).returncode == OK


def test_a_wrong_key_is_said_and_the_node_goes_on(
        folder, start_node, simulator, games):
    node = start_node(
        "--config", configure(folder, simulator, "RGAPI-wrong-canary"))
    herald.wait_until(lambda: "403" in node.log() or "401" in node.log()
                      or "key" in node.log(), "a word about the key")
    assert herald.import_documents(node.url, games)[0] == OK
    assert "canary" not in node.log()
    assert node.stop() == OK


def test_a_riot_that_is_away_does_not_hold_up_the_node(
        folder, start_node, simulator, games):
    config = configure(folder, simulator)
    simulator.kill()
    node = start_node("--config", config)
    assert herald.import_documents(node.url, games)[0] == OK
    assert node.stop() == OK


def test_a_simulator_serves_a_folder_of_documents(folder, games):
    with herald.Child("simulate", "--listen", "127.0.0.1:0", "--from", games,
                      folder=folder) as simulator:
        url = simulator.wait_for_line("herald simulate ready ")
        assert url.startswith("http://127.0.0.1:")
        assert simulator.stop() == OK
