"""kill -9 at random moments: what was acknowledged is there, nothing is there
twice. HERALD_SEED repeats a run."""

import http.client
import json
import os
import random
import threading
import time
from collections import Counter

import herald
from herald import OK, place_of

CYCLES = int(os.environ.get("HERALD_CYCLES", "20"))
SENDERS = 4


class Client:
    """Sends documents from several threads until the node is gone, and keeps
    what was acknowledged: {file name: (topic, partition, offset)}."""

    def __init__(self, files):
        self.waiting = list(files)
        self.acknowledged = {}
        self.outcomes = Counter()
        self.lock = threading.Lock()
        self.contradictions = []

    def run(self, node, again):
        """`again`: acknowledged files to send once more."""
        with self.lock:
            work = list(again) + self.waiting
        taken = iter(work)

        def send():
            connection = http.client.HTTPConnection(
                node.host, node.port, timeout=herald.PATIENCE)
            while True:
                with self.lock:
                    file = next(taken, None)
                if file is None:
                    return
                try:
                    connection.request(
                        "POST", "/v1/documents", file.read_bytes(),
                        {"Content-Type": "application/json"})
                    answer = connection.getresponse()
                    body = answer.read()
                except (OSError, http.client.HTTPException):
                    return
                if answer.status == 503:
                    time.sleep(0.01)
                    continue
                self.keep(file, answer.status, json.loads(body))

        threads = [threading.Thread(target=send) for _ in range(SENDERS)]
        for thread in threads:
            thread.start()
        return threads

    def keep(self, file, status, answer):
        with self.lock:
            if status != 200:
                self.contradictions.append((file.name, status, answer))
                return
            place = answer["topic"], answer["partition"], answer["offset"]
            known = self.acknowledged.setdefault(file.name, place)
            if known != place:
                self.contradictions.append((file.name, known, place))
            if file in self.waiting:
                self.waiting.remove(file)
            elif answer["outcome"] != "duplicate":
                self.contradictions.append((file.name, "accepted twice"))
            self.outcomes[answer["outcome"]] += 1


def check(node, client):
    """Everything acknowledged is there once, at its place, and nothing twice."""
    events = node.events("match")
    by_name = Counter((event["type"], event["subject"]) for event in events)
    assert max(by_name.values(), default=0) <= 1, by_name.most_common(3)
    kinds = {"match.json": "herald.match.completed",
             "timeline.json": "herald.match.timeline.recorded"}
    for name in client.acknowledged:
        match, kind = name.split(".", 1)
        assert by_name[(kinds[kind], match)] == 1, f"{name} was lost"
    # Offsets have no gaps.
    places = {}
    for event in events:
        partition, offset = place_of(event)
        places.setdefault(partition, []).append(offset)
    for partition, offsets in places.items():
        assert sorted(offsets) == list(range(len(offsets))), partition
    placed = {place_of(event): event["subject"] for event in events}
    for name, (topic, partition, offset) in client.acknowledged.items():
        assert topic == "match"
        assert placed[partition, offset] == name.split(".", 1)[0]
    # One player event for each player of a recorded match, not one more.
    players = node.events("player")
    causes = Counter((event["data"]["playerId"], event["data"]["matchId"])
                     for event in players)
    assert max(causes.values(), default=0) <= 1, causes.most_common(3)


def test_kills_lose_nothing_and_double_nothing(start_node, folder):
    seed = herald.seed()
    chance = random.Random(seed)
    games = herald.generate(
        folder / "games", max(160, 8 * CYCLES), seed=seed % 1000)
    files = sorted(games.glob("*.json"))
    chance.shuffle(files)
    client = Client(files)
    for cycle in range(CYCLES):
        node = start_node()
        settled = [file for file in files if file.name in client.acknowledged]
        again = chance.sample(settled, min(3, len(settled)))
        # The documents are spread over the cycles, so that each has some.
        client.waiting, later = (
            client.waiting[:40], client.waiting[40:])
        threads = client.run(node, again)
        time.sleep(chance.uniform(0, 0.4))
        node.kill()
        for thread in threads:
            thread.join()
        client.waiting += later
        assert not client.contradictions, (cycle, client.contradictions)
        if cycle % 5 == 4:
            node = start_node()
            check(node, client)
            node.kill()
    print(f"{len(client.acknowledged)} of {len(files)} acknowledged, "
          f"{client.outcomes}")
    assert client.acknowledged, "no cycle was long enough to record anything"

    node = start_node()
    for thread in client.run(node, []):
        thread.join()
    assert not client.contradictions, client.contradictions
    assert len(client.acknowledged) == len(files)
    herald.wait_until(
        lambda: len(node.events("player")) >= count_players(node),
        "the players' statistics")
    check(node, client)
    assert node.stop() == OK
    done = herald.herald("verify", node.data)
    assert done.returncode == OK, done.stdout + done.stderr


def count_players(node):
    """How many players' statistics the recorded matches change."""
    return sum(
        "playerId" in participant and participant["playerId"] is not None
        for event in node.events("match")
        if event["type"] == "herald.match.completed"
        and event["data"]["outcome"] == "finished"
        for participant in event["data"].get("participants", []))
