"""Batches of an idempotent producer that come twice, too early or too late, sent
by a client that does so on purpose."""

import pytest
import wire
from clients import fresh
from wire import Wire, batch

LAST = 2**31 - 1


class Sender:
    """One producer id; `send` tells what became of records with these
    sequences: their offset, or the error."""

    def __init__(self, client, topic=None):
        self.client = client
        error, self.id, self.epoch = client.producer_id()
        assert (error, self.epoch) == (wire.NONE, 0)
        self.topic = topic or fresh()
        if topic is None:
            assert client.create_topic(self.topic, 2) == wire.NONE

    def send(self, first, count=1, epoch=None, partition=0):
        told = self.client.produce(self.topic, batch(
            *(b"%d" % (first + i & LAST) for i in range(count)),
            producer=(self.id, self.epoch if epoch is None else epoch, first)),
            partition)
        return told.base if told.error == wire.NONE else -told.error

    def stored(self, partition=0):
        """The values, and that their offsets have no gap."""
        found = wire.values(self.client.fetch(
            self.topic, 0, partition=partition).records)
        assert [offset for offset, _ in found] == list(range(len(found)))
        return [int(value) for _, value in found]


GAP = -wire.OUT_OF_ORDER_SEQUENCE_NUMBER
OLD = -wire.INVALID_PRODUCER_EPOCH


@pytest.fixture
def client(kafka_node):
    with Wire(kafka_node) as made:
        yield made


@pytest.fixture
def sender(client):
    return Sender(client)


def test_every_producer_gets_an_id_of_its_own(client):
    told = [client.producer_id() for _ in range(50)]
    assert all((error, epoch) == (wire.NONE, 0) for error, _, epoch in told)
    assert len({producer for _, producer, _ in told}) == 50


def test_transactions_are_not_begun(client):
    error, producer, _ = client.producer_id("transaction")
    assert error != wire.NONE and producer == -1


def test_a_batch_sent_again_keeps_its_offset(sender):
    assert [sender.send(0, 3), sender.send(3, 2), sender.send(5)] == [0, 3, 5]
    assert [sender.send(3, 2), sender.send(0, 3), sender.send(5)] == [3, 0, 5]
    assert sender.send(6) == 6
    assert sender.stored() == list(range(7))


def test_the_last_five_batches_are_known(sender):
    assert [sender.send(i) for i in range(7)] == list(range(7))
    assert [sender.send(i) for i in range(2, 7)] == list(range(2, 7))
    assert sender.send(1) in (GAP, -46)
    assert sender.stored() == list(range(7))


def test_a_gap_is_refused_until_it_is_filled(sender):
    assert sender.send(0, 2) == 0
    assert [sender.send(3), sender.send(2 + 5, 2), sender.send(LAST)] == [
        GAP] * 3
    assert [sender.send(2), sender.send(3)] == [2, 3]
    assert sender.stored() == list(range(4))


def test_part_of_a_batch_sent_again_is_refused(sender):
    assert sender.send(0, 4) == 0
    for first, count in (0, 3), (1, 3), (2, 4), (3, 1), (0, 5):
        assert sender.send(first, count) in (GAP, -46)
    assert sender.send(4) == 4
    assert sender.stored() == list(range(5))


def test_sequences_are_counted_in_each_partition(sender):
    for partition in range(2):
        assert sender.send(0, 2, partition=partition) == 0
        assert sender.send(2, partition=partition) == 2
    assert sender.stored(0) == sender.stored(1) == list(range(3))


def test_a_newer_epoch_shuts_the_older_out(sender):
    assert sender.send(0, 2) == 0
    assert sender.send(2, epoch=3) == GAP
    assert sender.send(0, epoch=3) == 2
    assert [sender.send(2), sender.send(0, 2), sender.send(1, epoch=2)] == [
        OLD] * 3
    assert sender.send(1, epoch=3) == 3
    assert sender.stored() == [0, 1, 0, 1]


def test_sequences_go_on_from_the_largest_to_zero(sender):
    """A producer of which nothing is known may begin anywhere."""
    assert sender.send(LAST - 3, 3) == 0
    assert sender.send(LAST - 1) == GAP
    assert sender.send(LAST) == 3
    assert sender.send(1) == GAP
    assert [sender.send(0, 2), sender.send(2)] == [4, 6]
    assert [sender.send(LAST), sender.send(0, 2)] == [3, 4]
    assert sender.stored() == [LAST - 3, LAST - 2, LAST - 1, LAST, 0, 1, 2]


def test_a_batch_may_hold_the_step_from_the_largest_to_zero(sender):
    assert sender.send(LAST - 1, 4) == 0
    assert sender.send(LAST - 1, 4) == 0
    assert sender.send(0) == GAP
    assert sender.send(2) == 4
    assert sender.stored() == [LAST - 1, LAST, 0, 1, 2]


def test_the_same_batches_under_way_together_are_stored_once(sender):
    """Ten times the same five, without waiting for an answer."""
    client = sender.client
    sent = [(i % 5, client.send(wire.PRODUCE, 7, client.produce_body(
        sender.topic, batch(b"%d" % (i % 5),
                            producer=(sender.id, 0, i % 5)))))
        for i in range(50)]
    for sequence, correlation in sent:
        told, answer = client.receive()
        assert told == correlation
        produced = client.read_produced(answer)
        assert (produced.error, produced.base) == (wire.NONE, sequence)
    assert sender.stored() == list(range(5))


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_new_process_knows_what_the_last_one_stored(start_node, end):
    node = start_node()
    with Wire(node) as client:
        sender = Sender(client)
        assert [sender.send(i * 2, 2) for i in range(8)] == list(
            range(0, 16, 2))
        other = Sender(client, sender.topic)
        assert other.send(0) == 16
        assert other.send(0, epoch=1) == 17
    getattr(node, end)()
    with Wire(start_node()) as client:
        sender.client = other.client = client
        assert [sender.send(i * 2, 2) for i in range(3, 8)] == list(
            range(6, 16, 2))
        assert sender.send(18) == GAP
        assert sender.send(16) == 18
        assert [other.send(1), other.send(0)] == [OLD] * 2
        assert other.send(0, epoch=1) == 17
        assert len(sender.stored()) == 19
        assert client.producer_id()[1] not in (sender.id, other.id)
