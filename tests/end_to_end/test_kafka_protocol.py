"""Kafka's protocol, spoken right and wrong by a small client of our own. After
each test the node still takes and gives records."""

import subprocess
import time

import herald
import pytest
import wire
from clients import fresh
from wire import Closed, Wire, batch, i16, i32, i64, i8

NOW = int(time.time() * 1000)


@pytest.fixture(autouse=True)
def serves_afterwards(kafka_node):
    yield
    with Wire(kafka_node) as other:
        topic = fresh("alive")
        assert other.create_topic(topic) == wire.NONE
        assert other.produce(topic, batch(b"a")).error == wire.NONE
        assert wire.values(other.fetch(topic, 0).records) == [(0, b"a")]


@pytest.fixture
def client(kafka_node):
    with Wire(kafka_node) as made:
        yield made


@pytest.fixture
def topic(client):
    """One partition, empty."""
    name = fresh()
    assert client.create_topic(name) == wire.NONE
    return name


@pytest.fixture
def filled(client, topic):
    """Three batches of 4, 1 and 5 records; the values are the offsets."""
    for first, last in (0, 4), (4, 5), (5, 10):
        told = client.produce(topic, batch(
            *(b"%d" % i for i in range(first, last)), time=1000 + first))
        assert (told.error, told.base) == (wire.NONE, first)
    return topic


def numbers(first, last=10):
    return [(i, b"%d" % i) for i in range(first, last)]


# -- ApiVersions and framing ---------------------------------------------------

LISTED = {
    wire.PRODUCE: (0, 11), wire.FETCH: (4, 17), wire.LIST_OFFSETS: (1, 8),
    wire.METADATA: (0, 12), wire.API_VERSIONS: (0, 4),
    wire.INIT_PRODUCER_ID: (0, 5), wire.OFFSET_FOR_LEADER_EPOCH: (2, 4)}


def test_what_is_served_is_listed(client):
    error, ranges, _ = client.api_versions()
    assert error == wire.NONE
    for key, versions in LISTED.items():
        assert ranges[key] == versions
    # librdkafka compresses only where it sees these two.
    assert ranges[wire.FIND_COORDINATOR][0] == 0
    assert ranges[wire.PRODUCE][0] == 0
    # What there is no answer for must not be listed.
    assert not {24, 25, 26, 28} & set(ranges), "there are no transactions"


@pytest.mark.parametrize("version", [5, 6, 100, 32767, -1])
def test_an_unknown_version_of_api_versions_is_answered(client, version):
    """With a body of version 0, whatever the client's own form is."""
    error, ranges, answer = client.api_versions(version, b"\x02a\x02b\0", True)
    assert error == wire.UNSUPPORTED_VERSION
    assert ranges == {wire.API_VERSIONS: (0, 4)}
    answer.end()
    # The same connection goes on with a version that is known.
    assert client.api_versions()[0] == wire.NONE


@pytest.mark.parametrize("name, error", [
    ("herald-test", wire.NONE), ("a.b-C9", wire.NONE), ("", 42), ("-a", 42),
    ("a b", 42), ("a.", 42)])
def test_a_client_names_its_software(client, name, error):
    answer = client.send(wire.API_VERSIONS, 3, wire.compact_string(name)
                         + wire.compact_string("1.0") + wire.NO_TAGS, True)
    correlation, answer = client.receive()
    assert answer.i16() == error


@pytest.mark.parametrize("key", [4, 5, 7, 27, 68, 74, 999, -1, 32767])
def test_an_api_that_is_not_listed_closes_the_connection(client, key):
    assert key not in client.api_versions()[1]
    client.send(key, 0, b"")
    assert client.is_closed()


@pytest.mark.parametrize("key, version", [
    (wire.FETCH, 3), (wire.FETCH, 18), (wire.PRODUCE, 12), (wire.METADATA, 13),
    (wire.METADATA, -1), (wire.LIST_OFFSETS, 0), (wire.CREATE_TOPICS, 99)])
def test_a_version_that_is_not_served_closes_the_connection(
        client, key, version):
    client.send(key, version, bytes(100), flexible=True)
    assert client.is_closed()


