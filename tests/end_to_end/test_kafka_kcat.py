"""kcat against a running node, without any special setting."""

import json

import herald
import pytest
import wire
from clients import fresh, kcat
from wire import Wire


def lines(*values):
    return "".join(f"{value}\n" for value in values)


def produce(node, topic, *values, arguments=()):
    kcat(node, "-P", "-t", topic, "-p", 0, *arguments, stdin=lines(*values))


def consume(node, topic, *arguments, form="%s\n", partition=0):
    return kcat(node, "-C", "-q", "-e", "-t", topic, "-p", partition, "-f",
                form, *arguments).splitlines()


@pytest.fixture(scope="module")
def numbered(kafka_node):
    """A topic of ten records, the i-th with the value i and the record time
    1000 + 10 i; three batches."""
    topic = fresh("numbered")
    with Wire(kafka_node) as client:
        assert client.create_topic(topic) == wire.NONE
        for first, last in (0, 4), (4, 8), (8, 10):
            payload = b"".join(
                wire.record(i - first, b"%d" % i, time_delta=10 * (i - first))
                for i in range(first, last))
            told = client.produce(topic, wire.batch(
                payload=payload, count=last - first, time=1000 + 10 * first,
                max_time=1000 + 10 * (last - 1)))
            assert (told.error, told.base) == (wire.NONE, first)
    return topic


def test_the_node_and_its_topics_are_listed(kafka_node):
    told = json.loads(kcat(kafka_node, "-L", "-J"))
    assert told["brokers"] == [{"id": 0, "name": kafka_node.kafka}]
    assert told["controllerid"] == 0
    topics = {topic["topic"]: topic["partitions"] for topic in told["topics"]}
    assert len(topics["match"]) == 32
    assert topics["match"][7] == {
        "partition": 7, "leader": 0, "replicas": [{"id": 0}],
        "isrs": [{"id": 0}]}


def test_a_topic_made_on_first_use_has_four_partitions(kafka_node):
    topic = fresh()
    kcat(kafka_node, "-P", "-t", topic, stdin="a\n")
    told = json.loads(kcat(kafka_node, "-L", "-J", "-t", topic))
    assert len(told["topics"][0]["partitions"]) == 4


def test_a_name_that_cannot_be_is_refused(kafka_node):
    done = kcat(kafka_node, "-P", "-t", "no topic", stdin="a\n", good=False)
    assert done.returncode != 0
    assert "Invalid topic" in done.stderr


def test_what_is_produced_is_consumed(kafka_node):
    topic = fresh()
    values = [f"value {i}" for i in range(500)]
    produce(kafka_node, topic, *values)
    assert consume(kafka_node, topic) == values


def test_keys_headers_and_nothing_come_back(kafka_node):
    topic = fresh()
    produce(kafka_node, topic, "k1=one", "k2=", "three", arguments=(
        "-K", "=", "-H", "a=1", "-H", "b=x y", "-Z"))
    assert consume(kafka_node, topic, form="%k|%K|%s|%S|%h\n") == [
        "k1|2|one|3|a=1,b=x y", "k2|2||-1|a=1,b=x y",
        "|-1|three|5|a=1,b=x y"]


@pytest.mark.parametrize("where, expected", [
    ("beginning", range(10)), ("end", []), (-3, [7, 8, 9]),
    (-30, range(10)), (0, range(10)), (5, range(5, 10)), (9, [9]), (10, []),
    ("s@1000", range(10)), ("s@1041", range(5, 10)), ("s@1090", [9]),
    ("s@1091", [])])
def test_reading_starts_where_it_is_told(
        kafka_node, numbered, where, expected):
    assert consume(kafka_node, numbered, "-o", where) == list(
        map(str, expected))


def test_reading_ends_where_it_is_told(kafka_node, numbered):
    assert consume(kafka_node, numbered, "-o", "s@1020", "-o", "e@1060") == [
        "2", "3", "4", "5"]
    assert consume(kafka_node, numbered, "-c", 3, form="%o %T %s\n") == [
        "0 1000 0", "1 1010 1", "2 1020 2"]


def test_a_position_outside_the_log_is_an_error(kafka_node, numbered):
    done = kcat(kafka_node, "-C", "-e", "-t", numbered, "-p", 0, "-o", 11, "-X",
                "auto.offset.reset=error", good=False)
    assert done.returncode != 0
    assert "out of range" in done.stderr


@pytest.mark.parametrize("time, offset", [
    (-2, 0), (-1, 10), (0, 0), (1040, 4), (1041, 5), (1090, 9), (1091, -1)])
def test_offsets_are_asked_for_by_time(kafka_node, numbered, time, offset):
    told = kcat(kafka_node, "-Q", "-t", f"{numbered}:0:{time}")
    assert told == f"{numbered} [0] offset {offset}\n"


@pytest.mark.parametrize("codec", wire.CODECS)
def test_the_stored_batch_is_compressed_as_the_client_was_told(
        kafka_node, codec):
    topic = fresh(codec)
    values = [f"again and again and again {i}" for i in range(200)]
    produce(kafka_node, topic, *values, arguments=("-z", codec))
    with Wire(kafka_node) as client:
        stored = wire.batches(client.fetch(topic, 0).records)
    assert {batch.codec for batch in stored} == {wire.CODECS[codec]}
    assert sum(batch.count for batch in stored) == 200
    size = sum(len(batch.raw) for batch in stored)
    assert codec == "none" or size < 200 * len(values[0]) / 3
    assert consume(kafka_node, topic, "-X", "check.crcs=true") == values


def test_an_idempotent_producer_stamps_its_batches(kafka_node):
    topic = fresh()
    produce(kafka_node, topic, *range(300), arguments=(
        "-X", "enable.idempotence=true", "-X", "batch.num.messages=50"))
    assert consume(kafka_node, topic) == [str(i) for i in range(300)]
    with Wire(kafka_node) as client:
        stored = wire.batches(client.fetch(topic, 0).records)
    assert len(stored) >= 6
    producers = {batch.producer[:2] for batch in stored}
    assert len(producers) == 1 and producers.pop()[0] >= 0
    assert [batch.producer[2] for batch in stored] == [
        batch.base for batch in stored]


@pytest.mark.parametrize("acks", ["all", "1", "0"])
def test_every_kind_of_acknowledgement_works(kafka_node, acks):
    topic = fresh()
    produce(kafka_node, topic, *range(20),
            arguments=("-X", f"acks={acks}"))
    # Without acknowledgements kcat may end before its last batch is stored.
    assert herald.wait_until(
        lambda: (found := consume(kafka_node, topic)) and len(found) == 20
        and found, "the records") == [str(i) for i in range(20)]


def test_the_aggregates_topics_are_only_read(start_node, games):
    node = start_node()
    code, counts, errors = herald.import_documents(
        node.url, *sorted(games.glob("*.json"))[:20])
    assert code == herald.OK, errors
    refused = kcat(node, "-P", "-t", "match", stdin="a\n", good=False)
    assert refused.returncode != 0
    assert "Topic authorization failed" in refused.stderr
    told = kcat(node, "-C", "-q", "-e", "-t", "match", "-o", "beginning",
                "-f", "%p@%o %k %S\n").splitlines()
    events = {event["id"]: event for event in node.events("match")}
    assert len(told) == len(events) == 20
    for line in told:
        place, key, size = line.split()
        assert key == events[place]["subject"]
        assert int(size) > 0
    assert kcat(node, "-C", "-q", "-e", "-t", "riot.raw", "-o", "beginning",
                "-f", "%p@%o\n").count("\n") == node.log_ends()["riot.raw"]
