"""The live feed: snapshots, updates, resuming without gap or duplicate, and
what a wrong frame gets."""

import shutil
import socket

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

import herald
from feed import Feed, fold
from herald import OK
from live_client import report

MATCH = "EUW1_4711"


def state_of(node, match=MATCH):
    return node.get(f"/v1/matches/{match}")


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
def test_a_subscriber_gets_a_snapshot_and_then_every_update(node, encoding):
    report(node, MATCH, 1)
    with Feed(node, encoding) as feed:
        feed.subscribe(MATCH)
        snapshot = feed.receive()
        assert snapshot["type"] == "snapshot"
        assert (snapshot["id"], snapshot["match"]) == ("a", MATCH)
        state, cursors = snapshot["state"], [snapshot["cursor"]]
        assert state["matchId"] == MATCH and state["state"] == "live"
        for step in range(2, 12):
            assert report(node, MATCH, step) == "accepted"
            update = feed.receive()
            assert update["type"] == "update"
            assert update["event"] == "match.live.updated"
            assert update["time"] > 1_600_000_000_000
            cursors.append(update["cursor"])
            state = fold(state, update["patch"])
            assert state == state_of(node)["state"]
        assert len(set(cursors)) == len(cursors)
        assert cursors[-1] == state_of(node)["cursor"]
    assert sum(team["kills"] for team in state["teams"]) == 11
    assert [entry["kind"] for entry in state["feed"]].count("kill") == 11


def test_both_subprotocols_carry_the_same_frames(node):
    report(node, MATCH, 1)
    with Feed(node, "json") as text, Feed(node, "msgpack") as binary:
        for feed in (text, binary):
            feed.subscribe(MATCH)
        assert text.receive() == binary.receive()
        for step in range(2, 6):
            report(node, MATCH, step)
            assert text.receive() == binary.receive()


def test_an_observation_without_news_causes_no_update(node):
    report(node, MATCH, 3)
    assert report(node, MATCH, 3) == "unchanged"
    with Feed(node) as feed:
        feed.subscribe(MATCH)
        feed.receive()
        report(node, MATCH, 3)
        report(node, MATCH, 2)
        report(node, MATCH, 4)
        update = feed.receive()
        assert update["patch"]["append"]["feed"][-1]["t"] == 40.0


def test_a_client_resumes_after_kill_9_without_gap_or_duplicate(start_node):
    node = start_node()
    report(node, MATCH, 1)
    seen = []
    feed = Feed(node)
    feed.subscribe(MATCH)
    snapshot = feed.receive()
    state, cursor = snapshot["state"], snapshot["cursor"]
    step = 1
    for cycle in range(4):
        for _ in range(5):
            step += 1
            report(node, MATCH, step)
            # Cut off with updates that were never read.
            if cycle % 2 == 0 or _ < 3:
                update = feed.receive()
                state = fold(state, update["patch"])
                cursor = update["cursor"]
                seen.append(cursor)
        node.kill()
        with pytest.raises((ConnectionClosed, TimeoutError)):
            while True:
                feed.receive()
        node = start_node()
        missed = 0 if cycle % 2 == 0 else 2
        feed = Feed(node)
        feed.subscribe(MATCH, cursor)
        for _ in range(missed):
            update = feed.receive()
            assert update["type"] == "update"
            state = fold(state, update["patch"])
            cursor = update["cursor"]
            seen.append(cursor)
        assert state == state_of(node)["state"]
    report(node, MATCH, step + 1)
    update = feed.receive()
    assert update["type"] == "update"
    assert fold(state, update["patch"]) == state_of(node)["state"]
    assert len(seen) == len(set(seen)) == step - 1
    feed.close()


def test_resuming_from_every_cursor_gives_exactly_what_came_after(node):
    report(node, MATCH, 1)
    with Feed(node) as feed:
        feed.subscribe(MATCH)
        frames = [feed.receive()]
        for step in range(2, 9):
            report(node, MATCH, step)
            frames.append(feed.receive())
    for place, frame in enumerate(frames):
        with Feed(node) as feed:
            feed.subscribe(MATCH, frame["cursor"])
            for expected in frames[place + 1:]:
                assert feed.receive() == expected