@pytest.mark.parametrize("size", [
    -1, -2**31, 0, 7, (100 << 20) + 1, 2**31 - 1,
    int.from_bytes(b"GET ", "big")])
def test_a_frame_of_an_impossible_size_closes_the_connection(client, size):
    client.send_raw(i32(size))
    assert client.is_closed()


@pytest.mark.parametrize("version", [0, 1, 4, 8, 9, 12])
@pytest.mark.parametrize("body", [
    b"", b"\x7f\xff\xff\xff", b"\xff" * 40, bytes(3), b"\0\0\0\1\x7f\xff"],
    ids=bytes.hex)
def test_a_malformed_body_is_no_danger(client, body, version):
    """Answered if it can be read after all; otherwise the connection ends."""
    client.send(wire.METADATA, version, body, flexible=version >= 9)
    try:
        client.receive()
    except Closed:
        pass


def test_half_a_frame_holds_nobody_up(kafka_node, client):
    client.send_raw(i32(1 << 20) + i16(wire.METADATA) + i16(4))
    with Wire(kafka_node) as other:
        assert other.api_versions()[0] == wire.NONE
        client.send_raw(bytes(1 << 19))
        assert other.metadata([]) == {}


def test_a_frame_may_come_byte_by_byte(client):
    frame = i16(wire.API_VERSIONS) + i16(0) + i32(5) + i16(-1)
    for byte in i32(len(frame)) + frame:
        client.send_raw(bytes([byte]))
    assert client.receive()[0] == 5


def test_pipelined_requests_are_answered_in_their_order(client, filled):
    """The fetch at the end of the log waits; what comes after it too."""
    sent = [client.send(wire.FETCH, 11, client.fetch_body(
        filled, 10, max_wait=300))]
    for i in range(30):
        sent.append(client.send(wire.API_VERSIONS, 0, b""))
        sent.append(client.send(wire.FETCH, 11, client.fetch_body(
            filled, i % 10)))
        sent.append(client.send(wire.PRODUCE, 7, client.produce_body(
            filled, batch(b"later"))))
    assert [client.receive()[0] for _ in sent] == sent


def test_more_pipelined_requests_than_are_taken_at_once(client, topic):
    """A thousand, of which the node holds 64 at a time."""
    body = client.produce_body(topic, batch(b"a", b"b"))
    sent = [client.send(wire.PRODUCE, 7, body) for _ in range(1000)]
    for i, correlation in enumerate(sent):
        told, answer = client.receive()
        assert told == correlation
        assert client.read_produced(answer).base == 2 * i


def test_many_connections_come_and_go_while_they_wait(start_node):
    """What a client that has gone was waiting for is forgotten with it."""
    config = "[kafka]\nmax_connections = 16\n"
    with herald.TemporaryFolder() as folder:
        (folder / "config.toml").write_text(config)
        node = start_node("--config", folder / "config.toml")
    with Wire(node) as client:
        assert client.create_topic("t") == wire.NONE
    for _ in range(40):
        def connect():
            try:
                with Wire(node) as client:
                    client.api_versions()
                    client.send(wire.FETCH, 11, client.fetch_body(
                        "t", 0, max_wait=2**31 - 1))
                    return True
            except Closed:
                return False
        herald.wait_until(connect, "a place for a connection")
    with Wire(node) as waiting:
        waiting.send(wire.FETCH, 11, waiting.fetch_body(
            "t", 0, max_wait=2**31 - 1))
        # Nor does anybody who waits keep the node from ending.
        assert node.stop() == herald.OK


# -- Produce -------------------------------------------------------------------

def squeezed(program, size):
    """So many zeros as one record, compressed by a program."""
    done = subprocess.run(
        program, input=bomb_records(size), capture_output=True, check=True)
    return done.stdout


def bomb_records(size):
    return wire.record(0, bytes(size))


