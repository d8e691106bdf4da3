"""Records what real clients and a real broker say to each other, for the golden
bytes of the codec's tests:

    build/venv/bin/python tests/kafka/record_frames.py [FOLDER]
    build/venv/bin/python tests/kafka/record_frames.py \\
        --broker 127.0.0.1:9092 --java 'kafka/libs/*' [FOLDER]

The first takes kcat to the broker that librdkafka carries for its own tests, so
that nothing needs to be installed. The second takes clients to an Apache Kafka
that listens on the loopback address, is fresh and makes topics of several
partitions on first use (num.partitions=4): librdkafka, kafkajs (from npm) and,
with --java, Kafka's own programs.

A proxy between them writes the frames down and lets the broker's answers lead
back to itself. One file per client goes to FOLDER (tests/kafka/golden), with a
line for each frame:

    request <key> <version> <hex of the frame without its size>
    response <key> <version> <hex>

Only the first few frames of a kind are kept, and none that is large."""

import argparse
import contextlib
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from confluent_kafka import (Consumer, KafkaException, Producer, TopicPartition,
                             libversion)
from confluent_kafka.admin import (AdminClient, AlterConfigOpType, ConfigEntry,
                                   ConfigResource, NewPartitions, NewTopic,
                                   OffsetSpec)

HERE = Path(__file__).resolve().parent
SAME_KIND_MAX = 12
FRAME_BYTES_MAX = 5000
LOOPBACK = b"127.0.0.1"


class Recording:
    """Frames in the order in which they were seen."""

    def __init__(self):
        self.lines = []
        self.seen = {}
        self.lock = threading.Lock()

    def add(self, kind, key, version, frame):
        # The correlation id alone makes no frame worth keeping.
        at = 4 if kind == "request" else 0
        content = frame[:at] + frame[at + 4:]
        with self.lock:
            seen = self.seen.setdefault((kind, key, version), set())
            if (content in seen or len(seen) >= SAME_KIND_MAX
                    or len(frame) > FRAME_BYTES_MAX):
                return
            seen.add(content)
            self.lines.append(f"{kind} {key} {version} {frame.hex()}")


def receive(connection, size):
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def receive_frame(connection):
    return receive(connection, struct.unpack(">i", receive(connection, 4))[0])


class Proxy:
    """Forwards frames to a broker and records them."""

    def __init__(self, broker_port, recording):
        self.broker_port = broker_port
        self.recording = recording
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client = self.listener.accept()[0]
                broker = socket.create_connection(
                    ("127.0.0.1", self.broker_port))
                waiting = {}
                for target in (self.forward_requests, self.forward_responses):
                    threading.Thread(target=target, daemon=True,
                                     args=(client, broker, waiting)).start()

    def forward_requests(self, client, broker, waiting):
        with contextlib.suppress(OSError, EOFError):
            while True:
                frame = receive_frame(client)
                key, version, correlation = struct.unpack(">hhi", frame[:8])
                waiting[correlation] = key, version
                self.recording.add("request", key, version, frame)
                broker.sendall(struct.pack(">i", len(frame)) + frame)
        with contextlib.suppress(OSError):
            broker.shutdown(socket.SHUT_RDWR)

    def forward_responses(self, client, broker, waiting):
        with contextlib.suppress(OSError, EOFError):
            while True:
                frame = receive_frame(broker)
                key, version = waiting.pop(struct.unpack(">i", frame[:4])[0])
                self.recording.add("response", key, version, frame)
                # Clients connect to where the broker says it is.
                frame = frame.replace(
                    LOOPBACK + struct.pack(">i", self.broker_port),
                    LOOPBACK + struct.pack(">i", self.port))
                client.sendall(struct.pack(">i", len(frame)) + frame)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.listener.close()


@contextlib.contextmanager
def mock_broker():
    """Gives the address of a broker within librdkafka."""
    owner = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "mock",
                      "log_level": 2})
    yield next(iter(owner.list_topics(timeout=30).brokers.values())).port
    owner.flush(1)


