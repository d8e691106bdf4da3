"""confluent-kafka, the Python client on librdkafka, against a running node."""

import confluent_kafka
import herald
import pytest
from clients import (administrator, consumer, fresh, kcat, kept_consumer,
                     producer, read, read_from, send)
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, TopicPartition
from confluent_kafka.admin import NewTopic, OffsetSpec


@pytest.fixture
def topic(kafka_node):
    """One partition, made by an administrator."""
    name = fresh()
    make(kafka_node, NewTopic(name, num_partitions=1))
    return name


@pytest.fixture
def reader(kafka_node):
    made = kept_consumer(kafka_node)
    yield made
    made.unassign()


def make(node, topic, **options):
    """Raises what the node says against it."""
    admin = administrator(node)
    for done in admin.create_topics([topic], **options).values():
        done.result(herald.PATIENCE)


def numbers(node, topic, count, first=0, partition=0, **settings):
    """Sends the numbers; each record's time is 1000 + its number."""
    reports = send(node, [
        {"topic": topic, "value": b"%d" % i, "partition": partition,
         "timestamp": 1000 + i} for i in range(first, first + count)],
        **settings)
    assert [error for error, _ in reports if error] == []
    return [message.offset() for _, message in reports]


def taken(messages):
    return [int(message.value()) for message in messages]


@pytest.mark.parametrize("settings", [
    {}, {"enable_idempotence": True}, {"acks": 1}, {"linger_ms": 50},
    {"enable_idempotence": True, "batch_num_messages": 7,
     "compression_type": "zstd"}],
    ids=str)
def test_offsets_of_the_reports_are_those_of_the_records(
        kafka_node, topic, settings):
    assert numbers(kafka_node, topic, 100, **settings) == list(range(100))
    messages = read_from(kafka_node, topic, 100)
    assert taken(messages) == list(range(100))
    assert [message.offset() for message in messages] == list(range(100))
    assert [message.timestamp()[1] for message in messages] == list(
        range(1000, 1100))


def test_a_record_comes_back_as_it_was_sent(kafka_node, topic):
    headers = [("a", b"1"), ("a", b""), ("b", None), ("c", bytes(300))]
    (error, sent), = send(kafka_node, [{
        "topic": topic, "key": b"\0key\xff", "value": bytes(range(256)) * 50,
        "headers": headers, "timestamp": 1_700_000_000_123}])
    assert error is None
    message, = read_from(kafka_node, topic, 1)
    assert message.key() == b"\0key\xff"
    assert message.value() == bytes(range(256)) * 50
    assert message.headers() == headers
    assert message.timestamp() == (
        confluent_kafka.TIMESTAMP_CREATE_TIME, 1_700_000_000_123)
    (error, _), = send(kafka_node, [{"topic": topic, "key": None}])
    assert error is None
    message, = read_from(kafka_node, topic, 1, at=1)
    assert (message.key(), message.value(), message.headers()) == (
        None, None, None)


def test_keys_stay_together_and_in_order(kafka_node, reader):
    topic = fresh()
    reports = send(kafka_node, [
        {"topic": topic, "key": b"key %d" % (i % 20), "value": b"%d" % i}
        for i in range(400)], partitioner="murmur2_random",
        enable_idempotence=True)
    assert all(error is None for error, _ in reports)
    partitions = {}
    for _, message in reports:
        partitions.setdefault(message.key(), set()).add(message.partition())
    assert all(len(used) == 1 for used in partitions.values())
    assert len(set.union(*partitions.values())) == 4
    with_keys = {}
    reader.assign([TopicPartition(topic, i, OFFSET_BEGINNING)
                   for i in range(4)])
    for message in read(reader, 400):
        assert {message.partition()} == partitions[message.key()]
        with_keys.setdefault(message.key(), []).append(int(message.value()))
    for key, found in with_keys.items():
        assert found == list(range(int(key.split()[1]), 400, 20))


def test_reading_starts_in_the_middle_of_a_batch(kafka_node, topic):
    numbers(kafka_node, topic, 100, linger_ms=200, compression_type="lz4")
    for at in 1, 50, 99:
        assert taken(read_from(kafka_node, topic, 100 - at, at=at)) == list(
            range(at, 100))


def test_a_consumer_seeks(kafka_node, topic, reader):
    numbers(kafka_node, topic, 50, batch_num_messages=10)
    reader.assign([TopicPartition(topic, 0, 40)])
    assert taken(read(reader, 10)) == list(range(40, 50))
    for at in 5, 49, 0:
        reader.seek(TopicPartition(topic, 0, at))
        assert taken(read(reader, 1)) == [at]
    reader.seek(TopicPartition(topic, 0, OFFSET_BEGINNING))
    assert taken(read(reader, 50)) == list(range(50))
    assert reader.position([TopicPartition(topic, 0)])[0].offset == 50


def test_a_paused_partition_is_silent_until_it_is_resumed(
        kafka_node, reader):
    topic = fresh()
    make(kafka_node, NewTopic(topic, num_partitions=2))
    both = [TopicPartition(topic, i, 0) for i in range(2)]
    reader.assign(both)
    reader.pause(both[:1])
    for partition in range(2):
        numbers(kafka_node, topic, 10, partition=partition)
    assert {message.partition() for message in read(reader, 10)} == {1}
    reader.resume(both[:1])
    messages = read(reader, 10)
    assert {message.partition() for message in messages} == {0}
    assert taken(messages) == list(range(10))


