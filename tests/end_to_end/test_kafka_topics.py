"""Topics in the hands of Kafka's administrators: settings, deletion of records
and of whole topics, while others read and write."""

import confluent_kafka
import herald
import pytest
import wire
from clients import administrator, consumer, fresh, kcat, read_from, send
from confluent_kafka import TopicPartition
from confluent_kafka.admin import (AlterConfigOpType, ConfigEntry,
                                   ConfigResource, NewTopic, ResourceType)
from wire import Wire, batch


class Administrator:
    """Every call returns None or what was asked for, and raises what the node
    says against it."""

    def __init__(self, node):
        self.client = administrator(node)

    @staticmethod
    def only(answers):
        answer, = answers.values()
        return answer.result(herald.PATIENCE)

    def create(self, topic, partitions=1, **settings):
        self.only(self.client.create_topics([NewTopic(
            topic, partitions, config=self.named(settings))]))

    def delete(self, topic):
        self.only(self.client.delete_topics([topic]))

    def delete_records(self, topic, up_to):
        """The new start of the log."""
        return self.only(self.client.delete_records(
            [TopicPartition(topic, 0, up_to)])).low_watermark

    def settings(self, name, kind=ResourceType.TOPIC):
        return self.only(self.client.describe_configs(
            [ConfigResource(kind, name)]))

    def set(self, topic, **settings):
        self.change(topic, AlterConfigOpType.SET, settings)

    def unset(self, topic, name):
        self.change(topic, AlterConfigOpType.DELETE, {name: None})

    def change(self, topic, operation, settings):
        self.only(self.client.incremental_alter_configs([ConfigResource(
            ResourceType.TOPIC, topic, incremental_configs=[
                ConfigEntry(name, value, incremental_operation=operation)
                for name, value in self.named(settings).items()])]))

    @staticmethod
    def named(settings):
        return {name.replace("_", "."): value
                for name, value in settings.items()}


@pytest.fixture(scope="module")
def admin(kafka_node):
    return Administrator(kafka_node)


@pytest.fixture
def client(kafka_node):
    with Wire(kafka_node) as made:
        yield made


def refused(call, *arguments, **options):
    with pytest.raises(confluent_kafka.KafkaException) as problem:
        call(*arguments, **options)
    return problem.value.args[0].name()


def write(node, topic, *values, **settings):
    """The errors' names, None where there is none."""
    reports = send(node, [
        {"topic": topic, "partition": 0, "value": value} for value in values],
        **settings)
    return [error and error.name() for error, _ in reports]


# -- settings ------------------------------------------------------------------

def test_settings_are_told_and_changed(admin):
    topic = fresh()
    admin.create(topic, retention_ms="3600000", cleanup_policy="compact")
    told = admin.settings(topic)
    assert told["retention.ms"].value == "3600000"
    assert told["cleanup.policy"].value == "compact"
    assert told["max.message.bytes"].value == "1048588"
    assert not told["retention.ms"].is_default
    assert told["max.message.bytes"].is_default
    admin.set(topic, retention_ms="7200000", max_message_bytes="1000")
    admin.unset(topic, "cleanup.policy")
    told = admin.settings(topic)
    assert [told[name].value for name in (
        "retention.ms", "max.message.bytes", "cleanup.policy")] == [
            "7200000", "1000", "delete"]


def test_settings_that_cannot_be_change_nothing(admin):
    topic = fresh()
    assert refused(admin.create, topic, retention_ms="soon") == (
        "INVALID_CONFIG")
    assert refused(admin.create, topic, no_such_setting="1") == (
        "INVALID_CONFIG")
    admin.create(topic)
    for settings in {"retention_ms": "soon"}, {"no_such": "1"}, {
            "cleanup_policy": "burn"}, {"max_message_bytes": "-1"}, {
                "retention_ms": "1000", "max_message_bytes": "many"}:
        assert refused(admin.set, topic, **settings) == "INVALID_CONFIG"
    assert admin.settings(topic)["retention.ms"].is_default
    assert refused(admin.settings, fresh()) == "UNKNOWN_TOPIC_OR_PART"
    assert refused(admin.set, fresh(), retention_ms="1") == (
        "UNKNOWN_TOPIC_OR_PART")


def test_the_broker_tells_its_settings(admin):
    told = admin.settings("0", ResourceType.BROKER)
    assert told["num.partitions"].value == "4"
    assert told["auto.create.topics.enable"].value == "true"