def kcat(address, *arguments, text=None):
    done = subprocess.run(
        ["kcat", "-b", address, "-X", "log_level=2", *arguments], input=text,
        capture_output=True, text=True, timeout=60)
    if done.returncode:
        print("kcat", *arguments, "->", done.stderr.strip(), file=sys.stderr)
    return done.stdout


def record_kcat(address):
    kcat(address, "-L")
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        kcat(address, "-P", "-t", "games", "-p", "0", "-z", codec, "-K", ":",
             "-H", "kind=match", "-X", "linger.ms=50",
             text=f"EUW1_1:{'first ' * 20}\nEUW1_2:{'second ' * 20}\n")
    for acks in ("0", "1", "-1"):
        kcat(address, "-P", "-t", "games", "-p", "1", "-X", f"acks={acks}",
             text="x\n")
    kcat(address, "-P", "-t", "games", "-p", "2", "-X",
         "enable.idempotence=true", text="once\n")
    kcat(address, "-C", "-t", "games", "-p", "0", "-o", "beginning", "-e", "-q")
    kcat(address, "-C", "-t", "games", "-p", "0", "-o", "-1", "-c", "1", "-q")
    kcat(address, "-Q", "-t", "games:0:0")
    kcat(address, "-L", "-t", "games")


def record_librdkafka(address):
    settings = {"bootstrap.servers": address, "log_level": 2}
    producer = Producer({**settings, "compression.type": "zstd"})
    producer.list_topics("games", timeout=30)
    for value in ("first", "second"):
        producer.produce("games", value=value, key="EUW1_1", partition=0)
    producer.flush(30)
    idempotent = Producer({**settings, "enable.idempotence": True})
    idempotent.produce("games", value="once", partition=1)
    idempotent.flush(30)
    # A group id is wanted, but assign() never joins the group.
    consumer = Consumer({**settings, "group.id": "none",
                         "enable.auto.commit": False,
                         "auto.offset.reset": "earliest"})
    consumer.assign([TopicPartition("games", 0, 0)])
    consumer.poll(30)
    consumer.get_watermark_offsets(TopicPartition("games", 0), timeout=30)
    with contextlib.suppress(KafkaException):
        consumer.offsets_for_times([TopicPartition("games", 0, 1)], timeout=5)
    consumer.list_topics(timeout=30)
    consumer.close()
    admin = AdminClient(settings)
    admin.list_offsets(
        {TopicPartition("games", 0): OffsetSpec.latest()})[
            TopicPartition("games", 0)].result(30)


def record_administration(address):
    """What topics and their settings need."""
    admin = AdminClient({"bootstrap.servers": address, "log_level": 2})

    def done(futures):
        for name, future in futures.items():
            try:
                future.result(30)
            except KafkaException as refused:
                print(name, "->", refused.args[0].name(), file=sys.stderr)

    topic = ConfigResource(ConfigResource.Type.TOPIC, "made")
    done(admin.create_topics([
        NewTopic("made", 2, 1, config={"retention.ms": "60000"}),
        NewTopic("wrong/name", 2, 1)]))
    done(admin.create_topics([NewTopic("only-asked", 1, 1)],
                             validate_only=True))
    done(admin.create_partitions([NewPartitions("made", 3)]))
    done(admin.describe_configs([topic]))
    done(admin.incremental_alter_configs([ConfigResource(
        ConfigResource.Type.TOPIC, "made", incremental_configs=[
            ConfigEntry("cleanup.policy", "compact",
                        incremental_operation=AlterConfigOpType.APPEND)])]))
    done(admin.alter_configs([ConfigResource(
        ConfigResource.Type.TOPIC, "made",
        set_config={"retention.bytes": "1000000"})]))
    producer = Producer({"bootstrap.servers": address, "log_level": 2})
    producer.produce("made", value="first", partition=0)
    producer.flush(30)
    place = TopicPartition("made", 0)
    done(admin.list_offsets({place: OffsetSpec.earliest()}))
    done(admin.list_offsets({place: OffsetSpec.max_timestamp()}))
    done(admin.delete_records([TopicPartition("made", 0, 1)]))
    admin.describe_cluster().result(30)
    done(admin.delete_topics(["made", "absent"]))