BAD_BATCHES = {
    "a wrong CRC": (
        lambda: batch(b"a", crc=1), wire.CORRUPT_MESSAGE),
    "a length beyond the end": (
        lambda: batch(b"a", length=1000), wire.CORRUPT_MESSAGE),
    "a length that cuts the records": (
        lambda: batch(b"abc", length=55), wire.INVALID_RECORD),
    "a negative length": (
        lambda: batch(b"a", length=-1), wire.CORRUPT_MESSAGE),
    "a header alone": (
        lambda: batch(payload=b"", count=1), wire.INVALID_RECORD),
    "half a header": (
        lambda: batch(b"a")[:40], wire.CORRUPT_MESSAGE),
    "nothing": (lambda: b"", wire.INVALID_RECORD),
    "null": (lambda: None, wire.INVALID_RECORD),
    "two batches": (
        lambda: batch(b"a") + batch(b"b"), wire.INVALID_RECORD),
    "a byte behind the batch": (
        lambda: batch(b"a") + b"x", wire.INVALID_RECORD),
    "the format of Kafka 0.10": (
        lambda: batch(b"a", magic=1), wire.INVALID_RECORD),
    "a format of the future": (
        lambda: batch(b"a", magic=3), wire.INVALID_RECORD),
    "more records announced than there are": (
        lambda: batch(b"a", count=2), wire.INVALID_RECORD),
    "fewer records announced than there are": (
        lambda: batch(b"a", b"b", count=1), wire.INVALID_RECORD),
    "two billion records": (
        lambda: batch(b"a", count=2**31 - 1), wire.INVALID_RECORD),
    "no records": (
        lambda: batch(payload=b"", count=0), wire.INVALID_RECORD),
    "fewer records than offsets": (
        lambda: batch(b"a", b"b", last_delta=2), wire.INVALID_RECORD),
    "offsets with a gap": (
        lambda: batch(payload=wire.record(0, b"a") + wire.record(2, b"b"),
                      count=2), wire.INVALID_RECORD),
    "the same offset twice": (
        lambda: batch(payload=wire.record(0, b"a") * 2, count=2),
        wire.INVALID_RECORD),
    "a record that is longer than the batch": (
        lambda: batch(payload=wire.varint(1 << 30) + bytes(20), count=1),
        wire.INVALID_RECORD),
    "a record of negative length": (
        lambda: batch(payload=wire.varint(-5) + bytes(20), count=1),
        wire.INVALID_RECORD),
    "a control batch": (
        lambda: batch(b"\0\0\0\0\0\0", attributes=0x20), wire.INVALID_RECORD),
    "a transaction": (
        lambda: batch(b"a", attributes=0x10, producer=(1, 0, 0)),
        wire.INVALID_TXN_STATE),
    "a producer without a sequence": (
        lambda: batch(b"a", producer=(1, 0, -1)), wire.INVALID_RECORD),
    "a producer without an epoch": (
        lambda: batch(b"a", producer=(1, -1, 0)), wire.INVALID_RECORD),
    "a record time in the far future": (
        lambda: batch(b"a", time=NOW + 2 * 3_600_000 + 60_000),
        wire.INVALID_TIMESTAMP),
    "a far future of the append time": (
        lambda: batch(b"a", time=NOW + 10**12, attributes=8),
        wire.INVALID_TIMESTAMP),
    "gzip that is none": (
        lambda: batch(payload=b"\x1f\x8b" + bytes(30), count=1, attributes=1),
        wire.INVALID_RECORD),
    "snappy that is none": (
        lambda: batch(payload=b"\xff" * 30, count=1, attributes=2),
        wire.INVALID_RECORD),
    "lz4 that is none": (
        lambda: batch(payload=b"\xff" * 30, count=1, attributes=3),
        wire.INVALID_RECORD),
    "zstd that is none": (
        lambda: batch(payload=b"\xff" * 30, count=1, attributes=4),
        wire.INVALID_RECORD),
    "compressed nothing": (
        lambda: batch(codec="gzip", payload=b"", count=1),
        wire.INVALID_RECORD),
    "a bomb of gzip": (
        lambda: batch(codec="gzip", payload=bomb_records(70 << 20), count=1),
        wire.MESSAGE_TOO_LARGE),
    "a bomb of zstd": (
        lambda: batch(codec="zstd", count=1, payload=squeezed(
            ["zstd", "-1", "-c"], 70 << 20)), wire.MESSAGE_TOO_LARGE),
    "a bomb of lz4": (
        lambda: batch(codec="lz4", count=1, payload=squeezed(
            ["zstd", "--format=lz4", "-1", "-c"], 70 << 20)),
        wire.MESSAGE_TOO_LARGE),
    "a bomb of snappy": (
        lambda: batch(codec="snappy", count=1,
                      payload=b"\xff\xff\xff\xff\x0f" + bytes(100)),
        wire.MESSAGE_TOO_LARGE),
    "a codec that does not exist": (
        lambda: batch(b"a", attributes=7), wire.INVALID_RECORD),
}