def test_settings_of_heralds_topics_are_only_read(admin):
    assert admin.settings("match")["retention.ms"].value == "-1"
    assert refused(admin.set, "match", retention_ms="1") == (
        "TOPIC_AUTHORIZATION_FAILED")


def test_the_largest_message_is_a_setting(kafka_node, admin):
    """The client's own bound is lifted."""
    topic = fresh()
    admin.create(topic)
    large = {"message_max_bytes": 30 << 20}
    assert write(kafka_node, topic, bytes(2 << 20), **large) == [
        "MSG_SIZE_TOO_LARGE"]
    admin.set(topic, max_message_bytes=str(24 << 20))
    assert write(kafka_node, topic, bytes(20 << 20), **large) == [None]
    message, = read_from(kafka_node, topic, 1)
    assert message.value() == bytes(20 << 20)
    assert write(kafka_node, topic, bytes(25 << 20), **large) == [
        "MSG_SIZE_TOO_LARGE"]
    admin.set(topic, max_message_bytes="200")
    assert write(kafka_node, topic, bytes(300), b"small") in (
        ["MSG_SIZE_TOO_LARGE", None], ["MSG_SIZE_TOO_LARGE"] * 2)


def test_a_compacted_topic_wants_keys(kafka_node, admin, client):
    topic = fresh()
    admin.create(topic, cleanup_policy="compact")
    assert client.produce(topic, batch(b"no key")).error == (
        wire.INVALID_RECORD)
    keyed = batch(payload=wire.record(0, b"v", key=b"k"), count=1)
    assert client.produce(topic, keyed).error == wire.NONE
    assert kcat(kafka_node, "-C", "-q", "-e", "-t", topic, "-f", "%k=%s"
                ) == "k=v"


def test_the_time_of_the_append_is_a_setting(kafka_node, admin, client):
    topic = fresh()
    admin.create(topic, message_timestamp_type="LogAppendTime")
    told = client.produce(topic, batch(b"a", b"b", time=1000))
    assert told.error == wire.NONE and told.append_time > 1_600_000_000_000
    stored, = wire.batches(client.fetch(topic, 0).records)
    assert stored.attributes & 8 and stored.max_time == told.append_time
    for message in read_from(kafka_node, topic, 2):
        assert message.timestamp() == (
            confluent_kafka.TIMESTAMP_LOG_APPEND_TIME, told.append_time)


# -- deletion ------------------------------------------------------------------

def test_deleted_records_are_gone_for_every_reader(kafka_node, admin, client):
    topic = fresh()
    admin.create(topic)
    for i in range(10):
        assert client.produce(topic, batch(b"%d" % i)).base == i
    assert admin.delete_records(topic, 4) == 4
    assert client.fetch(topic, 3).error == wire.OFFSET_OUT_OF_RANGE
    told = client.fetch(topic, 4)
    assert (told.error, told.log_start, told.end) == (wire.NONE, 4, 10)
    assert client.list_offset(topic, -2).offset == 4
    assert kcat(kafka_node, "-C", "-q", "-e", "-t", topic, "-o", "beginning",
                "-f", "%o ") == "4 5 6 7 8 9 "
    reader = consumer(kafka_node, auto_offset_reset="earliest")
    reader.assign([TopicPartition(topic, 0, 0)])
    assert reader.poll(herald.PATIENCE).offset() == 4
    reader.close()
    # The same again, and less: nothing to do.
    assert admin.delete_records(topic, 4) == 4
    assert admin.delete_records(topic, 2) == 4
    assert refused(admin.delete_records, topic, 11) == "OFFSET_OUT_OF_RANGE"
    assert admin.delete_records(topic, confluent_kafka.OFFSET_END) == 10
    assert client.produce(topic, batch(b"next")).base == 10


def test_a_producer_is_known_when_its_records_are_gone(admin, client):
    topic = fresh()
    admin.create(topic)
    _, producer, epoch = client.producer_id()

    def produce(sequence):
        return client.produce(topic, batch(
            b"a", producer=(producer, epoch, sequence)))
    assert [produce(i).base for i in range(3)] == [0, 1, 2]
    assert admin.delete_records(topic, 3) == 3
    assert produce(2).base == 2
    assert produce(4).error == wire.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert produce(3).base == 3


