"""`herald export`: the tables by the rules of the oracle, events as CloudEvents
1.0."""

import csv
import datetime
import gzip
import json
import re
import subprocess
import sys

import pytest

import herald
from herald import FAILURE, OK, USAGE, import_documents

ORACLE = herald.ROOT / "tests" / "simulate"

PLAYERS = ("matchId,queueId,gameMode,duration_s,participantId,teamId,"
           "championId,win,kills,deaths,assists,gold,xp,level,lane_cs,"
           "jungle_cs,first_blood")


@pytest.fixture
def filled(node, games):
    assert import_documents(node.url, games)[0] == OK
    return node


def test_generated_games_give_the_committed_tables(node, folder):
    games = herald.generate(folder / "games", 12, seed=1)
    assert import_documents(node.url, games)[0] == OK
    for what, table in (("players", "final"), ("minutes", "minutes")):
        expected = (ORACLE / "expected" / f"{table}.csv").read_text()
        assert sorted(node.export(what, format="csv")) == sorted(
            expected.splitlines())


def test_games_of_any_seed_give_the_tables_of_the_oracle(node, folder):
    """The oracle is another program, in another language."""
    games = herald.generate(folder / "games", 60, seed=herald.seed())
    assert import_documents(node.url, games)[0] == OK
    for what, table in (("players", "final"), ("minutes", "minutes")):
        expected = subprocess.run(
            [sys.executable, ORACLE / "oracle.py", table, games], text=True,
            capture_output=True, check=True).stdout.splitlines()
        assert sorted(node.export(what, format="csv")) == sorted(expected)


def test_real_games_give_the_tables_of_the_samples(node, riot_samples):
    samples = riot_samples / "match-v5"
    code, _, lines = import_documents(
        node.url, samples / "matches.tar.zst", samples / "timelines.tar.zst")
    assert (code, lines) == (OK, [])
    for what, name in (("players", "expected-final.csv.gz"),
                       ("minutes", "expected-minutes.csv.gz")):
        expected = gzip.decompress(
            (samples / name).read_bytes()).decode().splitlines()
        exported = node.export(what, format="csv")
        assert exported[0] == expected[0]
        # The samples' table of players has the matches with a timeline alone.
        known = {line.split(",", 1)[0] for line in expected}
        assert sorted(line for line in exported
                      if line.split(",", 1)[0] in known) == sorted(expected)


def test_a_timeline_may_come_before_its_match(start_node, games, folder):
    """The order in which documents come changes no line of the tables."""
    files = sorted(games.glob("*.json"))
    tables = []
    for number, kinds in enumerate((("match", "timeline"),
                                    ("timeline", "match"))):
        node = start_node(data=folder / f"data-{number}")
        for kind in kinds:
            assert import_documents(node.url, *[
                file for file in files
                if file.name.endswith(f".{kind}.json")])[0] == OK
        tables.append([sorted(node.export(what, format="csv"))
                       for what in ("players", "minutes")])
    assert tables[0] == tables[1]
    assert len(tables[0][0]) > 1 and len(tables[0][1]) > 1


def test_tables_begin_with_their_columns_and_hold_every_player(filled, games):
    lines = filled.export("players", format="csv")
    assert lines[0] == PLAYERS
    rows = list(csv.DictReader(lines))
    matches = [json.loads(file.read_bytes())
               for file in games.glob("*.match.json")]
    expected = sum(len(match["info"]["participants"]) for match in matches)
    assert len(rows) == expected
    by_place = {(row["matchId"], int(row["participantId"])): row
                for row in rows}
    for match in matches:
        for player in match["info"]["participants"]:
            row = by_place[
                match["metadata"]["matchId"], player["participantId"]]
            for column, member in (
                    ("kills", "kills"), ("deaths", "deaths"),
                    ("assists", "assists"), ("gold", "goldEarned"),
                    ("xp", "champExperience"), ("level", "champLevel"),
                    ("championId", "championId"),
                    ("lane_cs", "totalMinionsKilled"),
                    ("jungle_cs", "neutralMinionsKilled")):
                assert row[column] == str(player[member])


def test_events_are_cloud_events(filled, games):
    events = filled.events("match")
    assert len(events) == len(list(games.glob("*.json")))
    assert {event["type"] for event in events} == {
        "herald.match.completed", "herald.match.timeline.recorded"}
    for event in events:
        assert event["specversion"] == "1.0"
        assert event["datacontenttype"] == "application/json"
        for member in ("id", "source", "subject"):
            assert isinstance(event[member], str) and event[member]
        moment = datetime.datetime.fromisoformat(event["time"])
        assert moment.tzinfo is not None
        assert event["data"]["matchId"] == event["subject"]
        # Attribute names are lower-case letters and digits.
        assert all(re.fullmatch("[a-z0-9]+", name) for name in event)
    identities = {(event["source"], event["id"]) for event in events}
    assert len(identities) == len(events)


def strings_in(value):
    """Every text anywhere in a JSON value, names of members included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from strings_in(item)
    elif isinstance(value, dict):
        yield from value
        for item in value.values():
            yield from strings_in(item)


def test_events_say_who_caused_them_and_nothing_about_people(filled, games):
    said = set()
    for event in filled.events("match"):
        assert event["data"]["principal"] == "import"
        assert event["data"]["source"] == "file"
        assert re.fullmatch("[0-9a-f]{64}", event["data"]["contentHash"])
        said.update(strings_in(event))
    people = set()
    for file in games.glob("*.match.json"):
        for person in json.loads(file.read_bytes())["info"]["participants"]:
            people |= {person["puuid"], person["summonerId"],
                       person["riotIdGameName"]}
    assert len(people) > 100
    assert not said & people
    assert "playerId" in said
    assert not said & {"puuid", "summonerId", "summonerName", "riotIdGameName",
                       "riotIdTagline"}


def test_players_statistics_follow_their_matches(filled, games):
    finished = [json.loads(file.read_bytes())
                for file in games.glob("*.match.json")]
    people = {}
    for match in finished:
        if any(player["gameEndedInEarlySurrender"]
               for player in match["info"]["participants"]):
            continue  # A remake counts for nobody.
        for player in match["info"]["participants"]:
            people.setdefault(player["puuid"], []).append(player)
    expected = sum(map(len, people.values()))
    herald.wait_until(lambda: len(filled.events("player")) >= expected,
                      "the players' events")
    latest = {}
    for event in filled.events("player"):
        assert event["type"] == "herald.player.stats.updated"
        assert event["data"]["playerId"] == event["subject"]
        latest[event["subject"]] = event["data"]
    assert len(latest) == len(people)
    totals = sorted((data["totals"]["games"], data["totals"]["kills"])
                    for data in latest.values())
    assert totals == sorted((len(lines), sum(line["kills"] for line in lines))
                            for lines in people.values())


def test_an_empty_node_exports_empty_tables(node):
    assert node.export("players", format="csv") == [PLAYERS]
    assert len(node.export("minutes", format="csv")) == 1
    assert node.events("match") == []


def test_a_wrong_export_is_refused(node):
    for arguments, code in (
            (["players", "--format", "jsonl"], USAGE),
            (["events", "--format", "jsonl"], USAGE),
            (["somethings"], USAGE),
            (["events", "--topic", "no.such", "--format", "jsonl"], FAILURE)):
        done = herald.herald("export", *arguments, "--node", node.url)
        assert done.returncode == code, arguments
        assert done.stdout == ""
        assert done.stderr
    done = herald.herald("export", "players", "--node", "http://127.0.0.1:9")
    assert done.returncode == FAILURE and done.stderr
