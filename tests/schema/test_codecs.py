"""Herald's codecs against those of other people: fastavro, msgpack and json of
Python read what Herald wrote and write what Herald reads, and fastavro resolves
older schemas to the same values."""

import base64
import copy
import io
import json
import math
import os
import random
import struct
import subprocess
from pathlib import Path

import fastavro
import msgpack
import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("HERALD_BUILD_DIR", ROOT / "build"))


class Probe:
    """codec_probe: one request a line, one answer a line."""

    def __init__(self):
        self.process = subprocess.Popen(
            [BUILD / "tests" / "schema" / "codec_probe"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, request):
        self.process.stdin.write(request + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().rstrip("\n")
        assert not answer.startswith("error: "), answer
        return answer

    def convert(self, source, target, data):
        return bytes.fromhex(self.ask(f"{source} {target} {data.hex()}"))

    def resolve(self, writer_schema, data):
        schema = json.dumps(writer_schema).encode()
        return json.loads(bytes.fromhex(
            self.ask(f"resolve {schema.hex()} {data.hex()}")))

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=10) == 0


@pytest.fixture(scope="module")
def probe():
    running = Probe()
    yield running
    running.close()


@pytest.fixture(scope="module")
def schema_json(probe):
    return json.loads(probe.ask("schema"))


@pytest.fixture(scope="module")
def schema(schema_json):
    return fastavro.parse_schema(copy.deepcopy(schema_json))


def single(x):
    """The float of 32 bits nearest to x."""
    return struct.unpack("<f", struct.pack("<f", x))[0]


def text(rng):
    return "".join(
        chr(rng.choice([rng.randrange(0x20), rng.randrange(0x20, 0x7f),
                        rng.randrange(0x7f, 0xd800),
                        rng.randrange(0xe000, 0x110000)]))
        for _ in range(rng.randrange(12)))


def real(rng):
    return rng.choice([0.0, -0.0, 0.1, 1e300, -5e-324, rng.random() * 1e6,
                       float(rng.randrange(-10**6, 10**6)), 1e20])


def any_value(schema, rng):
    """A random value of a schema as parsed from JSON, as fastavro has it."""
    match schema:
        case "boolean":
            return rng.random() < 0.5
        case "int":
            return rng.choice([0, -1, 2**31 - 1, -2**31,
                               rng.randrange(-1000, 1000)])
        case "long":
            return rng.choice([0, -1, 2**63 - 1, -2**63,
                               rng.randrange(-2**40, 2**40)])
        case "float":
            return single(rng.choice([0.5, -1.25, rng.random(), 1e30]))
        case "double":
            return real(rng)
        case "string":
            return text(rng)
        case "bytes":
            return rng.randbytes(rng.randrange(8))
        case ["null", inside]:
            return any_value(inside, rng) if rng.random() < 0.5 else None
        case {"type": "array", "items": items}:
            return [any_value(items, rng) for _ in range(rng.randrange(4))]
        case {"type": "map", "values": values}:
            return {text(rng): any_value(values, rng)
                    for _ in range(rng.randrange(4))}
        case {"type": "record", "name": name, "fields": fields}:
            RECORDS[schema["namespace"] + "." + name] = schema
            return {x["name"]: any_value(x["type"], rng) for x in fields}
        case name:
            return any_value(RECORDS[name], rng)


RECORDS = {}


def without_nulls(value):
    """As MessagePack and JSON have it: absent fields are left out."""
    if isinstance(value, dict):
        return {k: without_nulls(v) for k, v in value.items()
                if v is not None}
    if isinstance(value, list):
        return [without_nulls(v) for v in value]
    return value


def in_json(value):
    """Bytes as base64."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {k: in_json(v) for k, v in value.items()}
    if isinstance(value, list):
        return [in_json(v) for v in value]
    return value


def with_singles(value):
    """JSON's shortest text of a 32-bit float is another double."""
    return {**value, "single": single(value["single"])}


def write_avro(schema, value):
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, value)
    return out.getvalue()


