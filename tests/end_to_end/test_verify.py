"""`herald verify`: what is wrong with a data folder is found and named, and a
node refuses to serve it."""

import json
import random
import shutil

import pytest

import herald
from herald import DAMAGED, IO, OK, herald as run, import_documents


@pytest.fixture(scope="module")
def sound():
    """A data folder of a node that has stopped. Tests work on copies."""
    with herald.TemporaryFolder() as path:
        games = herald.generate(path / "games", 20, seed=3)
        node = herald.Node(path)
        try:
            assert import_documents(node.url, games)[0] == OK
            herald.wait_until(lambda: node.events("player"), "players")
            assert node.stop() == OK
        finally:
            node.kill()
        yield node.data


@pytest.fixture
def data(sound, folder):
    shutil.copytree(sound, folder / "data",
                    ignore=shutil.ignore_patterns("*.sock"))
    return folder / "data"


def verify(data):
    done = run("verify", data)
    return done.returncode, done.stdout + done.stderr


def log_file(data):
    return max((data / "log").iterdir(), key=lambda file: file.stat().st_size)


def flip(file, place, bit=1):
    with open(file, "r+b") as bytes_of:
        bytes_of.seek(place)
        byte = bytes_of.read(1)[0]
        bytes_of.seek(place)
        bytes_of.write(bytes([byte ^ bit]))


def places_of(file, text):
    content, places, place = file.read_bytes(), [], -1
    while (place := content.find(text, place + 1)) >= 0:
        places.append(place)
    return places


def test_a_sound_folder_is_sound(data):
    code, words = verify(data)
    assert code == OK, words
    done = run("verify", data, "--json")
    assert done.returncode == OK
    report = json.loads(done.stdout)
    assert report["problems"] == []
    assert report["records"] > 40
    # Looking changes nothing.
    assert verify(data)[0] == OK


def test_a_folder_of_a_killed_node_is_sound(folder, games, start_node):
    node = start_node()
    import_documents(node.url, games)
    node.kill()
    code, words = verify(node.data)
    assert code == OK, words


def test_a_flipped_bit_in_a_record_is_found_and_named(data, sound):
    seed = herald.seed()
    chance = random.Random(seed)
    # Keys of records stand in the log as they are.
    keys = [f"{platform}_".encode() for platform in ("EUW1", "NA1", "KR")]
    places = [place for key in keys for place in places_of(log_file(data), key)]
    assert places, "no record was found in the log's file"
    found = 0
    for place in chance.sample(places, min(12, len(places))):
        flip(log_file(data), place, 1 << chance.randrange(3))
        code, words = verify(data)
        # A page that is not in use any more may still hold an old copy.
        if code != OK:
            found += 1
            assert code == DAMAGED, words
            assert "/" in words and "@" in words, words
        shutil.copy(log_file(sound), log_file(data))
    assert found > 0
    assert verify(data)[0] == OK


def test_damage_anywhere_in_the_file_is_found_or_does_not_matter(data, sound):
    """Whole sectors of rubbish: never a crash, never a wrong 'sound'."""
    chance = random.Random(herald.seed())
    size = log_file(data).stat().st_size
    for _ in range(10):
        place = chance.randrange(0, size - 4096) & ~511
        with open(log_file(data), "r+b") as file:
            file.seek(place)
            old = file.read(512)
            file.seek(place)
            file.write(chance.randbytes(512))
        code, words = verify(data)
        assert code in (OK, DAMAGED), (place, code, words)
        with open(log_file(data), "r+b") as file:
            file.seek(place)
            file.write(old)
    assert verify(data)[0] == OK


def test_a_cut_off_log_is_damaged_and_not_served(data, folder):
    file = log_file(data)
    with open(file, "r+b") as content:
        content.truncate(128 * 1024)
    code, words = verify(data)
    assert code == DAMAGED, words
    done = run("node", "--data", data, "--listen", "127.0.0.1:0", cwd=folder)
    assert done.returncode == DAMAGED, done.stderr
    assert done.stderr and "herald ready" not in done.stdout


def test_an_emptied_log_is_damaged(data):
    log_file(data).write_bytes(b"")
    code, words = verify(data)
    assert code == DAMAGED, words


def test_a_view_that_is_not_the_fold_of_the_log_is_found(data):
    """Views of another log: the folder's own are taken away."""
    with herald.TemporaryFolder() as other:
        games = herald.generate(other / "games", 3, seed=99)
        with herald.Node(other) as node:
            assert import_documents(node.url, games)[0] == OK
            assert node.stop() == OK
        shutil.rmtree(data / "views")
        shutil.copytree(node.data / "views", data / "views")
    code, words = verify(data)
    assert code == DAMAGED, words
    assert "view" in words


def test_deleted_views_are_rebuilt_with_the_same_content(data, start_node):
    node = start_node(data=data)
    before = [node.export(what, format="csv") for what in (
        "players", "minutes")]
    assert node.stop() == OK
    shutil.rmtree(data / "views")
    node = start_node(data=data)
    herald.wait_until(
        lambda: len(node.export("minutes", format="csv")) == len(before[1]),
        "the rebuilt views")
    assert before == [node.export(what, format="csv") for what in (
        "players", "minutes")]
    assert node.stop() == OK
    assert verify(data)[0] == OK


def test_a_foreign_folder_is_neither_verified_nor_taken(folder):
    foreign = folder / "photos"
    foreign.mkdir()
    (foreign / "holiday.jpg").write_bytes(b"not ours")
    code, words = verify(foreign)
    assert code not in (OK, 1, 2) and str(foreign) in words
    done = run("node", "--data", foreign, "--listen", "127.0.0.1:0",
               cwd=folder)
    assert done.returncode == DAMAGED, done.stderr
    assert str(foreign) in done.stderr
    assert [file.name for file in foreign.iterdir()] == ["holiday.jpg"]


def test_a_folder_that_is_not_there_is_named(folder):
    code, words = verify(folder / "nowhere")
    assert code not in (OK, DAMAGED)
    assert "nowhere" in words


def test_a_newer_format_is_refused(data, folder):
    assert (data / "format").read_text() == "herald 1\n"
    (data / "format").write_text("herald 9\n")
    code, words = verify(data)
    assert code == DAMAGED, words
    assert "newer" in words or "version" in words
    done = run("node", "--data", data, "--listen", "127.0.0.1:0", cwd=folder)
    assert done.returncode == DAMAGED, done.stderr


def test_one_node_a_folder(node, folder):
    done = run("node", "--data", node.data, "--listen", "127.0.0.1:0",
               cwd=folder)
    assert done.returncode == IO, done.stderr
    assert str(node.data) in done.stderr
    code, words = verify(node.data)
    assert code == IO, words
    assert node.get("/v1/matches") is not None
