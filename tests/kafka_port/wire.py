"""A small client of the Kafka protocol that sends exactly what a test says,
right or wrong. Only versions without compact fields, but for the two APIs that
name topics by id."""

import socket
import struct
import zlib
from collections import namedtuple

import herald

# API keys.
PRODUCE, FETCH, LIST_OFFSETS, METADATA = 0, 1, 2, 3
FIND_COORDINATOR, API_VERSIONS, CREATE_TOPICS = 10, 18, 19
INIT_PRODUCER_ID, OFFSET_FOR_LEADER_EPOCH = 22, 23

# Errors.
NONE = 0
OFFSET_OUT_OF_RANGE = 1
CORRUPT_MESSAGE = 2
UNKNOWN_TOPIC_OR_PARTITION = 3
MESSAGE_TOO_LARGE = 10
COORDINATOR_NOT_AVAILABLE = 15
INVALID_TOPIC = 17
INVALID_REQUIRED_ACKS = 21
TOPIC_AUTHORIZATION_FAILED = 29
INVALID_TIMESTAMP = 32
UNSUPPORTED_VERSION = 35
TOPIC_ALREADY_EXISTS = 36
INVALID_PARTITIONS = 37
INVALID_REPLICATION_FACTOR = 38
INVALID_REQUEST = 42
UNSUPPORTED_FOR_MESSAGE_FORMAT = 43
OUT_OF_ORDER_SEQUENCE_NUMBER = 45
INVALID_PRODUCER_EPOCH = 47
INVALID_TXN_STATE = 48
FETCH_SESSION_ID_NOT_FOUND = 70
FENCED_LEADER_EPOCH = 74
UNKNOWN_LEADER_EPOCH = 75
UNSUPPORTED_COMPRESSION_TYPE = 76
INVALID_RECORD = 87
UNKNOWN_TOPIC_ID = 100

CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}


# -- encoding ------------------------------------------------------------------

def i8(value):
    return struct.pack(">b", value)


def i16(value):
    return struct.pack(">h", value)


def i32(value):
    return struct.pack(">i", value)


def i64(value):
    return struct.pack(">q", value)


def string(text):
    if text is None:
        return i16(-1)
    raw = text.encode()
    return i16(len(raw)) + raw


def data(raw):
    return i32(-1) if raw is None else i32(len(raw)) + raw


def array(items):
    items = list(items)
    return i32(len(items)) + b"".join(items)


def uvarint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])


def varint(value):
    return uvarint((value << 1) ^ (value >> 63))


def compact_string(text):
    if text is None:
        return uvarint(0)
    raw = text.encode()
    return uvarint(len(raw) + 1) + raw


def compact_array(items):
    items = list(items)
    return uvarint(len(items) + 1) + b"".join(items)


NO_TAGS = uvarint(0)


class Reader:
    """Takes an answer apart, in order."""

    def __init__(self, raw):
        self.raw = raw
        self.at = 0

    def take(self, size):
        assert 0 <= size <= len(self.raw) - self.at, (size, self.raw[self.at:])
        self.at += size
        return self.raw[self.at - size:self.at]

    def number(self, form):
        return struct.unpack(">" + form, self.take(struct.calcsize(form)))[0]

    def i8(self):
        return self.number("b")

    def i16(self):
        return self.number("h")

    def i32(self):
        return self.number("i")

    def i64(self):
        return self.number("q")

    def uvarint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def varint(self):
        value = self.uvarint()
        return (value >> 1) ^ -(value & 1)

    def string(self):
        size = self.i16()
        return None if size < 0 else self.take(size).decode()

    def data(self):
        size = self.i32()
        return None if size < 0 else self.take(size)

    def array(self, item):
        return [item() for _ in range(self.i32())]

    def compact_data(self):
        size = self.uvarint()
        return None if size == 0 else self.take(size - 1)

    def compact_string(self):
        raw = self.compact_data()
        return None if raw is None else raw.decode()

    def compact_array(self, item):
        return [item() for _ in range(self.uvarint() - 1)]

    def tags(self):
        for _ in range(self.uvarint()):
            self.uvarint()
            self.take(self.uvarint())

    def end(self):
        assert self.at == len(self.raw), self.raw[self.at:]


