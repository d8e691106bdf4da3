"""Old records in segment files, backups and what is restored from them: every
reader sees the same as before."""

import datetime
import json
import os
import random
import shutil
import threading
import time

import pytest

import herald
from clients import fresh, kcat, read_from, send
from herald import (DAMAGED, FAILURE, OK, USAGE, herald as run,
                    import_documents)

CYCLES = int(os.environ.get("HERALD_CYCLES", "5"))


def tomorrow():
    day = datetime.datetime.now(datetime.timezone.utc).date()
    return (day + datetime.timedelta(days=2)).isoformat()


def console(node, *words):
    done = run("console", "--data", node.data, "--json", *words)
    assert done.returncode == OK, done.stderr
    return json.loads(done.stdout)


def refused(node, *words):
    done = run("console", "--data", node.data, *words)
    assert done.returncode in (FAILURE, USAGE)
    return done.stderr


def exported(node):
    """All events of all topics, as their readers see them."""
    return {topic: node.events(topic) for topic in ("match", "player")}


@pytest.fixture
def filled(node, games):
    """With nothing left to be written."""
    assert import_documents(node.url, games)[0] == OK
    players = sum(
        "playerId" in player for event in node.events("match")
        if event["type"] == "herald.match.completed"
        and event["data"]["outcome"] == "finished"
        for player in event["data"]["participants"])
    herald.wait_until(
        lambda: len(node.events("player")) == players, "the statistics")
    return node


def test_who_reads_archived_events_sees_no_seam(filled, start_node):
    before = exported(filled)
    told = console(filled, "archive", "--before", tomorrow())
    assert told["segments"] > 0
    assert told["batches"] > 0
    rows = console(filled, "archive", "list")
    assert {row["state"] for row in rows} == {"attached"}
    assert {row["topic"] for row in rows} >= {"match", "player"}
    assert exported(filled) == before
    assert filled.stop() == OK
    assert run("verify", filled.data).returncode == OK
    # Views from the start, all of it out of segments.
    shutil.rmtree(filled.data / "views")
    again = start_node()
    assert exported(again) == before
    assert console(again, "archive", "--before", tomorrow())["segments"] == 0


def test_a_kafka_client_reads_archived_records_as_they_were(node):
    topic = fresh()
    sent = [{"topic": topic, "partition": 0, "value": b"%d " % i * 50,
             "key": b"k%d" % (i % 9), "headers": [("n", b"%d" % i)]}
            for i in range(3000)]
    for codec in "none", "gzip", "snappy", "lz4", "zstd":
        reports = send(node, sent, compression_type=codec,
                       enable_idempotence=True, batch_num_messages=100)
        assert not [error for error, _ in reports if error]
    count = 5 * len(sent)

    def told(message):
        return (message.offset(), message.timestamp(), message.key(),
                message.value(), message.headers())

    before = [told(each) for each in read_from(node, topic, count)]
    archived = console(
        node, "archive", "--topic", topic, "--before", tomorrow())
    assert archived["segments"] == 1
    assert archived["batches"] > 50
    assert [told(each) for each in read_from(node, topic, count)] == before
    middle = read_from(node, topic, count - 4321, at=4321)
    assert [told(each) for each in middle] == before[4321:]
    stamp = before[7000][1][1]
    first = next(each[0] for each in before if each[1][1] >= stamp)
    lines = kcat(node, "-C", "-q", "-e", "-t", topic, "-o", f"s@{stamp}",
                 "-c", "1", "-f", "%o")
    assert int(lines) == first
    assert run("console", "--data", node.data, "verify").returncode == OK
    assert node.stop() == OK
    assert run("verify", node.data).returncode == OK


def test_kills_while_archiving_lose_and_repeat_nothing(filled, start_node):
    """Whatever was half done: a file, a file that nobody knows, records in
    both places."""
    chance = random.Random(herald.seed())
    before = exported(filled)
    node = filled
    for _ in range(CYCLES):
        archiving = threading.Thread(target=run, args=(
            "console", "--data", node.data, "archive", "--before", tomorrow()))
        archiving.start()
        time.sleep(chance.uniform(0, 0.5))
        node.kill()
        archiving.join()
        verified = run("verify", node.data)
        assert verified.returncode == OK, verified.stdout
        node = start_node()
        assert exported(node) == before
    console(node, "archive", "--before", tomorrow())
    assert {row["state"] for row in console(node, "archive", "list")} == {
        "attached"}
    assert exported(node) == before


def test_nothing_of_the_current_month_is_archived_unasked(filled):
    assert console(filled, "archive")["segments"] == 0
    assert console(filled, "archive", "list") == []


