"""`herald demo`: one command, one address, games that move."""

import json
import signal
import time
import urllib.request

import pytest

import herald
from feed import Feed
from herald import OK, Demo


@pytest.fixture
def demo(folder):
    with Demo(folder) as demo:
        yield demo


def fetch(url):
    with urllib.request.urlopen(url, timeout=herald.PATIENCE) as answer:
        return answer.status, answer.headers, answer.read()


def test_the_demo_serves_its_page_and_games_move(demo):
    status, headers, page = fetch(demo.url + "/")
    assert status == 200
    assert b"<html" in page.lower()
    assert headers["Content-Security-Policy"]
    assert headers["ETag"]
    with Feed(demo) as feed:
        feed.subscribe("*")
        snapshot = feed.receive()
        assert snapshot["type"] == "snapshot"
        assert feed.receive()["type"] == "update"
    print(f"first live frame {time.monotonic() - demo.started:.2f} s after "
          "the address")
    live = herald.wait_until(
        lambda: json.loads(fetch(demo.url + "/v1/matches?state=live")[2])[
            "matches"], "live games")
    match = live[0]["matchId"]
    with Feed(demo) as feed:
        feed.subscribe(match)
        feed.receive()
        assert feed.receive()["type"] == "update"
    addresses = [line for line in demo.lines if "http://" in line]
    assert len(addresses) == 1


@pytest.mark.parametrize("with_signal", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_demo_cleanly(demo, with_signal):
    fetch(demo.url + "/")
    assert demo.stop(with_signal) == OK


def test_a_demo_keeps_the_folder_that_it_is_given(folder):
    data = folder / "kept"
    with Demo(folder, "--data", data, "--speed", "200") as demo:
        herald.wait_until(
            lambda: json.loads(fetch(demo.url + "/v1/matches")[2])["matches"],
            "a game")
        assert demo.stop() == OK
    assert herald.herald("verify", data).returncode == OK


def test_the_page_is_cached_by_its_etag(demo):
    _, headers, page = fetch(demo.url + "/")
    request = urllib.request.Request(
        demo.url + "/", headers={"If-None-Match": headers["ETag"]})
    with pytest.raises(urllib.error.HTTPError) as answer:
        urllib.request.urlopen(request, timeout=herald.PATIENCE)
    assert answer.value.code == 304
    assert b"isn't endorsed by Riot Games" in page or b"assets/" in page