def record_kafkajs(address):
    with tempfile.TemporaryDirectory() as folder:
        for name in ("package.json", "package-lock.json", "kafkajs.mjs"):
            (Path(folder) / name).write_bytes(
                (HERE / "clients" / name).read_bytes())
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund",
                        "--loglevel=error"], cwd=folder, check=True)
        subprocess.run(["node", "kafkajs.mjs", address], cwd=folder, check=True,
                       timeout=120)


def record_java(address, class_path):
    def run(program, *arguments, text=None):
        done = subprocess.run(["java", "-cp", class_path, program, *arguments],
                              input=text, text=True, capture_output=True,
                              timeout=60)
        if done.returncode:
            print(program, "->", done.stderr.strip()[-300:], file=sys.stderr)

    server = ("--bootstrap-server", address)
    tools = "org.apache.kafka.tools."
    run(tools + "TopicCommand", *server, "--create", "--topic", "java",
        "--partitions", "2", "--config", "segment.bytes=52428800")
    run(tools + "TopicCommand", *server, "--describe", "--topic", "java")
    run(tools + "TopicCommand", *server, "--alter", "--topic", "java",
        "--partitions", "3")
    run("kafka.admin.ConfigCommand", *server, "--alter", "--topic", "java",
        "--add-config", "retention.ms=1000")
    run("kafka.admin.ConfigCommand", *server, "--describe", "--topic", "java")
    run("kafka.tools.ConsoleProducer", *server, "--topic", "java", "--property",
        "parse.key=true", "--property", "key.separator=:",
        text="EUW1_1:first\nEUW1_2:second\n")
    run(tools + "consumer.ConsoleConsumer", *server, "--topic", "java",
        "--partition", "0", "--offset", "earliest", "--timeout-ms", "2000")
    run(tools + "GetOffsetShell", *server, "--topic", "java")
    run(tools + "ClusterTool", "cluster-id", *server)
    run(tools + "TopicCommand", *server, "--delete", "--topic", "java")


def record(folder, name, title, broker_port, client):
    recording = Recording()
    proxy = Proxy(broker_port, recording)
    client(f"127.0.0.1:{proxy.port}")
    # Answers that are still on their way are worth waiting for.
    time.sleep(0.2)
    proxy.close()
    (folder / f"{name}.frames").write_text(
        f"# {title}, by record_frames.py\n" + "\n".join(recording.lines) + "\n")
    print(name, len(recording.lines), "frames")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--broker")
    options.add_argument("--java", metavar="CLASS_PATH")
    options.add_argument("folder", nargs="?", type=Path,
                         default=HERE / "golden")
    options = options.parse_args()
    folder = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    library = f"librdkafka {libversion()[0]}"
    if options.broker:
        port = int(options.broker.rpartition(":")[2])
        record(folder, "librdkafka", f"{library} and Apache Kafka", port,
               record_librdkafka)
        record(folder, "administration", f"{library} and Apache Kafka", port,
               record_administration)
        record(folder, "kafkajs", "kafkajs 2.2.4 and Apache Kafka", port,
               record_kafkajs)
        if options.java:
            record(folder, "java", "Kafka's own programs and Apache Kafka",
                   port, lambda address: record_java(address, options.java))
    else:
        spoken = subprocess.run(["kcat", "-V"], capture_output=True, text=True)
        kcat_library = spoken.stdout.split("librdkafka ")[1].split(" ")[0]
        with mock_broker() as port:
            record(folder, "kcat", f"kcat 1.7.1 on librdkafka {kcat_library} "
                   f"and the mock broker of {library}", port, record_kcat)
    # The threads of the proxies have no end of their own.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