def test_a_deleted_topic_is_gone_and_its_name_begins_anew(
        kafka_node, admin, client):
    topic = fresh()
    admin.create(topic, 2)
    old = client.topic_id(topic)
    _, producer, epoch = client.producer_id()
    first = batch(b"a", b"b", producer=(producer, epoch, 0))
    assert client.produce(topic, first).base == 0
    admin.delete(topic)
    assert client.metadata([topic])[topic][0] == (
        wire.UNKNOWN_TOPIC_OR_PARTITION)
    for told in (client.fetch(topic, 0), client.produce(topic, batch(b"c")),
                 client.list_offset(topic, -1)):
        assert told.error == wire.UNKNOWN_TOPIC_OR_PARTITION
    assert client.fetch_by_id(old, 0).error == wire.UNKNOWN_TOPIC_ID
    assert refused(admin.delete, topic) == "UNKNOWN_TOPIC_OR_PART"
    admin.create(topic, 3)
    assert client.metadata([topic]) == {topic: (wire.NONE, 3)}
    new = client.topic_id(topic)
    assert new != old
    assert client.fetch_by_id(old, 0).error == wire.UNKNOWN_TOPIC_ID
    told = client.fetch_by_id(new, 0)
    assert (told.error, told.end) == (wire.NONE, 0)
    # The producer of the old topic is unknown in the new one.
    assert client.produce(topic, first).base == 0
    assert wire.values(client.fetch(topic, 0).records) == [
        (0, b"a"), (1, b"b")]


def test_heralds_topics_are_not_deleted(admin):
    for topic in "match", "player", "_schemas":
        assert refused(admin.delete, topic) == "TOPIC_AUTHORIZATION_FAILED"


def test_a_fetch_that_waits_survives_its_topic(kafka_node, admin, client):
    topic = fresh()
    admin.create(topic)
    with Wire(kafka_node) as waiting:
        waiting.send(wire.FETCH, 11, waiting.fetch_body(
            topic, 0, max_wait=1_000))
        admin.delete(topic)
        assert waiting.read_fetched(waiting.receive()[1]).error == (
            wire.UNKNOWN_TOPIC_OR_PARTITION)
        waiting.send(wire.FETCH, 11, waiting.fetch_body(
            topic, 0, max_wait=100))
        assert waiting.read_fetched(waiting.receive()[1]).error == (
            wire.UNKNOWN_TOPIC_OR_PARTITION)


def test_a_topic_is_deleted_while_it_is_written_and_read(
        kafka_node, admin, client):
    """Whatever the writers are told, they are told something."""
    for _ in range(5):
        topic = fresh()
        admin.create(topic)
        with Wire(kafka_node) as writer, Wire(kafka_node) as reader:
            sent = []
            for i in range(40):
                sent.append(writer.send(wire.PRODUCE, 7, writer.produce_body(
                    topic, batch(b"%d" % i))))
                reader.send(wire.FETCH, 11, reader.fetch_body(topic, 0))
            admin.delete(topic)
            for correlation in sent:
                told, answer = writer.receive()
                assert told == correlation
                assert writer.read_produced(answer).error in (
                    wire.NONE, wire.UNKNOWN_TOPIC_OR_PARTITION)
                assert reader.read_fetched(reader.receive()[1]).error in (
                    wire.NONE, wire.UNKNOWN_TOPIC_OR_PARTITION,
                    wire.OFFSET_OUT_OF_RANGE)


def test_what_an_administrator_did_outlives_the_node(start_node):
    node = start_node()
    admin = Administrator(node)
    admin.create("kept", retention_ms="3600000")
    admin.create("gone")
    with Wire(node) as client:
        for i in range(5):
            assert client.produce("kept", batch(b"%d" % i)).base == i
            assert client.produce("gone", batch(b"%d" % i)).base == i
        topic_id = client.topic_id("kept")
    admin.delete_records("kept", 3)
    admin.delete("gone")
    node.kill()
    node = start_node()
    admin = Administrator(node)
    assert admin.settings("kept")["retention.ms"].value == "3600000"
    with Wire(node) as client:
        assert client.topic_id("kept") == topic_id
        assert client.metadata(["gone"])["gone"][0] == (
            wire.UNKNOWN_TOPIC_OR_PARTITION)
        told = client.fetch("kept", 3)
        assert (told.log_start, wire.values(told.records)) == (
            3, [(3, b"3"), (4, b"4")])
    assert node.stop() == herald.OK
    done = herald.herald("verify", node.data)
    assert done.returncode == herald.OK, done.stdout + done.stderr
