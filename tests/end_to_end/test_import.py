"""`herald import`: what is counted, what is refused, and what a second time
changes."""

import json
import shutil
import signal
import subprocess
import threading

import pytest

import herald
from herald import FAILURE, OK, import_documents, without_override

AGGREGATES = ("match", "player")


@pytest.fixture(scope="session")
def archive_of(tmp_path_factory):
    def pack(folder):
        archive = tmp_path_factory.mktemp("archive") / "documents.tar.zst"
        tar = subprocess.run(["tar", "-C", folder, "-c", "."],
                             capture_output=True, check=True).stdout
        subprocess.run(["zstd", "-q", "-o", archive], input=tar, check=True)
        return archive
    return pack


def raw_records(node):
    return node.export("events", topic="riot.raw", format="jsonl")


def documents_in(folder):
    return sorted(folder.rglob("*.json"))


def test_a_second_import_changes_nothing(node, games):
    count = len(documents_in(games))
    code, counts, lines = import_documents(node.url, games)
    assert (code, lines) == (OK, [])
    assert counts == {"read": count, "accepted": count, "duplicate": 0,
                      "refused": 0}
    before = node.log_ends()
    assert before["riot.raw"] >= count
    assert before["match"] >= count

    code, counts, lines = import_documents(node.url, games)
    assert (code, lines) == (OK, [])
    assert counts == {"read": count, "accepted": 0, "duplicate": count,
                      "refused": 0}
    after = node.log_ends()
    for topic in AGGREGATES:
        assert after[topic] == before[topic]
    # At most one small record a document says that it was seen again.
    assert after["riot.raw"] - before["riot.raw"] <= count


def test_what_was_recorded_before_a_restart_is_a_duplicate_after_it(
        start_node, games):
    node = start_node()
    _, first, _ = import_documents(node.url, games)
    assert node.stop() == OK
    node = start_node()
    code, second, _ = import_documents(node.url, games)
    assert code == OK
    assert second["duplicate"] == first["accepted"]
    assert second["accepted"] == 0


def test_a_second_import_stores_no_second_copy_of_the_bytes(node, games):
    import_documents(node.url, games)
    stored = sum(map(len, raw_records(node)))
    import_documents(node.url, games)
    again = raw_records(node)
    size = sum(file.stat().st_size for file in documents_in(games))
    assert sum(map(len, again)) - stored < size / 20
    # Sealed: nothing of a document can be read in what was stored.
    assert not any("participants" in record for record in again)


def test_folders_are_searched_and_archives_unpacked(
        node, games, archive_of, folder):
    deep = folder / "a" / "b" / "c"
    deep.mkdir(parents=True)
    documents = documents_in(games)
    for document in documents[:4]:
        shutil.copy(document, deep)
    code, counts, _ = import_documents(node.url, folder / "a")
    assert (code, counts["accepted"]) == (OK, 4)
    code, counts, _ = import_documents(node.url, archive_of(games))
    assert code == OK
    assert counts == {"read": len(documents), "accepted": len(documents) - 4,
                      "duplicate": 4, "refused": 0}
    code, counts, _ = import_documents(node.url, documents[0], documents[1])
    assert (code, counts["duplicate"]) == (OK, 2)


def test_without_json_the_last_line_is_for_people(node, games):
    done = herald.herald(
        "import", documents_in(games)[0], "--node", node.url)
    assert done.returncode == OK
    assert "1 accepted" in done.stdout
    # No progress bar where nobody can see it.
    assert "\r" not in done.stdout + done.stderr


def changed(document, change):
    value = json.loads(document.read_bytes())
    change(value)
    return json.dumps(value).encode()


def remove_duration(match):
    del match["info"]["gameDuration"]


def give_text_for_kills(match):
    match["info"]["participants"][3]["kills"] = "many"


def let_nobody_win(match):
    for team in match["info"]["teams"]:
        team["win"] = False
    for participant in match["info"]["participants"]:
        participant["win"] = False


# Name, the document made from a good match, and what the line must name.
BAD_DOCUMENTS = {
    "empty": (lambda match: b"", []),
    "not-json": (lambda match: b"what?", []),
    "cut-off": (lambda match: match.read_bytes()[:5000], []),
    "zeros": (lambda match: bytes(4096), []),
    "not-utf8": (lambda match: b'{"metadata": "\xff\xfe"}', []),
    "foreign": (lambda match: b'{"openapi": "3.0.0", "paths": {}}', []),
    "a-list": (lambda match: b"[1, 2, 3]", []),
    "a-number": (lambda match: b"17", []),
    "deep": (lambda match: b"[" * 100_000, []),
    "no-duration": (lambda match: changed(match, remove_duration),
                    ["/info", "gameDuration"]),
    "text-for-a-number": (lambda match: changed(match, give_text_for_kills),
                          ["/info/participants/3/kills"]),
    "no-winner": (lambda match: changed(match, let_nobody_win),
                  ["/info", "riot.8.6"]),
    "oversized": (lambda match: b'{"x":"' + b"a" * (16 << 20) + b'"}',
                  ["16777216"]),
}


@pytest.fixture(scope="session")
def good_match(games):
    """A game of full length."""
    return max(games.glob("*.match.json"),
               key=lambda file: json.loads(file.read_bytes())["info"][
                   "gameDuration"])