def read_avro(schema, data):
    return fastavro.schemaless_reader(io.BytesIO(data), schema)


@pytest.fixture(scope="module")
def values(schema_json):
    rng = random.Random(20240611)
    return [any_value(schema_json, rng) for _ in range(200)]


def test_fastavro_accepts_the_schema_and_its_defaults(schema, schema_json):
    assert fastavro.schema.fullname(schema) == "herald.sample.Everything"
    # fastavro leaves the default of bytes a string, so that is given.
    least = {x["name"]: any_value(x["type"], random.Random(1))
             for x in schema_json["fields"]
             if "default" not in x or x["type"] == "bytes"}
    read = read_avro(schema, write_avro(schema, least))
    assert read["revision"] == 1
    assert read["source"] == 'a "file"'
    assert read["bounty"] == {"first": True, "kills": 2}
    assert read["maybeTeam"] is None


def test_avro_of_fastavro_is_read_and_written_byte_for_byte(
        probe, schema, values):
    for value in values:
        data = write_avro(schema, value)
        pack = probe.convert("avro", "msgpack", data)
        back = probe.convert("msgpack", "avro", pack)
        # Herald sorts the keys of maps, so compare values.
        assert read_avro(schema, back) == value
        assert len(back) == len(data)


def test_msgpack_of_python_is_read_and_reads_ours(probe, schema, values):
    for value in values:
        wanted = without_nulls(value)
        ours = probe.convert("avro", "msgpack", write_avro(schema, value))
        read = msgpack.unpackb(ours)
        assert read == wanted
        assert type(read["real"]) is float
        assert math.copysign(1, read["real"]) == math.copysign(
            1, value["real"])
        theirs = msgpack.packb(wanted)
        assert read_avro(
            schema, probe.convert("msgpack", "avro", theirs)) == value


def test_json_of_python_is_read_and_reads_ours(probe, schema, values):
    for value in values:
        wanted = in_json(without_nulls(value))
        ours = probe.convert("avro", "json", write_avro(schema, value))
        assert with_singles(json.loads(ours)) == wanted
        for ascii_only in (True, False):
            theirs = json.dumps(wanted, ensure_ascii=ascii_only).encode()
            assert read_avro(
                schema, probe.convert("json", "avro", theirs)) == value


def changed(schema, name, **change):
    """The schema with a field's description changed."""
    result = copy.deepcopy(schema)
    for x in result["fields"]:
        if x["name"] == name:
            x.update(change)
            x.pop("default", None)
            return result
    raise KeyError(name)


def removed(schema, *names):
    """The schema before these fields were added."""
    result = copy.deepcopy(schema)
    result["fields"] = [x for x in result["fields"]
                        if x["name"] not in names]
    return result


def added(schema, *fields):
    """The schema when it still had these fields, at its beginning."""
    result = copy.deepcopy(schema)
    result["fields"] = list(fields) + result["fields"]
    return result


def reordered(schema):
    """Record definitions move along with the fields that use them first."""
    result = copy.deepcopy(schema)
    fields = result["fields"]
    free = [x for x in fields if "herald.sample" not in json.dumps(x)]
    bound = [x for x in fields if "herald.sample" in json.dumps(x)]
    result["fields"] = list(reversed(free)) + bound
    return result


OLD_RECORD = {"type": "record", "name": "Old", "namespace": "herald.sample",
              "fields": [{"name": "a", "type": "string"},
                         {"name": "next", "type": ["null", "Old"]}]}

