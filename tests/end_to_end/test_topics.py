"""Topics through the console and the configuration: made, altered, described
and deleted; records that go by retention and by compaction, announced in the
topic audit."""

import json

import herald
from clients import read_from, send
from herald import CONFIGURATION, FAILURE, OK, USAGE, herald as run, wait_until


def console(node, *words):
    """exit code, standard output and standard error."""
    done = run("console", "--data", node.data, *words)
    return done.returncode, done.stdout, done.stderr


def settings_of(node, topic):
    return {row["setting"]: row
            for row in node.console("topics", "describe", topic)["settings"]}


def starts(node, topic):
    return [row["start"] for row in
            node.console("topics", "describe", topic)["partitions"]]


def configured(folder, text):
    file = folder / "config.toml"
    file.write_text("[retention]\ninterval = \"100 ms\"\n" + text)
    return "--config", file


def test_a_topic_is_made_altered_described_and_deleted(node):
    made = node.console("topics", "create", "chat", "--partitions", "3",
                        "--set", "retention.ms=7 d",
                        "--set", "cleanup.policy=compact,delete")
    assert made["topic"] == "chat" and made["clients"] == "may write"
    assert len(made["partitions"]) == 3
    settings = settings_of(node, "chat")
    assert settings["retention.ms"]["value"] == "604800000"
    assert settings["retention.ms"]["source"] == "set"
    assert settings["max.message.bytes"]["source"] == "default"
    node.console("topics", "alter", "chat", "--set", "max.message.bytes=2 MiB",
                 "--unset", "retention.ms")
    settings = settings_of(node, "chat")
    assert settings["max.message.bytes"]["value"] == "2097152"
    assert settings["retention.ms"]["value"] == "-1"
    assert "chat" in node.log_ends()
    code, _, errors = console(node, "topics", "delete", "chat")
    assert code == USAGE and "--yes" in errors
    assert "chat" in node.log_ends()
    deleted = node.console("topics", "delete", "chat", "--yes")
    assert deleted["id"] == made["id"]
    assert "chat" not in node.log_ends()
    again = node.console("topics", "create", "chat")
    assert again["id"] != made["id"]
    reasons = [event["data"]["reason"] for event in node.events("audit")]
    assert reasons == ["topic deleted"] * 3


def test_people_read_it_as_tables(node):
    for words in (["topics"], ["topics", "describe", "match"],
                  ["topics", "create", "chat"]):
        code, out, errors = console(node, *words)
        assert code == OK, errors
        assert out.strip()


def test_commands_come_from_a_pipe_with_quotes(node, folder):
    node.console("topics", "create", "chat")
    commands = folder / "commands"
    commands.write_text("topics alter chat --set \"retention.ms=7 d\"\n"
                        "topics alter chat --set 'flush.ms=5 s'\n")
    with open(commands) as pipe:
        done = run("console", "--data", node.data, "--json", stdin=pipe)
    assert done.returncode == OK, done.stderr
    assert settings_of(node, "chat")["retention.ms"]["value"] == "604800000"
    assert settings_of(node, "chat")["flush.ms"]["effective"] is False


def test_what_makes_no_sense_is_refused_and_changes_nothing(node):
    node.console("topics", "create", "chat")
    before = node.console("topics", "describe", "chat")
    for words, part in (
            (["frobnicate"], "create, alter, describe and delete"),
            (["create"], "needs the name"),
            (["create", "a b"], "not a topic name"),
            (["create", "_own"], "Herald's own names"),
            (["create", "x", "--partitions", "0"], "1 to 1024"),
            (["create", "x", "--partitions"], "needs a value"),
            (["create", "x", "--set", "retention.ms"], "NAME=VALUE"),
            (["create", "x", "--set", "retention.ms=3 weeks"], "min, h, d"),
            (["create", "x", "--set", "retention=1"], "retention.ms"),
            (["create", "x", "y"], "one topic"),
            (["create", "x", "--yes"], "no option"),
            (["alter", "chat"], "--set"),
            (["alter", "chat", "--set", "compression.type=gzip"], "producer"),
            (["alter", "chat", "--set",
              "herald.retention.state=closed + 1 d"], "'match'"),
            (["alter", "match", "--set",
              "herald.retention.state=frozen + 1 d"], "closed"),
            (["alter", "match", "--set", "cleanup.policy=compact"],
             "each of its events counts")):
        code, _, errors = console(node, "topics", *words)
        assert code == USAGE, (words, errors)
        assert part in errors, (words, errors)
    for words, part in (
            (["create", "chat"], "exists"),
            (["describe", "nothing"], "no topic 'nothing'"),
            (["alter", "nothing", "--set", "flush.ms=1"], "no topic"),
            (["delete", "nothing", "--yes"], "no topic"),
            (["delete", "match", "--yes"], "Herald's own"),
            (["delete", "audit", "--yes"], "Herald's own"),
            (["delete", "_schemas", "--yes"], "Herald's own"),
            (["alter", "_schemas", "--set", "retention.ms=1"], "own")):
        code, _, errors = console(node, "topics", *words)
        assert code == FAILURE, (words, errors)
        assert part in errors, (words, errors)
    assert node.console("topics", "describe", "chat") == before
    assert "x" not in node.log_ends()