@pytest.mark.parametrize("what", BAD_BATCHES)
def test_a_bad_batch_is_refused(client, topic, what):
    make, error = BAD_BATCHES[what]
    told = client.produce(topic, make())
    assert (told.error, told.base) == (error, -1)
    # Nothing of it was stored, and the connection goes on.
    assert client.list_offset(topic, -1).offset == 0
    assert client.produce(topic, batch(b"good")).base == 0


def test_a_bad_batch_does_not_hold_up_its_neighbours(client):
    topic = fresh()
    assert client.create_topic(topic, 3) == wire.NONE
    asked = [(0, batch(b"a")), (1, batch(b"b", crc=1)), (2, batch(b"c"))]
    answer = client.call(wire.PRODUCE, 7, wire.string(None) + i16(-1)
                         + i32(1000) + wire.array([
                             wire.string(topic) + wire.array(
                                 i32(index) + wire.data(raw)
                                 for index, raw in asked)]))
    told = answer.array(lambda: (answer.string(), answer.array(lambda: (
        answer.i32(), answer.i16(), answer.i64(), answer.i64(),
        answer.i64()))))
    assert [one[:3] for one in told[0][1]] == [
        (0, wire.NONE, 0), (1, wire.CORRUPT_MESSAGE, -1), (2, wire.NONE, 0)]


@pytest.mark.parametrize("version", [0, 1, 2])
def test_old_versions_of_produce_are_listed_but_not_served(
        client, topic, version):
    answer = client.call(wire.PRODUCE, version, client.produce_body(
        topic, batch(b"a"), version=version))
    told = answer.array(lambda: (answer.string(), answer.array(lambda: (
        answer.i32(), answer.i16(), answer.i64()))
        if version < 2 else answer.array(lambda: (
            answer.i32(), answer.i16(), answer.i64(), answer.i64()))))
    assert told[0][1][0][1] == wire.UNSUPPORTED_VERSION
    assert client.list_offset(topic, -1).offset == 0


def test_without_acknowledgements_nothing_is_answered(client, topic):
    client.send(wire.PRODUCE, 7, client.produce_body(
        topic, batch(b"a"), acks=0))
    # The next answer is that of the next request.
    assert client.produce(topic, batch(b"b")).base == 1


@pytest.mark.parametrize("version, raw", [
    (7, batch(b"a", crc=1)), (2, batch(b"a"))])
def test_without_acknowledgements_a_refusal_closes_the_connection(
        client, topic, version, raw):
    client.send(wire.PRODUCE, version, client.produce_body(
        topic, raw, acks=0, version=version))
    assert client.is_closed()


@pytest.mark.parametrize("acks", [2, -2, 127, -32768])
def test_other_acknowledgements_are_refused(client, topic, acks):
    assert client.produce(topic, batch(b"a"), acks=acks).error == (
        wire.INVALID_REQUIRED_ACKS)
    assert client.list_offset(topic, -1).offset == 0


def test_topics_and_partitions_that_are_not_there(client, topic):
    for name, partition in (topic, 1), (topic, -1), (fresh(), 0), ("", 0):
        assert client.produce(name, batch(b"a"), partition).error == (
            wire.UNKNOWN_TOPIC_OR_PARTITION)
        assert client.fetch(name, 0, partition=partition).error == (
            wire.UNKNOWN_TOPIC_OR_PARTITION)
        assert client.list_offset(name, -1, partition).error == (
            wire.UNKNOWN_TOPIC_OR_PARTITION)


