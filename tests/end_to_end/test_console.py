"""`herald console`: one-shot commands, commands from a pipe, the prompt."""

import json
import os
import pty
import select
import subprocess
import time

import pytest

import herald
from herald import DAMAGED, FAILURE, OK, USAGE, herald as run, import_documents


@pytest.fixture
def filled(node, games):
    import_documents(node.url, games)
    return node


def test_every_command_answers_with_json(filled, games):
    finished = sorted(games.glob("*.match.json"))
    some_match = finished[0].name.split(".")[0]
    status = filled.console("status")
    assert isinstance(status, dict) and status
    topics = filled.console("topics")
    assert {topic["topic"] for topic in topics} >= {
        "match", "player", "riot.raw", "dead-letter"}
    events = filled.console("events", "match", "--limit", "5")
    assert len(events) == 5
    matches = filled.console("matches", "--limit", "100")
    assert len(matches) == len(finished)
    assert len(filled.console("matches", "--limit", "3")) == 3
    assert filled.console("match", some_match)["matchId"] == some_match
    assert filled.console("actors")
    assert filled.console("dead-letters") == []
    assert filled.console("help")
    report = filled.console("verify")
    assert report["sound"] and report["problems"] == []
    assert report["records"] > 2 * len(finished)


def test_a_running_node_finds_a_flipped_bit_in_its_log(filled):
    """One byte of a record's key, in the file under the node's feet."""
    key = filled.events("match")[0]["subject"].encode()
    file = filled.data / "log" / "data.mdb"
    content = file.read_bytes()
    with open(file, "r+b") as changed:
        place = -1
        while (place := content.find(key, place + 1)) >= 0:
            changed.seek(place)
            changed.write(bytes([content[place] ^ 4]))
    done = run("console", "--data", filled.data, "--json", "verify")
    assert done.returncode == DAMAGED, done.stdout + done.stderr
    problem = json.loads(done.stdout)["problems"][0]
    assert problem["topic"] in ("match", "player")
    assert problem["offset"] >= 0 and problem["what"]


def test_every_command_answers_for_people(filled):
    for command in ("status", "topics", "matches", "actors", "help",
                    "dead-letters", "verify"):
        done = run("console", "--data", filled.data, command)
        assert done.returncode == OK, done.stderr
        assert done.stdout.strip()
        assert "\x1b" not in done.stdout


def test_the_supervision_tree_is_shown_with_restarts(filled):
    text = json.dumps(filled.console("actors"))
    assert "restarts" in text
    for name in ("match", "player"):
        assert name in text


def test_a_command_that_is_not_one_is_a_usage_error(filled):
    done = run("console", "--data", filled.data, "frobnicate")
    assert done.returncode == USAGE
    assert "frobnicate" in done.stderr
    done = run("console", "--data", filled.data, "match", "EUW1_404")
    assert done.returncode == FAILURE
    assert "EUW1_404" in done.stderr


def test_every_command_tells_what_it_takes(node):
    told = node.console("help", "archive")
    assert len(told) > 1
    assert all(row["command"].split()[0] == "archive" for row in told)
    assert node.console("archive", "--topic", "match", "--help") == told
    names = {row["command"].split()[0] for row in node.console("help")}
    for name in names:
        assert node.console("help", name), name
    done = run("console", "--data", node.data, "help", "nothing")
    assert done.returncode == USAGE, done.stdout + done.stderr


def test_without_a_node_the_console_says_so(folder):
    done = run("console", "--data", folder, "status")
    assert done.returncode == FAILURE
    assert str(folder) in done.stderr


def test_commands_come_from_a_pipe_too(filled):
    done = subprocess.run(
        [herald.BINARY, "console", "--data", filled.data, "--json"],
        input="status\n\ntopics\nquit\nnever\n", text=True,
        capture_output=True)
    assert done.returncode == OK, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == 2


class Terminal:
    """A program in a terminal of its own."""

    def __init__(self, *command):
        self.pid, self.screen = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm"
            os.execv(command[0], list(map(str, command)))
        self.text = ""

    def wait_for(self, words):
        end = time.monotonic() + herald.PATIENCE
        while words not in self.text:
            left = end - time.monotonic()
            assert left > 0, f"'{words}' is not in {self.text!r}"
            if select.select([self.screen], [], [], left)[0]:
                self.text += os.read(self.screen, 4096).decode(errors="replace")
        self.text = self.text.split(words, 1)[1]

    def type(self, text):
        os.write(self.screen, text.encode())

    def exit_code(self):
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.screen)
        return code


def test_the_prompt_completes_and_remembers(filled):
    terminal = Terminal(str(herald.BINARY), "console", "--data", filled.data)
    terminal.wait_for("herald> ")
    terminal.type("top\t\n")
    terminal.wait_for("riot.raw")
    terminal.wait_for("herald> ")
    # The line before, by the arrow upwards.
    terminal.type("\x1b[A\n")
    terminal.wait_for("riot.raw")
    terminal.wait_for("herald> ")
    terminal.type("nonsense\n")
    terminal.wait_for("nonsense")
    terminal.wait_for("herald> ")
    terminal.type("quit\n")
    assert terminal.exit_code() == OK