def test_the_list_of_matches_moves_with_them(node):
    report(node, "EUW1_1", 1)
    with Feed(node) as feed:
        feed.subscribe("*", id="list")
        snapshot = feed.receive()
        assert snapshot["type"] == "snapshot" and snapshot["id"] == "list"
        state = snapshot["state"]
        assert [entry["matchId"] for entry in state["matches"]] == ["EUW1_1"]
        report(node, "EUW1_2", 1)
        report(node, "EUW1_1", 5)

        def arrived():
            by_id = {entry["matchId"]: entry for entry in state["matches"]}
            return ("EUW1_2" in by_id
                    and by_id["EUW1_1"]["gameTime"] >= 50)
        while not arrived():
            update = feed.receive()
            assert update["type"] == "update"
            state = fold(state, update["patch"])


def test_a_finished_match_ends_in_the_exact_state(node, games):
    report(node, MATCH, 1)
    match = sorted(games.glob("*.match.json"))[0]
    name = match.name.split(".")[0]
    report(node, name, 1)
    with Feed(node) as feed:
        feed.subscribe(name)
        state = feed.receive()["state"]
        for kind in ("match", "timeline"):
            status, _ = node.post(
                "/v1/documents",
                (match.parent / f"{name}.{kind}.json").read_bytes())
            assert status == 200
            state = fold(state, feed.receive()["patch"])
            assert state == state_of(node, name)["state"]
    assert state["state"] in ("finished", "aborted")


def test_many_subscriptions_share_a_connection(node):
    names = [f"EUW1_{number}" for number in range(100, 110)]
    for name in names:
        report(node, name, 1)
    with Feed(node) as feed:
        for name in names:
            feed.subscribe(name, id=f"id-{name}")
            assert feed.receive()["type"] == "snapshot"
        for name in reversed(names):
            report(node, name, 2)
            update = feed.receive()
            assert (update["match"], update["id"]) == (name, f"id-{name}")
        feed.send({"type": "unsubscribe", "id": f"id-{names[0]}"})
        report(node, names[0], 3)
        report(node, names[1], 3)
        assert feed.receive()["match"] == names[1]


@pytest.mark.parametrize("message, code", [
    ("not json at all", "bad_frame"),
    ("[1,2,3]", "bad_frame"),
    ("{}", "bad_frame"),
    ('{"type":"subscribe","id":"a"}', "bad_frame"),
    ('{"type":"subscribe","id":7,"match":"EUW1_1"}', "bad_frame"),
    ('{"type":"dance","id":"a","match":"EUW1_1"}', "bad_frame"),
    ('{"type":"subscribe","id":"a","match":7}', "bad_frame"),
    ('{"type":"subscribe","id":"a","match":"EUW1_404"}', "match_unknown"),
    ('{"type":"unsubscribe","id":"never"}', "id_unknown"),
    ('{"type":"subscribe","id":"a","match":"EUW1_4711","cursor":"xyz"}',
     "cursor_invalid"),
    ('{"type":"subscribe","id":"a","match":"EUW1_4711","cursor":7}',
     "cursor_invalid"),
])
def test_a_wrong_frame_gets_an_error_and_the_connection_lives(
        node, message, code):
    report(node, MATCH, 1)
    with Feed(node) as feed:
        feed.socket.send(message)
        error = feed.receive()
        assert (error["type"], error["code"]) == ("error", code)
        assert len(error["message"]) > 10
        feed.subscribe(MATCH, id="b")
        assert feed.receive()["type"] == "snapshot"


def test_a_second_subscription_with_the_same_id_is_refused(node):
    report(node, MATCH, 1)
    with Feed(node) as feed:
        feed.subscribe(MATCH)
        feed.receive()
        feed.subscribe(MATCH)
        assert feed.receive()["code"] == "id_in_use"
        report(node, MATCH, 2)
        assert feed.receive()["type"] == "update"