def test_offsets_are_found_by_time(kafka_node, topic, reader):
    numbers(kafka_node, topic, 30, batch_num_messages=10)

    def offset_at(time):
        told, = reader.offsets_for_times(
            [TopicPartition(topic, 0, time)], timeout=herald.PATIENCE)
        assert told.error is None
        return told.offset
    assert [offset_at(time) for time in (0, 1000, 1001, 1015, 1029)] == [
        0, 0, 1, 15, 29]
    assert offset_at(1030) == OFFSET_END


def test_watermarks_are_told(kafka_node, topic, reader):
    def watermarks(**options):
        return reader.get_watermark_offsets(
            TopicPartition(topic, 0), timeout=herald.PATIENCE, **options)
    assert watermarks() == (0, 0)
    numbers(kafka_node, topic, 12)
    assert watermarks() == (0, 12)
    reader.assign([TopicPartition(topic, 0, 0)])
    read(reader, 12)
    assert watermarks(cached=True)[1] == 12


def test_a_waiting_consumer_hears_of_a_record(kafka_node, topic):
    """Each record is sent only when the one before has come, so that every
    fetch waits; the wait of a fetch is far longer than this test may take."""
    patient = consumer(
        kafka_node, fetch_wait_max_ms=290_000, socket_timeout_ms=300_000)
    patient.assign([TopicPartition(topic, 0, 0)])
    sender = producer(kafka_node)
    for i in range(20):
        sender.produce(topic, b"%d" % i, partition=0)
        assert taken(read(patient, 1)) == [i]
    assert sender.flush(herald.PATIENCE) == 0
    patient.close()


def test_an_offset_outside_the_log_is_told(kafka_node, topic, reader):
    numbers(kafka_node, topic, 3)
    reader.assign([TopicPartition(topic, 0, 4)])
    message = reader.poll(herald.PATIENCE)
    assert message.error().code() == (
        confluent_kafka.KafkaError._AUTO_OFFSET_RESET)
    assert "out of range" in message.error().str()


def test_an_administrator_makes_topics(kafka_node):
    def refused(topic, **options):
        with pytest.raises(confluent_kafka.KafkaException) as problem:
            make(kafka_node, topic, **options)
        return problem.value.args[0].name()

    name = fresh("made")
    make(kafka_node, NewTopic(name, num_partitions=3), validate_only=True)
    admin = administrator(kafka_node)

    def topics():
        return admin.list_topics(timeout=herald.PATIENCE).topics
    assert name not in topics()
    make(kafka_node, NewTopic(name, num_partitions=3, replication_factor=1))
    assert len(topics()[name].partitions) == 3
    assert refused(NewTopic(name, num_partitions=3)) == "TOPIC_ALREADY_EXISTS"
    assert refused(NewTopic("no topic", num_partitions=1)) == (
        "TOPIC_EXCEPTION")
    assert refused(NewTopic("audit", num_partitions=1)) in (
        "TOPIC_AUTHORIZATION_FAILED", "TOPIC_ALREADY_EXISTS")
    assert refused(NewTopic(fresh(), num_partitions=0)) == (
        "INVALID_PARTITIONS")
    assert refused(NewTopic(fresh(), 1, replication_factor=2)) == (
        "INVALID_REPLICATION_FACTOR")
    whole = fresh()
    make(kafka_node, NewTopic(whole, num_partitions=-1))
    assert len(topics()[whole].partitions) == 4


def test_an_administrator_lists_offsets_and_describes_the_cluster(
        kafka_node, topic):
    numbers(kafka_node, topic, 5)
    admin = administrator(kafka_node)

    def offset(spec):
        asked = TopicPartition(topic, 0)
        return admin.list_offsets({asked: spec})[asked].result(
            herald.PATIENCE).offset
    assert offset(OffsetSpec.earliest()) == 0
    assert offset(OffsetSpec.latest()) == 5
    assert offset(OffsetSpec.max_timestamp()) == 4
    assert offset(OffsetSpec.for_timestamp(1003)) == 3
    cluster = admin.describe_cluster().result(herald.PATIENCE)
    assert len(cluster.cluster_id) == 22
    assert [(node.id, f"{node.host}:{node.port}") for node in cluster.nodes
            ] == [(0, kafka_node.kafka)]
    assert cluster.controller.id == 0
    described = admin.describe_topics(
        confluent_kafka.TopicCollection([topic]))[topic].result(
            herald.PATIENCE)
    assert len(described.partitions) == 1
    assert str(described.topic_id) not in ("", "AAAAAAAAAAAAAAAAAAAAAA")


def test_a_transactional_producer_is_told_at_once(kafka_node):
    sender = producer(kafka_node, transactional_id="t")
    with pytest.raises(confluent_kafka.KafkaException):
        sender.init_transactions(2)


def test_kcat_reads_what_python_wrote(kafka_node, topic):
    numbers(kafka_node, topic, 10, compression_type="snappy")
    assert kcat(kafka_node, "-C", "-q", "-e", "-t", topic, "-p", 0, "-f",
                "%o:%s ") == "".join(f"{i}:{i} " for i in range(10))
