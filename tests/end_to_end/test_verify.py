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


    # Nothing but the views is wrong, and they are made again.
    done = run("verify", data, "--repair-views")
    assert done.returncode == OK, done.stdout + done.stderr
    assert "made again" in done.stdout
    assert verify(data)[0] == OK


def test_damage_anywhere_in_the_views_is_found_or_does_not_matter(data, sound):
    chance = random.Random(herald.seed())
    file = data / "views" / "data.mdb"
    used = len(file.read_bytes().rstrip(b"\0"))
    found = 0
    for _ in range(20):
        place, bit = chance.randrange(used), 1 << chance.randrange(8)
        flip(file, place, bit)
        code, words = verify(data)
        assert code in (OK, DAMAGED), (place, bit, code, words)
        found += code == DAMAGED
        flip(file, place, bit)
    print(f"{found} of 20 flips in the views were found")
    assert verify(data)[0] == OK


def test_views_that_cannot_be_read_are_made_again(data, start_node):
    file = data / "views" / "data.mdb"
    with open(file, "r+b") as content:
        content.seek(0)
        content.write(bytes(8192))
    code, words = verify(data)
    assert code == DAMAGED and "--repair-views" in words, words
    done = run("verify", data, "--repair-views", "--json")
    assert done.returncode == OK, done.stdout + done.stderr
    assert len(json.loads(done.stdout)["repaired"]) > 3
    assert verify(data)[0] == OK
    node = start_node(data=data)
    assert node.export("players", format="csv")
    assert node.stop() == OK


def test_views_are_not_made_again_from_a_damaged_log(data):
    flip(log_file(data), places_of(log_file(data), b"EUW1_")[-1])
    shutil.rmtree(data / "views")
    done = run("verify", data, "--repair-views")
    if done.returncode != OK:
        assert done.returncode == DAMAGED
        assert not (data / "views").exists()


@pytest.fixture(scope="module")
def two_ages():
    """A data folder as it was, and as it became."""
    with herald.TemporaryFolder() as path:
        games = herald.generate(path / "games", 20, seed=5)
        files = sorted(games.glob("*.json"))
        for half in (files[:20], files[20:]):
            with herald.Node(path) as node:
                assert import_documents(node.url, *half)[0] == OK
                herald.wait_until(lambda: node.events("player"), "players")
                assert node.stop() == OK
            if not (path / "old").exists():
                shutil.copytree(node.data, path / "old",
                                ignore=shutil.ignore_patterns("*.sock"))
        yield path / "old", node.data


def mixed(folder, of_new, of_old, two_ages):
    """A folder with some parts of the new one and some of the old one."""
    old, new = two_ages
    data = folder / "mixed"
    data.mkdir()
    shutil.copy(new / "format", data)
    for names, source in ((of_new, new), (of_old, old)):
        for name in names:
            shutil.copytree(source / name, data / name)
    return data


def test_a_log_that_is_older_than_views_and_vault(
        two_ages, folder, start_node):
    data = mixed(folder, ["views", "vault"], ["log"], two_ages)
    code, words = verify(data)
    assert code == DAMAGED and "view" in words, words
    # The node makes the views again and answers from what the log has.
    node = start_node(data=data)
    with herald.TemporaryFolder() as path:
        shutil.copytree(two_ages[0], path / "data")
        with herald.Node(path) as old:
            assert (node.export("players", format="csv")
                    == old.export("players", format="csv"))
    assert node.stop() == OK
    assert verify(data)[0] == OK


def test_views_that_are_older_than_the_log_catch_up(
        two_ages, folder, start_node):
    data = mixed(folder, ["log", "vault"], ["views"], two_ages)
    code, words = verify(data)
    assert code == OK, words
    node = start_node(data=data)
    assert node.stop() == OK
    assert verify(data)[0] == OK


def test_a_vault_that_is_older_than_the_log_is_found_and_refused(
        two_ages, folder):
    data = mixed(folder, ["log", "views"], ["vault"], two_ages)
    code, words = verify(data)
    assert code == DAMAGED and "vault" in words, words
    done = run("node", "--data", data, "--listen", "127.0.0.1:0", "--kafka",
               "127.0.0.1:0", cwd=folder)
    assert done.returncode == DAMAGED, done.stderr
    assert "vault" in done.stderr and "same copy" in done.stderr


@pytest.mark.parametrize("part", ["log", "vault"])
def test_a_part_of_another_folder_is_found_and_refused(
        part, two_ages, data, folder):
    shutil.rmtree(data / part)
    shutil.copytree(two_ages[1] / part, data / part)
    code, words = verify(data)
    assert code == DAMAGED and "vault" in words, words
    done = run("node", "--data", data, "--listen", "127.0.0.1:0", "--kafka",
               "127.0.0.1:0", cwd=folder)
    assert done.returncode == DAMAGED, done.stderr


@pytest.mark.parametrize("part", ["log", "vault", "views"])
def test_a_data_file_that_is_gone_is_damage(part, data, folder):
    (data / part / "data.mdb").unlink()
    code, words = verify(data)
    assert code == DAMAGED and part in words, words
    done = run("node", "--data", data, "--listen", "127.0.0.1:0", "--kafka",
               "127.0.0.1:0", cwd=folder)
    assert done.returncode == DAMAGED, done.stderr
    assert part in done.stderr


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