def test_old_records_go_and_are_announced_before(start_node, folder):
    arguments = configured(folder, """
[topics.chat]
partitions = 1
ingest = true
"retention.ms" = "1 ms"
""")
    node = start_node(*arguments)
    for value in range(5):
        send(node, [{"topic": "chat", "value": str(value),
                     "timestamp": 1_000 + value}])
    # The newest batch stays.
    wait_until(lambda: starts(node, "chat") == [4], "the old records go")
    record, = read_from(node, "chat", 1, at=4)
    assert record.value() == b"4"
    announced = [event["data"] for event in node.events("audit")]
    assert announced[0]["fromOffset"] == 0
    assert announced[-1]["toOffset"] == 4
    for before, after in zip(announced, announced[1:]):
        assert before["toOffset"] == after["fromOffset"]
    assert {one["reason"] for one in announced} == {"retention.ms=1"}
    assert {one["principal"] for one in announced} == {"retention"}
    deleted = node.console("status")["retention"]
    assert deleted["batchesDeleted"] >= 4 and deleted["failures"] == 0
    assert deleted["waitsFor"] == []
    assert node.stop() == OK
    done = run("verify", node.data)
    assert done.returncode == OK, done.stdout + done.stderr


def test_a_compacted_topic_keeps_the_newest_of_each_key(start_node, folder):
    node = start_node(*configured(folder, ""))
    node.console("topics", "create", "state", "--partitions", "1", "--set",
                 "cleanup.policy=compact", "--set",
                 "min.cleanable.dirty.ratio=0")
    for round_ in range(4):
        send(node, [{"topic": "state", "key": f"key{key}",
                     "value": f"{key} {round_}"} for key in range(3)])
    send(node, [{"topic": "state", "key": "end", "value": "end"}])
    (error, _), = send(node, [{"topic": "state", "value": "keyless"}])
    assert error is not None

    def compacted():
        return (node.console("status")["retention"]["recordsCompacted"] >= 9)

    wait_until(compacted, "the topic is compacted")
    found = read_from(node, "state", 4)
    assert [(m.key().decode(), m.value().decode(), m.offset())
            for m in found] == [
        ("key0", "0 3", 9), ("key1", "1 3", 10), ("key2", "2 3", 11),
        ("end", "end", 12)]
    node.kill()
    done = run("verify", node.data)
    assert done.returncode == OK, done.stdout + done.stderr


def test_matches_that_are_long_over_go_and_views_stay(
        start_node, folder, games):
    node = start_node(*configured(folder, ""))
    herald.import_documents(node.url, games)
    matches = node.console("matches", "--limit", "100")
    assert matches
    node.console("topics", "alter", "match", "--set",
                 "herald.retention.state=closed + 0 ms")
    ends = {row["partition"]: row["end"] for row in
            node.console("topics", "describe", "match")["partitions"]}

    def gone():
        rows = node.console("topics", "describe", "match")["partitions"]
        # All but the newest batch of each partition.
        return all(row["start"] > 0 for row in rows if row["end"] > 2)

    wait_until(gone, "closed matches go")
    assert ends
    assert node.console("matches", "--limit", "100") == matches
    code, counts, _ = herald.import_documents(node.url, games)
    assert code == OK and counts["accepted"] == 0, counts
    assert node.stop() == OK
    done = run("verify", node.data, "--json")
    told = json.loads(done.stdout)
    assert done.returncode == OK, told
    assert any("not comparable before offset" in note
               for note in told["skipped"])
    node = start_node(*configured(folder, ""))
    assert node.console("matches", "--limit", "100") == matches


def test_declared_topics_are_made_and_told_from_others(start_node, folder):
    node = start_node(*configured(folder, """
[topics.inbox]
partitions = 2
ingest = true
retention.ms = "1 d"
[topics.closed]
ingest = false
"""))
    assert settings_of(node, "inbox")["retention.ms"]["value"] == "86400000"
    assert send(node, [{"topic": "inbox", "value": "x"}])[0][0] is None
    assert send(node, [{"topic": "closed", "value": "x"}])[0][0] is not None
    described = node.console("topics", "describe", "closed")
    assert described["clients"] == "may only read"
    # The configuration holds again at the next start.
    node.console("topics", "alter", "inbox", "--set", "retention.ms=2 d")
    assert node.stop() == OK
    node = start_node(*configured(folder, """
[topics.inbox]
ingest = true
retention.ms = "3 d"
"""))
    assert settings_of(node, "inbox")["retention.ms"]["value"] == "259200000"
    assert len(node.console("topics", "describe", "inbox")["partitions"]) == 2
    node.stop()
    done = run("node", "--check", *configured(
        folder, "[topics.inbx]\npartitions = 2\n"))
    assert done.returncode == CONFIGURATION
    assert "ingest = true" in done.stderr


def test_the_file_stops_growing_while_as_much_goes(start_node, folder):
    node = start_node(*configured(folder, """
[topics.flow]
partitions = 1
ingest = true
retention.bytes = "1 MiB"
"""))

    def push(batches):
        for _ in range(batches):
            send(node, [{"topic": "flow", "value": "x" * 20_000}
                        for _ in range(20)])

    def used():
        return node.console("status")["log"]["usedBytes"]

    def small():
        row, = node.console("topics", "describe", "flow")["partitions"]
        return row["bytes"] < 2 << 20

    push(10)
    wait_until(small, "what is too much goes")
    before = used()
    for _ in range(5):
        push(5)
        wait_until(small, "what is too much goes")
    assert used() < before + (4 << 20)
    metrics = node.request("GET", "/metrics")[2].decode()
    assert "herald_retention_deleted_bytes_total" in metrics
