"""kafkajs, the JavaScript client without librdkafka, against a running node. It
knows no flexible version of the protocol, and reads only in groups; so Python
reads what it wrote."""

import json
import subprocess

import herald
import pytest
import wire
from clients import fresh, read_from
from wire import Wire

FOLDER = herald.ROOT / "tests" / "kafka_port"


class KafkaJs:
    """The script with one connected client; call() gives the result of a task,
    or the name of the error as a KeyError."""

    def __init__(self, node):
        if not (FOLDER / "node_modules").is_dir():
            subprocess.run(["npm", "ci", "--no-audit", "--no-fund",
                            "--loglevel=error"], cwd=FOLDER, check=True)
        self.process = subprocess.Popen(
            ["node", "kafkajs.mjs", node.kafka], cwd=FOLDER, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def call(self, **task):
        self.process.stdin.write(json.dumps(task) + "\n")
        self.process.stdin.flush()
        told = json.loads(self.process.stdout.readline())
        if "error" in told:
            raise KeyError(told["error"])
        return told["result"]

    def produce(self, topic, *messages, **options):
        return self.call(topic=topic, messages=messages, **options)

    def admin(self, call, argument=None):
        task = {"call": call}
        return self.call(**task if argument is None else {
            **task, "argument": argument})

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(herald.PATIENCE) == 0


@pytest.fixture(scope="module")
def kafkajs(kafka_node):
    made = KafkaJs(kafka_node)
    yield made
    made.close()


@pytest.fixture
def topic(kafkajs):
    name = fresh()
    assert kafkajs.admin("createTopics", {"topics": [
        {"topic": name, "numPartitions": 1}]}) is True
    return name


@pytest.mark.parametrize("options", [
    {}, {"acks": 1}, {"idempotent": True}, {"gzip": True},
    {"idempotent": True, "gzip": True, "maxInFlightRequests": 1}], ids=str)
def test_what_kafkajs_writes_is_read(kafka_node, kafkajs, topic, options):
    for first in 0, 3:
        told, = kafkajs.produce(topic, *(
            {"key": f"k{i}", "value": f"value {i} " * 20, "partition": 0,
             "timestamp": str(1_700_000_000_000 + i),
             "headers": {"a": str(i), "b": ""}}
            for i in range(first, first + 3)), **options)
        assert (told["topicName"], told["partition"], told["errorCode"],
                told["baseOffset"]) == (topic, 0, 0, str(first))
    for i, message in enumerate(read_from(kafka_node, topic, 6)):
        assert message.key() == b"k%d" % i
        assert message.value() == b"value %d " % i * 20
        assert message.timestamp()[1] == 1_700_000_000_000 + i
        assert message.headers() == [("a", b"%d" % i), ("b", b"")]
    with Wire(kafka_node) as client:
        stored = wire.batches(client.fetch(topic, 0).records)
    assert {batch.codec for batch in stored} == {int("gzip" in options)}
    assert all((batch.producer[0] >= 0) == ("idempotent" in options)
               for batch in stored)


def test_without_acknowledgements(kafka_node, kafkajs, topic):
    assert kafkajs.produce(
        topic, {"value": "a", "partition": 0}, acks=0) == []
    message, = read_from(kafka_node, topic, 1)
    assert message.value() == b"a"


def test_a_tombstone_is_null(kafka_node, kafkajs, topic):
    kafkajs.produce(topic, {"key": "k", "value": None, "partition": 0})
    message, = read_from(kafka_node, topic, 1)
    assert (message.key(), message.value()) == (b"k", None)


def test_a_topic_is_made_on_first_use(kafka_node, kafkajs):
    topic = fresh()
    told = kafkajs.produce(topic, *(
        {"key": f"k{i}", "value": "v"} for i in range(100)))
    assert {one["partition"] for one in told} == set(range(4))
    with Wire(kafka_node) as client:
        assert client.metadata([topic]) == {topic: (wire.NONE, 4)}


def test_the_aggregates_topics_are_only_read(kafkajs):
    with pytest.raises(KeyError, match="TOPIC_AUTHORIZATION_FAILED"):
        kafkajs.produce("match", {"value": "a"})


def test_an_administrator_asks(kafka_node, kafkajs, topic):
    kafkajs.produce(topic, *(
        {"value": "v", "partition": 0, "timestamp": str(1000 + i)}
        for i in range(10)))
    assert topic in kafkajs.admin("listTopics")
    described, = kafkajs.admin("fetchTopicMetadata", {"topics": [topic]})[
        "topics"]
    assert described["name"] == topic
    assert [(one["partitionId"], one["leader"], one["isr"])
            for one in described["partitions"]] == [(0, 0, [0])]
    assert kafkajs.admin("fetchTopicOffsets", topic) == [
        {"partition": 0, "offset": "10", "high": "10", "low": "0"}]
    cluster = kafkajs.admin("describeCluster")
    assert [(one["nodeId"], f"{one['host']}:{one['port']}")
            for one in cluster["brokers"]] == [(0, kafka_node.kafka)]
    assert cluster["controller"] == 0 and len(cluster["clusterId"]) == 22


def test_an_administrator_makes_topics(kafkajs, topic):
    def create(**asked):
        return kafkajs.admin("createTopics", {"topics": [asked]})
    name = fresh()
    assert create(topic=name, numPartitions=3) is True
    assert create(topic=name, numPartitions=3) is False
    with pytest.raises(KeyError, match="INVALID_REPLICATION_FACTOR"):
        create(topic=fresh(), numPartitions=1, replicationFactor=3)
    with pytest.raises(KeyError, match="INVALID_TOPIC_EXCEPTION"):
        create(topic="no topic", numPartitions=1)