# -- record batches ------------------------------------------------------------

def _crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _crc_table()


def crc32c(raw):
    crc = 0xFFFFFFFF
    for byte in raw:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def record(delta, value, key=None, time_delta=0):
    def field(raw):
        return varint(-1) if raw is None else varint(len(raw)) + raw
    body = (i8(0) + varint(time_delta) + varint(delta) + field(key)
            + field(value) + varint(0))
    return varint(len(body)) + body


def records(*values):
    return b"".join(record(i, value) for i, value in enumerate(values))


def batch(*values, payload=None, codec="none", attributes=0, count=None,
          last_delta=None, time=1_700_000_000_000, max_time=None,
          producer=(-1, -1, -1), crc=None, length=None, magic=2):
    """A record batch of these values, or of `payload` as its records. Whatever
    is named replaces what would be right; the CRC still fits."""
    if payload is None:
        payload = records(*values)
    if codec == "gzip":
        squeeze = zlib.compressobj(1, zlib.DEFLATED, 31)
        payload = squeeze.compress(payload) + squeeze.flush()
    count = len(values) if count is None else count
    body = (i16(attributes | CODECS[codec])
            + i32(count - 1 if last_delta is None else last_delta)
            + i64(time) + i64(time if max_time is None else max_time)
            + struct.pack(">qhi", *producer) + i32(count) + payload)
    crc = crc32c(body) if crc is None else crc
    length = len(body) + 9 if length is None else length
    return (i64(0) + i32(length) + i32(0) + i8(magic)
            + struct.pack(">I", crc) + body)


Batch = namedtuple(
    "Batch", "base codec attributes last_delta time max_time producer count "
    "payload raw")


def batches(raw):
    """The batches of an answer to a fetch."""
    found = []
    while raw:
        reader = Reader(raw)
        base, size = reader.i64(), reader.i32()
        assert 12 + size <= len(raw), "a batch is cut off"
        reader.i32()
        assert reader.i8() == 2
        crc = reader.number("I")
        assert crc == crc32c(raw[reader.at:12 + size]), "a CRC does not fit"
        attributes, last_delta = reader.i16(), reader.i32()
        times = reader.i64(), reader.i64()
        producer = reader.i64(), reader.i16(), reader.i32()
        count = reader.i32()
        found.append(Batch(
            base, attributes & 7, attributes, last_delta, *times, producer,
            count, raw[reader.at:12 + size], raw[:12 + size]))
        raw = raw[12 + size:]
    return found


def values(raw):
    """(offset, value) of every record of uncompressed or gzip batches."""
    found = []
    for one in batches(raw):
        assert one.codec < 2
        reader = Reader(zlib.decompress(one.payload, 31) if one.codec
                        else one.payload)
        for _ in range(one.count):
            inner = Reader(reader.take(reader.varint()))
            inner.i8()
            inner.varint()
            offset = one.base + inner.varint()
            for _ in range(2):
                size = inner.varint()
                value = None if size < 0 else inner.take(size)
            found.append((offset, value))
        reader.end()
    return found


# -- a connection --------------------------------------------------------------

Produced = namedtuple("Produced", "error base append_time log_start")
Fetched = namedtuple("Fetched", "error end log_start records")
Offset = namedtuple("Offset", "error time offset epoch")


class Closed(Exception):
    """The node has closed the connection."""