@pytest.mark.parametrize("name", [
    "match", "player", "riot.raw", "dead-letter", "audit", "_schemas"])
def test_topics_of_herald_are_only_read(client, name):
    topics = client.metadata([name])
    if topics[name][0] == wire.NONE:
        assert client.produce(name, batch(b"a")).error == (
            wire.TOPIC_AUTHORIZATION_FAILED)
        assert client.create_topic(name) == wire.TOPIC_ALREADY_EXISTS
    else:
        assert client.create_topic(name) == wire.TOPIC_AUTHORIZATION_FAILED
        assert client.metadata([name], create=True)[name][0] == (
            wire.TOPIC_AUTHORIZATION_FAILED)


def test_zstd_is_only_for_those_who_know_it(client, topic):
    payload = subprocess.run(["zstd", "-c"], input=wire.records(b"a"),
                             capture_output=True, check=True).stdout
    raw = batch(codec="zstd", payload=payload, count=1)
    assert client.produce(topic, raw, version=6).error == (
        wire.UNSUPPORTED_COMPRESSION_TYPE)
    assert client.produce(topic, batch(b"plain")).base == 0
    assert client.produce(topic, raw, version=7).base == 1
    assert wire.values(client.fetch(topic, 0, version=9).records) == [
        (0, b"plain")]
    assert client.fetch(topic, 1, version=9).error == (
        wire.UNSUPPORTED_COMPRESSION_TYPE)
    stored, = wire.batches(client.fetch(topic, 1, version=10).records)
    assert stored.payload == payload


def test_a_batch_is_stored_exactly_as_it_came(client, topic):
    for i, raw in enumerate([batch(b"a"), batch(b"b", codec="gzip")]):
        assert client.produce(topic, raw).base == i
        stored = client.fetch(topic, i).records
        assert stored[16:] == raw[16:]
        assert stored[8:12] == raw[8:12]


def test_record_time_never_goes_back(client, topic):
    """A batch from the past gets the time of the one before it."""
    for time_ in 5000, 3000, 6000:
        assert client.produce(topic, batch(b"a", time=time_)).error == 0
    stored = wire.batches(client.fetch(topic, 0).records)
    assert [(one.max_time, one.attributes) for one in stored] == [
        (5000, 0), (5000, 8), (6000, 0)]
    assert [client.list_offset(topic, time_).offset
            for time_ in (0, 5000, 5001)] == [0, 0, 2]


# -- Fetch ---------------------------------------------------------------------

def test_a_fetch_begins_with_the_batch_that_holds_its_offset(client, filled):
    for at, first in (0, 0), (3, 0), (4, 4), (5, 5), (9, 5):
        told = client.fetch(filled, at)
        assert (told.error, told.end, told.log_start) == (0, 10, 0)
        assert wire.values(told.records) == numbers(first)


@pytest.mark.parametrize("version", range(5, 12))
def test_every_version_of_fetch_answers_in_its_form(client, filled, version):
    told = client.fetch(filled, 4, version=version)
    assert wire.values(told.records) == numbers(4)


@pytest.mark.parametrize("limit", [
    {"max_bytes": 1}, {"partition_bytes": 1}, {"max_bytes": 0},
    {"partition_bytes": 0}, {"max_bytes": -1}, {"max_bytes": 90}], ids=str)
def test_one_batch_comes_whatever_the_limit(client, filled, limit):
    told = client.fetch(filled, 0, **limit)
    assert wire.values(told.records) == numbers(0, 4)


def test_a_limit_is_kept_where_it_can_be(client, filled):
    sizes = [len(one.raw) for one in wire.batches(
        client.fetch(filled, 0).records)]
    for limit, last in (sum(sizes), 10), (sum(sizes) - 1, 5), (
            sizes[0] + sizes[1], 5), (sizes[0] + sizes[1] - 1, 4):
        told = client.fetch(filled, 0, partition_bytes=limit)
        assert wire.values(told.records) == numbers(0, last)