def test_a_command_that_is_wrong_says_so(filled, folder):
    assert "no topic 'x'" in refused(filled, "archive", "--topic", "x")
    assert "2026-10" in refused(filled, "archive", "--before", "soon")
    assert "not 'lst'" in refused(filled, "archive", "lst")
    assert "archive list" in refused(filled, "archive", "detach", "x")
    assert "no file" in refused(filled, "archive", "attach", "x")
    assert "needs one folder" in refused(filled, "backup")
    assert "--rate" in refused(filled, "backup", folder / "b", "--rate", "x")
    assert not (folder / "b").exists()
    assert "nothing was started" in refused(filled, "task")


def test_segments_are_detached_verified_and_attached(filled, folder):
    console(filled, "archive", "--topic", "match", "--before", tomorrow())
    before = exported(filled)
    row = console(filled, "archive", "list")[0]
    file = filled.data / "archive" / row["file"]
    console(filled, "archive", "detach", row["file"])
    assert "detached" in [
        each["state"] for each in console(filled, "archive", "list")]
    after = exported(filled)
    assert len(after["match"]) == len(before["match"]) - row["records"]
    announced = filled.events("audit")[-1]["data"]
    assert announced["topic"] == "match"
    assert announced["reason"] == f"detached to {row['file']}"
    assert announced["principal"] == "console"
    assert announced["toOffset"] - announced["fromOffset"] == row["records"]
    away = folder / "away.segment"
    shutil.move(file, away)
    sound = run("verify", away)
    assert sound.returncode == OK
    assert "match" in sound.stdout and "sound" in sound.stdout
    damaged = folder / "damaged.segment"
    content = bytearray(away.read_bytes())
    content[random.Random(herald.seed()).randrange(len(content))] ^= 4
    damaged.write_bytes(content)
    assert run("verify", damaged).returncode == DAMAGED
    assert run("verify", away, damaged).returncode == DAMAGED
    told = run("console", "--data", filled.data, "archive", "attach", damaged)
    assert told.returncode == DAMAGED
    console(filled, "archive", "attach", away)
    assert exported(filled) == before


def test_verify_checks_attached_segments(filled):
    console(filled, "archive", "--before", tomorrow())
    row = console(filled, "archive", "list")[0]
    assert filled.stop() == OK
    file = filled.data / "archive" / row["file"]
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    done = run("verify", filled.data)
    assert done.returncode == DAMAGED
    assert row["file"] in done.stdout + done.stderr
    file.unlink()
    done = run("verify", filled.data)
    assert done.returncode == DAMAGED
    assert row["file"] in done.stdout + done.stderr


def ends(positions):
    return {(at["topic"], at["partition"]): at["end"]
            for at in positions if at["end"] > 0}


def test_a_backup_under_load_is_restored_equal(start_node, node, games, folder):
    """Documents come in while the backup is made: it is a prefix."""
    first = sorted(games.iterdir())[:30]
    assert import_documents(node.url, *first)[0] == OK
    console(node, "archive", "--topic", "riot.raw", "--before", tomorrow())
    load = threading.Thread(target=import_documents, args=(node.url, games))
    load.start()
    told = console(node, "backup", folder / "backup", "--rate", "4 MiB")
    load.join()
    assert told["records"] > 0
    assert (folder / "backup" / "manifest.json").exists()

    data = folder / "restored"
    done = run("restore", folder / "backup", data, "--json")
    assert done.returncode == OK, done.stderr
    report = json.loads(done.stdout)
    assert ends(report["positions"]) == ends(told["positions"])
    verified = run("verify", data)
    assert verified.returncode == OK, verified.stdout + verified.stderr

    copy = start_node(data=data)
    original = {event["id"]: event for event in node.events("match")}
    restored = {event["id"]: event for event in copy.events("match")}
    assert restored
    for identity, event in restored.items():
        assert original[identity] == event
    for partition in range(32):
        assert sum(herald.place_of(event)[0] == partition
                   for event in restored.values()) == ends(
            told["positions"]).get(("match", partition), 0)
    # It goes on: what it lacked is taken, what it has is known.
    assert import_documents(copy.url, games)[0] == OK
    herald.wait_until(
        lambda: len(copy.events("match")) == len(original), "all matches")


def test_a_damaged_backup_is_refused(filled, folder):
    console(filled, "backup", folder / "backup")
    files = [file for file in (folder / "backup").rglob("*")
             if file.is_file()]
    file = random.Random(herald.seed()).choice(files)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    done = run("restore", folder / "backup", folder / "restored")
    assert done.returncode == DAMAGED
    assert str(folder / "backup") in done.stderr
    assert not (folder / "restored").exists()


def test_nothing_is_restored_over_data(filled, folder):
    console(filled, "backup", folder / "backup")
    assert "not empty" in refused(filled, "backup", folder / "backup")
    done = run("restore", folder / "backup", filled.data)
    assert done.returncode in (FAILURE, USAGE)
    assert "not empty" in done.stderr