def closed_with(feed):
    with pytest.raises(ConnectionClosed) as closed:
        feed.receive()
    assert closed.value.rcvd is not None, "closed without a close frame"
    return closed.value.rcvd.code


def test_a_frame_of_the_wrong_kind_or_size_closes_the_connection(node):
    for encoding, message, code in (
            ("json", b"\x80", 1003), ("msgpack", "{}", 1003),
            ("json", "x" * (64 * 1024 + 1), 1009)):
        with Feed(node, encoding) as feed:
            feed.socket.send(message)
            assert closed_with(feed) == code
    with Feed(node) as feed:
        feed.socket.send(" " * (64 * 1024 - 2) + "{}")
        assert feed.receive()["code"] == "bad_frame"
    assert node.running()


def test_a_cursor_of_another_log_is_refused(start_node, folder):
    first = start_node(data=folder / "first")
    second = start_node(data=folder / "second")
    for node in (first, second):
        report(node, MATCH, 1)
    cursor = state_of(first)["cursor"]
    with Feed(second) as feed:
        feed.subscribe(MATCH, cursor)
        error = feed.receive()
        assert (error["type"], error["code"]) == ("error", "cursor_foreign")
        # Without it the way is free.
        feed.subscribe(MATCH)
        assert feed.receive()["type"] == "snapshot"


def test_a_cursor_from_the_future_is_refused(start_node, folder):
    """An older copy of the data folder was put back."""
    node = start_node()
    report(node, MATCH, 1)
    assert node.stop() == OK
    shutil.copytree(node.data, folder / "copy",
                    ignore=shutil.ignore_patterns("*.sock"))
    node = start_node()
    report(node, MATCH, 2)
    cursor = state_of(node)["cursor"]
    assert node.stop() == OK
    node = start_node(data=folder / "copy")
    with Feed(node) as feed:
        feed.subscribe(MATCH, cursor)
        error = feed.receive()
        assert (error["type"], error["code"]) == ("error", "cursor_future")


def test_a_handshake_that_herald_does_not_speak_is_refused(node):
    address = f"ws://{node.host}:{node.port}/v1/feed"
    for options, statuses in (
            ({"subprotocols": ["soap"]}, {400}),
            ({}, {400}),
            ({"subprotocols": ["herald.v1.json"],
              "origin": "https://evil.example"}, {403}),
            ({"subprotocols": ["herald.v1.json"],
              "additional_headers": {"Host": "evil.example"}}, {400, 403, 421}),
    ):
        with pytest.raises(InvalidStatus) as refused:
            connect(address, compression=None, **options)
        assert refused.value.response.status_code in statuses, options
    status, _, _ = node.request("GET", "/v1/feed")
    assert status == 426


def test_a_client_that_does_not_read_costs_only_itself(node):
    report(node, MATCH, 1)
    # Raw, so that nothing reads behind our back.
    stalled = socket.create_connection((node.host, node.port))
    stalled.sendall(
        f"GET /v1/feed HTTP/1.1\r\nHost: {node.host}:{node.port}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        "Sec-WebSocket-Protocol: herald.v1.json\r\n\r\n".encode())
    assert b" 101 " in stalled.recv(100)
    with Feed(node) as feed:
        feed.subscribe(MATCH)
        feed.receive()
        for step in range(2, 40):
            report(node, MATCH, step)
            assert feed.receive()["type"] == "update"
    stalled.close()
    assert node.get(f"/v1/matches/{MATCH}")["state"]["gameTime"] >= 390


def test_clients_are_told_to_come_back_when_the_node_stops(start_node):
    node = start_node()
    report(node, MATCH, 1)
    with Feed(node) as feed:
        feed.subscribe(MATCH)
        feed.receive()
        assert node.stop() == OK
        assert closed_with(feed) == 1012