def test_positions_outside_the_log_are_refused(client, filled):
    for at in -1, -2, 11, 2**63 - 1, -2**63:
        assert client.fetch(filled, at, max_wait=10**6).error == (
            wire.OFFSET_OUT_OF_RANGE)
    told = client.fetch(filled, 10)
    assert (told.error, told.records) == (wire.NONE, b"")


def test_a_fetch_with_nothing_to_give_ends_with_its_time(client, topic):
    told = client.fetch(topic, 0, max_wait=50)
    assert (told.error, told.end, told.records) == (wire.NONE, 0, b"")
    assert client.produce(topic, batch(b"a")).base == 0
    # What is there is less than what is asked for.
    told = client.fetch(topic, 0, max_wait=50, min_bytes=10**6)
    assert wire.values(told.records) == [(0, b"a")]


def test_a_waiting_fetch_wakes_when_there_is_enough(
        kafka_node, client, topic):
    """It would wait for longer than this test may take."""
    first, second = batch(b"a"), batch(b"b" * 100)
    with Wire(kafka_node) as waiting:
        waiting.send(wire.FETCH, 11, waiting.fetch_body(
            topic, 0, max_wait=10**9, min_bytes=len(first) + 1))
        assert client.produce(topic, first).base == 0
        assert client.produce(topic, second).base == 1
        told = waiting.read_fetched(waiting.receive()[1])
        assert wire.values(told.records) == [(0, b"a"), (1, b"b" * 100)]


def test_a_waiting_fetch_hears_that_its_topic_was_deleted(
        kafka_node, client, topic):
    """It would wait for longer than this test may take."""
    with Wire(kafka_node) as waiting:
        waiting.send(wire.FETCH, 11, waiting.fetch_body(
            topic, 0, max_wait=10**9))
        kafka_node.console("topics", "delete", topic, "--yes")
        told = waiting.read_fetched(waiting.receive()[1])
        assert told.error == wire.UNKNOWN_TOPIC_OR_PARTITION


def test_a_fetch_waits_for_several_partitions(kafka_node, client):
    name = fresh()
    assert client.create_topic(name, 4) == wire.NONE
    with Wire(kafka_node) as waiting:
        body = waiting.fetch_body(name, 0, max_wait=10**9)
        one = i32(0) + i32(-1) + i64(0) + i64(-1) + i32(1 << 25)
        four = b"".join(i32(index) + one[4:] for index in range(4))
        assert body.count(i32(1) + one) == 1
        waiting.send(wire.FETCH, 11, body.replace(i32(1) + one,
                                                  i32(4) + four))
        assert client.produce(name, batch(b"a"), partition=2).base == 0
        answer = waiting.receive()[1]
        answer.i32(), answer.i16(), answer.i32()
        told = answer.array(lambda: (answer.string(), answer.array(lambda: (
            answer.i32(), answer.i16(), answer.i64(), answer.i64(),
            answer.i64(), answer.array(answer.i64), answer.i32(),
            answer.data()))))
        assert [(one[0], len(one[-1]) > 0) for one in told[0][1]] == [
            (0, False), (1, False), (2, True), (3, False)]


def test_there_are_no_fetch_sessions(client, filled):
    # Session id 0 in every answer says so; read_fetched() looks.
    assert client.fetch(filled, 0, session=(0, 0)).error == wire.NONE
    assert client.fetch(filled, 0, session=(0, -1)).error == wire.NONE
    assert client.fetch(filled, 0, session=(5, 1)).error == (
        wire.FETCH_SESSION_ID_NOT_FOUND)


def test_topics_are_fetched_by_their_id(client, filled):
    topic_id = client.topic_id(filled)
    told = client.fetch_by_id(topic_id, 4)
    assert wire.values(told.records) == numbers(4)
    assert client.fetch_by_id(topic_id, 0, partition=1).error == (
        wire.UNKNOWN_TOPIC_OR_PARTITION)
    for unknown in bytes(16), bytes([topic_id[0] ^ 1]) + topic_id[1:]:
        assert client.fetch_by_id(unknown, 0).error == wire.UNKNOWN_TOPIC_ID


