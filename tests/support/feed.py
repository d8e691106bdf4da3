"""A client of the live feed, and the fold that turns its frames into a state."""

import copy
import json

import msgpack
from websockets.sync.client import connect

from herald import PATIENCE


class Feed:
    """One WebSocket to /v1/feed."""

    def __init__(self, node, encoding="json"):
        self.encoding = encoding
        self.socket = connect(
            f"ws://{node.host}:{node.port}/v1/feed",
            subprotocols=[f"herald.v1.{encoding}"], max_size=None,
            compression=None, open_timeout=PATIENCE)

    def send(self, frame):
        self.socket.send(json.dumps(frame) if self.encoding == "json"
                         else msgpack.packb(frame))

    def receive(self, patience=PATIENCE):
        """The next frame."""
        message = self.socket.recv(timeout=patience)
        if self.encoding == "json":
            assert isinstance(message, str), "JSON comes in text frames"
            return json.loads(message)
        assert isinstance(message, bytes), "MessagePack comes in binary frames"
        return msgpack.unpackb(message, strict_map_key=False)

    def ask(self, frame):
        self.send(frame)
        return self.receive()

    def subscribe(self, match, cursor=None, id="a"):
        frame = {"type": "subscribe", "id": id, "match": match}
        if cursor is not None:
            frame["cursor"] = cursor
        self.send(frame)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.socket.close()


def fold(state, patch):
    """A state after an update."""
    state = copy.deepcopy(state)
    state.update(patch.get("set", {}))
    for member, values in patch.get("append", {}).items():
        state.setdefault(member, []).extend(values)
    for member, values in patch.get("upsert", {}).items():
        items = {item["matchId"]: item for item in state.get(member, [])}
        items.update((item["matchId"], item) for item in values)
        state[member] = list(items.values())
    return state