class Wire:
    """One connection, as a context."""

    def __init__(self, node):
        host, port = node.kafka.rsplit(":", 1)
        self.socket = socket.create_connection(
            (host, int(port)), timeout=herald.PATIENCE)
        self.correlation = 0

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.socket.close()

    def send_raw(self, raw):
        try:
            self.socket.sendall(raw)
        except (BrokenPipeError, ConnectionResetError):
            raise Closed from None

    def send(self, key, version, body, flexible=False):
        """Sends a request and returns its correlation id."""
        self.correlation += 1
        frame = (i16(key) + i16(version) + i32(self.correlation)
                 + string("wire") + (NO_TAGS if flexible else b"") + body)
        self.send_raw(i32(len(frame)) + frame)
        return self.correlation

    def take(self, size):
        taken = b""
        while len(taken) < size:
            try:
                piece = self.socket.recv(size - len(taken))
            except ConnectionResetError:
                piece = b""
            if not piece:
                raise Closed
            taken += piece
        return taken

    def receive(self):
        """Correlation id and rest of the next answer."""
        answer = Reader(self.take(struct.unpack(">i", self.take(4))[0]))
        return answer.i32(), answer

    def call(self, key, version, body, flexible=False):
        sent = self.send(key, version, body, flexible)
        correlation, answer = self.receive()
        assert correlation == sent
        if flexible:
            answer.tags()
        return answer

    def is_closed(self):
        """Waits until the node closes the connection, without an answer."""
        try:
            self.take(1)
        except Closed:
            return True
        return False

    # -- requests

    def api_versions(self, version=0, body=b"", flexible=False):
        """error, {key: (lowest, highest)}"""
        self.send(API_VERSIONS, version, body, flexible)
        answer = self.receive()[1]
        error = answer.i16()
        ranges = answer.array(
            lambda: (answer.i16(), answer.i16(), answer.i16()))
        return error, {key: (low, high) for key, low, high in ranges}, answer

    def topic_id(self, name):
        answer = self.call(METADATA, 12, compact_array(
            [bytes(16) + compact_string(name) + NO_TAGS])
            + i8(1) + i8(0) + NO_TAGS, flexible=True)
        answer.i32()
        answer.compact_array(lambda: (
            answer.i32(), answer.compact_string(), answer.i32(),
            answer.compact_string(), answer.tags()))
        answer.compact_string()
        answer.i32()
        assert answer.uvarint() == 2
        assert answer.i16() == NONE
        assert answer.compact_string() == name
        return answer.take(16)

    def create_topic(self, name, partitions=1, replicas=1, only_check=False):
        """The error."""
        answer = self.call(CREATE_TOPICS, 4, array([
            string(name) + i32(partitions) + i16(replicas) + array([])
            + array([])]) + i32(30_000) + i8(only_check))
        answer.i32()
        told = answer.array(
            lambda: (answer.string(), answer.i16(), answer.string()))
        answer.end()
        assert [one[0] for one in told] == [name]
        return told[0][1]

    def metadata(self, topics, create=False):
        """{topic: (error, partitions)}"""
        answer = self.call(METADATA, 4, (
            i32(-1) if topics is None else array(map(string, topics)))
            + i8(create))
        answer.i32()
        answer.array(lambda: (answer.i32(), answer.string(), answer.i32(),
                              answer.string()))
        answer.string()
        answer.i32()

        def partition():
            answer.i16(), answer.i32(), answer.i32()
            answer.array(answer.i32), answer.array(answer.i32)
        told = answer.array(lambda: (
            answer.i16(), answer.string(), answer.i8(),
            len(answer.array(partition))))
        answer.end()
        return {name: (error, partitions)
                for error, name, _, partitions in told}

    @staticmethod
    def produce_body(topic, raw, partition=0, acks=-1, version=7):
        return ((string(None) if version >= 3 else b"") + i16(acks)
                + i32(30_000) + array([string(topic) + array(
                    [i32(partition) + data(raw)])]))

    @staticmethod
    def read_produced(answer):
        told = answer.array(lambda: (answer.string(), answer.array(lambda: (
            answer.i32(), Produced(answer.i16(), answer.i64(), answer.i64(),
                                   answer.i64())))))
        answer.i32()
        answer.end()
        return told[0][1][0][1]

    def produce(self, topic, raw, partition=0, acks=-1, version=7):
        """What became of a batch; versions 5 to 7."""
        return self.read_produced(self.call(
            PRODUCE, version,
            self.produce_body(topic, raw, partition, acks, version)))

    @staticmethod
    def fetch_body(topic, at, partition=0, max_wait=0, min_bytes=1,
                   max_bytes=1 << 25, partition_bytes=1 << 25, session=(0, -1),
                   epoch=-1, version=11):
        asked = (i32(partition) + (i32(epoch) if version >= 9 else b"")
                 + i64(at) + (i64(-1) if version >= 5 else b"")
                 + i32(partition_bytes))
        return (i32(-1) + i32(max_wait) + i32(min_bytes) + i32(max_bytes)
                + i8(0) + (i32(session[0]) + i32(session[1])
                           if version >= 7 else b"")
                + array([string(topic) + array([asked])])
                + (array([]) if version >= 7 else b"")
                + (string("") if version >= 11 else b""))

    @staticmethod
    def read_fetched(answer, version=11):
        answer.i32()
        error = answer.i16() if version >= 7 else NONE
        if version >= 7:
            assert answer.i32() == 0, "there are no fetch sessions"

        def partition():
            index, error, end, _ = (
                answer.i32(), answer.i16(), answer.i64(), answer.i64())
            start = answer.i64() if version >= 5 else None
            answer.array(lambda: (answer.i64(), answer.i64()))
            if version >= 11:
                answer.i32()
            return index, Fetched(error, end, start, answer.data())
        told = answer.array(
            lambda: (answer.string(), answer.array(partition)))
        answer.end()
        if error:
            assert not told
            return Fetched(error, None, None, b"")
        return told[0][1][0][1]

    def fetch(self, topic, at, version=11, **options):
        """One partition from an offset on; versions 5 to 11."""
        return self.read_fetched(self.call(FETCH, version, self.fetch_body(
            topic, at, version=version, **options)), version)

    def fetch_by_id(self, topic_id, at, partition=0):
        """The same with version 13."""
        answer = self.call(FETCH, 13, i32(-1) + i32(0) + i32(1) + i32(1 << 20)
                           + i8(0) + i32(0) + i32(-1) + compact_array([
                               topic_id + compact_array([
                                   i32(partition) + i32(-1) + i64(at) + i32(-1)
                                   + i64(-1) + i32(1 << 20) + NO_TAGS])
                               + NO_TAGS])
                           + compact_array([]) + compact_string("") + NO_TAGS,
                           flexible=True)
        answer.i32()
        assert answer.i16() == NONE and answer.i32() == 0

        def partition_answer():
            _, error, end, _, start = (answer.i32(), answer.i16(),
                                       answer.i64(), answer.i64(),
                                       answer.i64())
            answer.compact_array(lambda: (answer.i64(), answer.i64(),
                                          answer.tags()))
            answer.i32()
            told = Fetched(error, end, start, answer.compact_data())
            answer.tags()
            return told

        def topic_answer():
            assert answer.take(16) == topic_id
            told = answer.compact_array(partition_answer)
            answer.tags()
            return told
        told = answer.compact_array(topic_answer)
        answer.tags()
        answer.end()
        return told[0][0]

    def list_offset(self, topic, time, partition=0, epoch=-1):
        answer = self.call(LIST_OFFSETS, 5, i32(-1) + i8(0) + array([
            string(topic) + array([
                i32(partition) + i32(epoch) + i64(time)])]))
        answer.i32()
        told = answer.array(lambda: (answer.string(), answer.array(lambda: (
            answer.i32(), Offset(answer.i16(), answer.i64(), answer.i64(),
                                 answer.i32())))))
        answer.end()
        return told[0][1][0][1]

    def epoch_end(self, topic, epoch, partition=0, current=-1):
        """error, epoch, end offset"""
        answer = self.call(OFFSET_FOR_LEADER_EPOCH, 3, i32(-1) + array([
            string(topic) + array([
                i32(partition) + i32(current) + i32(epoch)])]))
        answer.i32()
        told = answer.array(lambda: (answer.string(), answer.array(lambda: (
            answer.i16(), answer.i32(), answer.i32(), answer.i64()))))
        answer.end()
        error, _, epoch, end = told[0][1][0]
        return error, epoch, end

    def producer_id(self, transactional=None):
        """error, id, epoch"""
        answer = self.call(
            INIT_PRODUCER_ID, 1, string(transactional) + i32(60_000))
        answer.i32()
        told = answer.i16(), answer.i64(), answer.i16()
        answer.end()
        return told
