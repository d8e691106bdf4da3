"""Kafka's clients as tests use them: kcat, and librdkafka through Python."""

import itertools
import subprocess

import confluent_kafka
import herald
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

_names = itertools.count()


def fresh(name="topic"):
    """A topic's name that no other test of this run uses."""
    return f"{name}-{next(_names)}"


def kcat(node, *arguments, stdin=None, good=True):
    """Runs kcat to its end. Standard output as text; with good=False the
    finished process."""
    done = subprocess.run(
        ["kcat", "-b", node.kafka, *map(str, arguments)], text=True,
        input=stdin, capture_output=True, timeout=herald.PATIENCE,
        stdin=subprocess.DEVNULL if stdin is None else None)
    if not good:
        return done
    assert done.returncode == 0, done.stderr
    return done.stdout


def address_of(node):
    return node if isinstance(node, str) else node.kafka


def configured(node, settings):
    """A setting's dots are written as underscores. librdkafka's own lines on
    standard error are left out."""
    return {"bootstrap.servers": address_of(node), "log_level": 0,
            **{name.replace("_", "."): value
               for name, value in settings.items()}}


def producer(node, **settings):
    return confluent_kafka.Producer(configured(node, settings))


def administrator(node, **settings):
    return AdminClient(configured(node, settings))


def consumer(node, **settings):
    """A consumer that commits nothing and belongs to no group."""
    return confluent_kafka.Consumer({
        "group.id": "none", "enable.auto.commit": False,
        "enable.auto.offset.store": False, "auto.offset.reset": "error",
        **configured(node, settings)})


def know(client, topic):
    """Lets a client look for a topic now; by itself librdkafka looks once a
    second for those that it did not find at first."""
    client.list_topics(topic, timeout=herald.PATIENCE)


def send(node, messages, **settings):
    """Sends messages, each what Producer.produce takes, and returns their
    reports in the order of acknowledgement: (error or None, message)."""
    reports = []
    sender = producer(node, **settings)
    for topic in {message["topic"] for message in messages}:
        know(sender, topic)
    for message in messages:
        sender.produce(
            **message, on_delivery=lambda *report: reports.append(report))
        sender.poll(0)
    assert sender.flush(herald.PATIENCE) == 0
    return reports


def read(reader, count):
    """The next `count` messages of a consumer that has its partitions."""
    found = []
    while len(found) < count:
        message = reader.poll(herald.PATIENCE)
        assert message is not None, f"only {len(found)} of {count} came"
        assert message.error() is None, message.error()
        found.append(message)
    return found


def kept_consumer(node):
    """A consumer without an assignment that tests share: while there are no
    groups, librdkafka takes up to a second to begin and to end one. Its fetches
    wait for a moment only, since librdkafka turns to another position when the
    one under way has ended."""
    address = address_of(node)
    if address not in _kept:
        if len(_kept) == 2:
            _kept.clear()
        _kept[address] = consumer(node, fetch_wait_max_ms=10)
    return _kept[address]


_kept = {}


def read_from(node, topic, count, partition=0, at=0):
    """The next `count` messages of a partition from an offset on."""
    reader = kept_consumer(node)
    know(reader, topic)
    reader.assign([TopicPartition(topic, partition, at)])
    try:
        return read(reader, count)
    finally:
        reader.unassign()


class MockBroker:
    """librdkafka's own broker in memory."""

    def __init__(self):
        self._keeper = confluent_kafka.Producer({"test.mock.num.brokers": 1})
        broker, = self._keeper.list_topics(
            timeout=herald.PATIENCE).brokers.values()
        self.kafka = f"{broker.host}:{broker.port}"
