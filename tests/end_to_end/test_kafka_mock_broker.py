"""The same work through Herald and through the broker that librdkafka carries
for its own tests: the same records come back, and the same mistakes are told
the same way. Where the two differ on purpose, the test says why."""

import pytest
import wire
from clients import MockBroker, fresh, kept_consumer, producer, read, send
from confluent_kafka import KafkaException, TopicPartition
from wire import Wire, batch


@pytest.fixture(scope="module")
def mock_broker():
    return MockBroker()


@pytest.fixture
def both(kafka_node, mock_broker):
    """Calls a function with each broker; what they return must be equal, and is
    returned."""
    def call(work):
        ours, theirs = work(kafka_node), work(mock_broker)
        assert ours == theirs
        return ours
    return call


def shown(message):
    return (message.partition(), message.offset(), message.key(),
            message.value(), message.headers(), message.timestamp())


@pytest.mark.parametrize("codec", wire.CODECS)
@pytest.mark.parametrize("idempotent", [False, True])
def test_the_same_records_come_back(both, codec, idempotent):
    topic = fresh()

    def work(broker):
        reports = send(broker, [{
            "topic": topic, "partition": i % 4,
            "key": None if i % 5 == 0 else b"key %d" % i,
            "value": None if i % 7 == 0 else b"value %d " % i * (i % 40),
            "headers": [("a", b"%d" % i), ("b", None)] if i % 3 else None,
            "timestamp": 1_700_000_000_000 + i} for i in range(400)],
            compression_type=codec, enable_idempotence=idempotent,
            batch_num_messages=30)
        told = sorted((error, message.partition(), message.offset())
                      for error, message in reports)
        reader = kept_consumer(broker)
        reader.assign([TopicPartition(topic, i, 0) for i in range(4)])
        records = sorted(map(shown, read(reader, 400)), key=lambda one: one[:2])
        reader.unassign()
        return told, records
    told, records = both(work)
    assert len(told) == len(records) == 400
    assert not any(error for error, _, _ in told)


def test_keys_go_to_the_same_partitions(both):
    topic = fresh()
    for partitioner in "consistent_random", "murmur2_random", "fnv1a":
        placed = both(lambda broker: sorted(
            (message.key(), message.partition()) for _, message in send(
                broker, [{"topic": topic, "key": b"EUW1_%d" % (i * 7919)}
                         for i in range(100)], partitioner=partitioner)))
        assert {partition for _, partition in placed} == set(range(4))


def test_positions_are_told_the_same_way(both):
    topic = fresh()

    def work(broker):
        send(broker, [{"topic": topic, "partition": 0, "value": b"%d" % i}
                      for i in range(10)])
        reader = kept_consumer(broker)
        told = [reader.get_watermark_offsets(
            TopicPartition(topic, partition), timeout=60)
            for partition in range(2)]
        reader.assign([TopicPartition(topic, 0, 7)])
        told.append([message.value() for message in read(reader, 3)])
        reader.seek(TopicPartition(topic, 0, 2))
        told.append([message.value() for message in read(reader, 8)])
        reader.unassign()
        return told
    assert both(work)[:2] == [(0, 10), (0, 0)]


def test_mistakes_of_a_client_are_told_the_same_way(both):
    topic = fresh()

    def work(broker):
        told = []
        sender = producer(broker)
        sender.produce(topic, b"a", partition=0)
        assert sender.flush(60) == 0
        for partition in 4, 1000:
            try:
                sender.produce(
                    topic, b"a", partition=partition,
                    on_delivery=lambda error, _: told.append(error.name()))
                assert sender.flush(60) == 0
            except KafkaException as problem:
                told.append(problem.args[0].name())
        reader = kept_consumer(broker)
        reader.assign([TopicPartition(topic, 0, 5)])
        told.append(reader.poll(60).error().name())
        reader.unassign()
        return told
    assert both(work) == ["_UNKNOWN_PARTITION"] * 2 + ["_AUTO_OFFSET_RESET"]


def test_mistakes_on_the_wire_are_told_the_same_way(both):
    topic = fresh()

    def work(broker):
        told = []
        with Wire(broker) as client:
            assert client.metadata([topic], create=True)[topic] == (
                wire.NONE, 4)
            told.append(client.produce(topic, batch(b"a", b"b")).base)
            told.append(client.produce(topic, batch(b"c")).base)
            for at in 3, 1000, -5:
                told.append(client.fetch(topic, at).error)
            told.append(client.fetch(topic, 0, partition=9).error)
            told.append(client.produce(topic, batch(b"a"), partition=9).error)
            told.append(client.list_offset(topic, -1, partition=9).error)
            told.append(client.fetch(topic, 0, epoch=99).error)
            told.append(wire.values(client.fetch(topic, 2).records))
            told.append(wire.values(client.fetch(
                topic, 0, partition_bytes=1).records))
            told.append([client.list_offset(topic, time).offset
                         for time in (-1, -2)])
        return told
    told = both(work)
    assert told[:2] == [0, 2]
    assert told[2:9] == [
        wire.NONE, wire.OFFSET_OUT_OF_RANGE, wire.OFFSET_OUT_OF_RANGE,
        *[wire.UNKNOWN_TOPIC_OR_PARTITION] * 3,
        wire.UNKNOWN_LEADER_EPOCH]


def test_an_unknown_version_of_api_versions_is_told_the_same_way(both):
    def work(broker):
        with Wire(broker) as client:
            client.send(wire.API_VERSIONS, 100, b"\x02a\x02b\0", True)
            return client.receive()[1].i16()
    assert both(work) == wire.UNSUPPORTED_VERSION