OLDER_WRITERS = {
    "the same": lambda s: s,
    "fields were added": lambda s: removed(
        s, "revision", "source", "confidence", "stolen", "key", "none",
        "bounty", "maybeTruth", "maybeTeam", "maybeNumbers"),
    "fields were removed": lambda s: added(
        s, {"name": "old1", "type": "string"},
        {"name": "old2", "type": {"type": "array", "items": "double"}},
        {"name": "old3", "type": {"type": "map", "values": ["null", "int"]}},
        {"name": "old4", "type": OLD_RECORD},
        {"name": "old5", "type": {"type": "enum", "name": "E",
                                  "symbols": ["A", "B"]}}),
    "fields were moved": reordered,
    "int became long": lambda s: changed(s, "large", type="int"),
    "int became float": lambda s: changed(s, "single", type="int"),
    "int became double": lambda s: changed(s, "real", type="int"),
    "long became double": lambda s: changed(s, "real", type="long"),
    "float became double": lambda s: changed(s, "real", type="float"),
    "bytes became string": lambda s: changed(s, "text", type="bytes"),
    "string became bytes": lambda s: changed(s, "raw", type="string"),
    "plain became optional": lambda s: changed(s, "maybeLarge", type="long"),
    "items were promoted": lambda s: changed(
        s, "maybeList", type=["null", {"type": "array", "items": "int"}]),
    "entries were promoted": lambda s: changed(
        s, "challenges", type={"type": "map", "values": "int"}),
    "a union lost branches": lambda s: changed(
        s, "maybeLarge", type=["string", "null", "int"]),
    "a union changed its order": lambda s: changed(
        s, "maybeText", type=["string", "null"]),
}


def writer_value(schema, rng):
    """A value that today's reader can hold: no branch that is gone, numbers
    that stay exact and text that is UTF-8."""
    match schema:
        case "int" | "long":
            return rng.randrange(-2**20, 2**20)
        case "float" | "double":
            return rng.randrange(-2**20, 2**20) / 4
        case "bytes":
            return text(rng).encode()
        case {"type": "enum", "symbols": symbols}:
            return rng.choice(symbols)
        case [*branches]:
            known = [x for x in branches
                     if x != "string" or len(branches) == 2]
            return writer_value(rng.choice(known), rng)
        case "null":
            return None
        case {"type": "array", "items": items}:
            return [writer_value(items, rng) for _ in range(rng.randrange(4))]
        case {"type": "map", "values": values}:
            return {text(rng): writer_value(values, rng)
                    for _ in range(rng.randrange(4))}
        case {"type": "record", "name": name, "fields": fields}:
            RECORDS[schema["namespace"] + "." + name] = schema
            return {x["name"]: writer_value(x["type"], rng) for x in fields}
        case "Old":
            return {"a": text(rng), "next": None}
        case str() if schema in RECORDS:
            return writer_value(RECORDS[schema], rng)
        case _:
            return any_value(schema, rng)


@pytest.mark.parametrize("change", OLDER_WRITERS)
def test_older_data_is_resolved_as_fastavro_does(
        probe, schema, schema_json, change):
    writer_json = OLDER_WRITERS[change](schema_json)
    writer = fastavro.parse_schema(copy.deepcopy(writer_json))
    rng = random.Random(change)
    for _ in range(50):
        data = write_avro(writer, writer_value(writer_json, rng))
        wanted = fastavro.schemaless_reader(io.BytesIO(data), writer, schema)
        # fastavro leaves strings and bytes as they were.
        if isinstance(wanted["text"], bytes):
            wanted["text"] = wanted["text"].decode()
        if isinstance(wanted["raw"], str):
            wanted["raw"] = wanted["raw"].encode()
        if isinstance(wanted["key"], str):
            wanted["key"] = wanted["key"].encode("latin-1")
        assert with_singles(probe.resolve(writer_json, data)) == in_json(
            without_nulls(wanted))


def test_blocks_with_sizes_are_read(probe, schema, values):
    """Writers may give the size of a block; Java's does."""
    value = dict(values[0], list=[1, 2, 3])
    plain = write_avro(schema, value)
    blocks = bytes.fromhex("06020406" "00")
    sized = bytes.fromhex("0506020406" "00")
    assert plain.count(blocks) == 1
    data = plain.replace(blocks, sized)
    assert read_avro(schema, probe.convert("avro", "avro", data)) == value