def test_leader_epochs_are_checked(client, filled):
    epoch = client.list_offset(filled, -1).epoch
    assert epoch >= 0
    assert client.fetch(filled, 0, epoch=epoch).error == wire.NONE
    newer = epoch + 1
    assert client.fetch(filled, 0, epoch=newer, max_wait=10**6).error == (
        wire.UNKNOWN_LEADER_EPOCH)
    assert client.list_offset(filled, -1, epoch=newer).error == (
        wire.UNKNOWN_LEADER_EPOCH)
    assert client.epoch_end(filled, epoch, current=newer)[0] == (
        wire.UNKNOWN_LEADER_EPOCH)
    if epoch > 0:
        assert client.fetch(filled, 0, epoch=epoch - 1).error == (
            wire.FENCED_LEADER_EPOCH)
    assert client.epoch_end(filled, epoch) == (wire.NONE, epoch, 10)
    assert client.epoch_end(filled, 2**31 - 1)[2] == 10


# -- offsets, topics and the rest ----------------------------------------------

def test_special_times_of_list_offsets(client, filled, topic):
    def told(time_):
        answer = client.list_offset(filled, time_)
        return answer.error, answer.time, answer.offset
    assert told(-1) == (wire.NONE, -1, 10)
    assert told(-2) == (wire.NONE, -1, 0)
    assert told(-3) == (wire.NONE, 1005, 5)
    assert told(-4) == (wire.NONE, -1, 0)
    assert told(-100)[0] == wire.UNSUPPORTED_FOR_MESSAGE_FORMAT
    assert told(0) == (wire.NONE, 1000, 0)
    assert told(1001) == (wire.NONE, 1004, 4)
    assert told(1005) == (wire.NONE, 1005, 5)
    assert told(1006) == (wire.NONE, -1, -1)
    assert told(2**63 - 1) == (wire.NONE, -1, -1)


def test_times_of_an_empty_partition(client, topic):
    for time_ in -3, 0, NOW:
        told = client.list_offset(topic, time_)
        assert (told.error, told.time, told.offset) == (wire.NONE, -1, -1)


def test_topics_are_created_only_where_the_client_allows_it(client):
    name = fresh()
    assert client.metadata([name]) == {
        name: (wire.UNKNOWN_TOPIC_OR_PARTITION, 0)}
    assert client.metadata([name], create=True) == {name: (wire.NONE, 4)}
    assert client.metadata([name]) == {name: (wire.NONE, 4)}
    assert client.metadata(None)[name] == (wire.NONE, 4)
    assert client.metadata([]) == {}


@pytest.mark.parametrize("name", [
    "", ".", "..", "a b", "a/b", "ä", "a" * 250])
def test_names_that_cannot_be_are_refused(client, name):
    assert client.create_topic(name) == wire.INVALID_TOPIC
    assert client.metadata([name], create=True) == {
        name: (wire.INVALID_TOPIC, 0)}


def test_topics_are_created_as_they_are_asked_for(client):
    name = fresh()
    assert client.create_topic(name, 3, only_check=True) == wire.NONE
    assert client.metadata([name])[name][0] != wire.NONE
    assert client.create_topic(name, 3) == wire.NONE
    assert client.metadata([name]) == {name: (wire.NONE, 3)}
    assert client.create_topic(name, 3) == wire.TOPIC_ALREADY_EXISTS
    for partitions in 0, -2, 2**31 - 1:
        assert client.create_topic(fresh(), partitions) == (
            wire.INVALID_PARTITIONS)
    for replicas in 0, 2, -2:
        assert client.create_topic(fresh(), 1, replicas) == (
            wire.INVALID_REPLICATION_FACTOR)


def test_there_is_a_coordinator_or_a_word_that_there_is_none(client):
    answer = client.call(wire.FIND_COORDINATOR, 0, wire.string("group"))
    assert answer.i16() in (wire.NONE, wire.COORDINATOR_NOT_AVAILABLE)