@pytest.mark.parametrize("name", BAD_DOCUMENTS)
def test_a_bad_document_is_refused_by_name_place_and_reason(
        node, good_match, folder, name):
    make, words = BAD_DOCUMENTS[name]
    bad = folder / "documents" / f"{name}.json"
    bad.parent.mkdir()
    bad.write_bytes(make(good_match))
    shutil.copy(good_match, bad.parent / "zz-good.json")
    code, counts, lines = import_documents(node.url, bad.parent)
    assert code == FAILURE
    assert counts == {"read": 2, "accepted": 1, "duplicate": 0, "refused": 1}
    assert len(lines) == 1, lines
    assert str(bad) in lines[0]
    assert len(lines[0]) > len(str(bad)) + 20, "a line gives its reason"
    for word in words:
        assert word in lines[0]


def test_what_was_refused_goes_to_the_dead_letters(node, good_match, folder):
    bad = folder / "no-duration.json"
    bad.write_bytes(changed(good_match, remove_duration))
    before = node.log_ends()
    assert import_documents(node.url, bad)[0] == FAILURE
    after = node.log_ends()
    assert after["dead-letter"] == before["dead-letter"] + 1
    for topic in AGGREGATES:
        assert after[topic] == before[topic]
    letters = node.console("dead-letters")
    assert "gameDuration" in json.dumps(letters)


def test_an_unknown_property_is_reported_and_kept_out(node, good_match, folder):
    def invent(match):
        match["info"]["participants"][0]["somethingNew"] = 17
        match["info"]["brandNew"] = {"a": 1}
    new = folder / "new.json"
    new.write_bytes(changed(good_match, invent))
    assert import_documents(node.url, new)[0] == OK
    assert "somethingNew" not in json.dumps(node.events("match"))
    unknown = node.console("status")["unknownProperties"]
    assert unknown["info/participants/somethingNew"] == 1
    assert unknown["info/brandNew"] == 1


def test_damaged_archives_missing_and_unreadable_files_are_refused(
        node, games, archive_of, folder):
    archive = folder / "cut.tar.zst"
    archive.write_bytes(archive_of(games).read_bytes()[:20_000])
    not_one = folder / "not-one.tar.zst"
    not_one.write_bytes(b"nothing of that kind")
    missing = folder / "missing.json"
    good = documents_in(games)[0]
    code, counts, lines = import_documents(
        node.url, archive, not_one, missing, good)
    assert code == FAILURE
    assert counts["refused"] == 3
    for file in (archive, not_one, missing):
        assert sum(str(file) in line for line in lines) == 1
    assert counts["accepted"] + counts["duplicate"] >= 1


def test_a_file_that_may_not_be_read_is_refused(node, games, folder):
    locked = folder / "locked.json"
    shutil.copy(documents_in(games)[0], locked)
    locked.chmod(0)
    done = subprocess.run(
        without_override("import", locked, "--node", node.url, "--json"),
        text=True, capture_output=True)
    assert done.returncode == FAILURE
    assert json.loads(done.stdout)["refused"] == 1
    assert str(locked) in done.stderr
    assert "ermission denied" in done.stderr


def test_an_import_without_a_node_gives_up_after_its_retries(folder, games):
    code, counts, lines = import_documents("http://127.0.0.1:9", games)
    assert code == FAILURE
    assert counts["accepted"] == counts["duplicate"] == 0
    assert any("127.0.0.1:9" in line or "node" in line for line in lines)


def test_when_the_node_vanishes_an_import_ends_with_the_counts_so_far(
        node, folder):
    many = herald.generate(folder / "many", 300, seed=5)
    result = []
    work = threading.Thread(target=lambda: result.append(
        import_documents(node.url, many)))
    work.start()
    herald.wait_until(lambda: node.log_ends()["match"] > 20, "some matches")
    node.kill()
    work.join()
    code, counts, lines = result[0]
    assert code == FAILURE
    settled = counts["accepted"] + counts["duplicate"]
    assert counts["refused"] == 0
    assert settled <= counts["read"] <= 600
    assert any("5 s" in line for line in lines)


def test_an_import_survives_a_node_that_comes_back(start_node, folder):
    many = herald.generate(folder / "many", 150, seed=6)
    node = start_node()
    result = []
    work = threading.Thread(target=lambda: result.append(
        import_documents(node.url, many)))
    work.start()
    herald.wait_until(lambda: node.log_ends()["match"] > 20, "some matches")
    node.kill()
    node = start_node(listen=f"127.0.0.1:{node.port}")
    work.join()
    code, counts, lines = result[0]
    assert (code, lines) == (OK, [])
    assert counts["read"] == 300
    # What was recorded and not yet acknowledged when the node died came again.
    assert counts["accepted"] + counts["duplicate"] == 300
    assert counts["duplicate"] <= 8
    names = [(event["type"], event["subject"]) for event in node.events("match")]
    assert len(names) == len(set(names)) == 300
    assert node.stop(signal.SIGINT) == OK


def test_all_real_documents_are_accepted_once(node, riot_samples):
    samples = [riot_samples / "match-v5" / name
               for name in ("matches.tar.zst", "timelines.tar.zst")]
    code, counts, lines = import_documents(node.url, *samples)
    assert (code, lines) == (OK, [])
    assert counts == {"read": 277, "accepted": 277, "duplicate": 0,
                      "refused": 0}
    before = node.log_ends()
    code, counts, lines = import_documents(node.url, *samples)
    assert counts == {"read": 277, "accepted": 0, "duplicate": 277,
                      "refused": 0}
    after = node.log_ends()
    for topic in AGGREGATES:
        assert after[topic] == before[topic]


def test_other_real_documents_are_refused_and_named(
        node, riot_samples, folder):
    foreign = sorted((riot_samples / "endpoints").rglob("*.json"))
    assert foreign
    code, counts, lines = import_documents(node.url, *foreign)
    assert code == FAILURE
    assert counts["refused"] == counts["read"] == len(foreign)
    for file in foreign:
        assert sum(str(file) in line for line in lines) == 1
