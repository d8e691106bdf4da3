"""kill -9 of the node under load from real Kafka clients: every acknowledged
record is there once, at its offset and in order, and nothing else is.

HERALD_CYCLES is the number of kills, HERALD_SEED repeats their moments."""

import os
import random
import threading
import time
from collections import Counter

import herald
from clients import administrator, consumer, producer
from confluent_kafka import TopicPartition
from confluent_kafka.admin import NewTopic

CYCLES = int(os.environ.get("HERALD_CYCLES", "100"))
PARTITIONS = 4
# The steady client's records that may be without an answer; it sends no faster
# than this many in a second, so that reading all back stays quick.
UNDER_WAY_MAX = 400
RECORDS_PER_SECOND = 8_000

# Back on the new process at once, and never giving up.
STEADY = {"enable_idempotence": True, "acks": "all", "linger_ms": 1,
          "batch_num_messages": 25, "reconnect_backoff_ms": 5,
          "reconnect_backoff_max_ms": 20, "retry_backoff_ms": 5,
          "message_timeout_ms": 600_000}


class SteadyClient:
    """One idempotent producer that outlives every kill. Its records of a
    partition are numbered from 0 on; `acknowledged[partition][number]` is the
    offset that was told."""

    def __init__(self, address):
        self.producer = producer(address, **STEADY)
        self.sent = [0] * PARTITIONS
        self.acknowledged = [{} for _ in range(PARTITIONS)]
        self.problems = []
        self.answers = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        started = time.monotonic()
        while not self.stopping.is_set():
            sent = sum(self.sent)
            due = (time.monotonic() - started) * RECORDS_PER_SECOND
            if sent < due and len(self.producer) < UNDER_WAY_MAX:
                self.send(sent % PARTITIONS)
                self.producer.poll(0)
            else:
                self.producer.poll(0.002)

    def send(self, partition):
        number = self.sent[partition]
        self.producer.produce(
            "steady", b"%d %d" % (partition, number) + b"x" * (number % 300),
            partition=partition,
            on_delivery=lambda error, message: self.keep(
                error, message, number))
        self.sent[partition] += 1

    def keep(self, error, message, number):
        self.answers += 1
        if error:
            self.problems.append((message.partition(), number, str(error)))
            return
        known = self.acknowledged[message.partition()]
        if known.setdefault(number, message.offset()) != message.offset():
            self.problems.append((message.partition(), number, "twice"))

    def stop(self):
        self.stopping.set()
        self.thread.join()
        assert self.producer.flush(herald.PATIENCE) == 0


class FreshClients:
    """A new producer for each life of the node, so that its producer ids must
    not come again. What is not acknowledged before the kill is given up."""

    def __init__(self, address):
        self.address = address
        self.acknowledged = {}
        self.sent = set()
        self.producer = None

    def begin(self, cycle):
        self.producer = producer(self.address, **STEADY)
        for i in range(5):
            value = b"%d %d" % (cycle, i)
            self.sent.add(value)
            self.producer.produce(
                "fresh", value, partition=0, on_delivery=self.keep)
        self.producer.poll(0)

    def keep(self, error, message):
        if not error:
            self.acknowledged[message.value()] = message.offset()

    def end(self):
        self.producer.poll(0)
        self.producer.purge()
        self.producer.poll(0)
        self.producer = None


def read_all(node, topic, partition):
    """The values from the first offset to the end, which are dense."""
    reader = consumer(node)
    _, end = reader.get_watermark_offsets(
        TopicPartition(topic, partition), timeout=herald.PATIENCE)
    reader.assign([TopicPartition(topic, partition, 0)])
    values = []
    while len(values) < end:
        messages = reader.consume(10_000, timeout=herald.PATIENCE)
        assert messages, f"only {len(values)} of {end} came"
        for message in messages:
            assert message.error() is None, message.error()
            assert message.offset() == len(values)
            values.append(message.value())
    reader.close()
    return values


def check_steady(node, client):
    for partition in range(PARTITIONS):
        values = read_all(node, "steady", partition)
        wanted = client.sent[partition]
        assert values == [
            b"%d %d" % (partition, number) + b"x" * (number % 300)
            for number in range(wanted)], partition
        assert client.acknowledged[partition] == {
            number: number for number in range(wanted)}


def check_fresh(node, clients):
    values = read_all(node, "fresh", 0)
    twice = [value for value, count in Counter(values).items() if count > 1]
    assert not twice
    assert set(values) <= clients.sent
    places = {value: offset for offset, value in enumerate(values)}
    for value, offset in clients.acknowledged.items():
        assert places.get(value) == offset, value
    by_cycle = {}
    for value in values:
        cycle, number = map(int, value.split())
        by_cycle.setdefault(cycle, []).append(number)
    for cycle, numbers in by_cycle.items():
        assert numbers == list(range(len(numbers))), cycle


def test_kills_under_load_lose_nothing_and_double_nothing(start_node):
    chance = random.Random(herald.seed())
    node = start_node()
    admin = administrator(node)
    for done in admin.create_topics(
            [NewTopic("steady", PARTITIONS), NewTopic("fresh", 1)]).values():
        done.result(herald.PATIENCE)
    del admin
    address = node.kafka
    steady, fresh = SteadyClient(address), FreshClients(address)
    begun = time.monotonic()
    down = 0.0
    for cycle in range(CYCLES):
        answers = steady.answers
        fresh.begin(cycle)
        herald.wait_until(lambda: steady.answers > answers or steady.problems,
                          "an acknowledgement")
        time.sleep(chance.uniform(0, 0.2))
        node.kill()
        fresh.end()
        assert not steady.problems, (cycle, steady.problems[:3])
        down -= time.monotonic()
        node = start_node(kafka=address)
        down += time.monotonic()
    steady.stop()
    print(f"{CYCLES} kills in {time.monotonic() - begun:.1f} s, "
          f"{down / CYCLES:.3f} s from start to ready; steady client: "
          f"{sum(steady.sent)} records; fresh clients: "
          f"{len(fresh.acknowledged)} of {len(fresh.sent)} acknowledged")
    assert not steady.problems, steady.problems[:3]
    check_steady(node, steady)
    check_fresh(node, fresh)
    assert node.stop() == herald.OK
    done = herald.herald("verify", node.data)
    assert done.returncode == herald.OK, done.stdout + done.stderr
