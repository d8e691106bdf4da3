#!/usr/bin/env python3
"""Works out the two tables of a folder of match-v5 documents.

    oracle.py final FOLDER...      one line per participant
    oracle.py minutes FOLDER...    one line per frame of each timeline

A document is a match when info.participants has entries with a championId, a
timeline when info.frames is there; file names do not matter. The tables are
printed on standard output, sorted below their first line.

This is written from the rules of the tables alone, apart from the program that
it checks, and in another language.
"""

import json
import pathlib
import sys

FINAL = (
    "matchId,queueId,gameMode,duration_s,participantId,teamId,championId,win,"
    "kills,deaths,assists,gold,xp,level,lane_cs,jungle_cs,first_blood"
)
MINUTES = (
    "matchId,minute,frame_ms,blue_gold,red_gold,blue_xp,red_xp,blue_level_sum,"
    "red_level_sum,blue_cs,red_cs,blue_kills,red_kills,blue_towers,red_towers,"
    "blue_inhibitors,red_inhibitors,blue_dragons,red_dragons,blue_heralds,"
    "red_heralds,blue_barons,red_barons,blue_horde,red_horde"
)


def read(folders):
    """All matches and timelines below the folders, by match id."""
    matches, timelines = {}, {}
    for folder in folders:
        for path in sorted(pathlib.Path(folder).rglob("*.json")):
            document = json.loads(path.read_text(encoding="utf-8"))
            found = timelines if "frames" in document["info"] else matches
            found[document["metadata"]["matchId"]] = document["info"]
    return matches, timelines


def aborted(match):
    """Riot's empty document."""
    return not match["participants"]


def duration(match):
    """Seconds; without an end the document counts in milliseconds."""
    if "gameEndTimestamp" in match:
        return str(match["gameDuration"])
    whole, rest = divmod(match["gameDuration"], 1000)
    text = f"{whole}.{rest:03}".rstrip("0").rstrip(".")
    return text


def first_blood(match, timeline):
    """Who killed first: by the timeline where there is one."""
    if timeline is None:
        return {
            person["participantId"]
            for person in match["participants"]
            if person["firstBloodKill"]
        }
    for frame in timeline["frames"]:
        for event in frame["events"]:
            if event["type"] == "CHAMPION_KILL" and event["killerId"] > 0:
                return {event["killerId"]}
    return set()


def final_lines(matches, timelines):
    for match_id, timeline in timelines.items():
        match = matches.get(match_id)
        if match is None or aborted(match):
            continue
        first = first_blood(match, timeline)
        for person in match["participants"]:
            yield ",".join(
                str(cell)
                for cell in (
                    match_id,
                    match["queueId"],
                    match["gameMode"],
                    duration(match),
                    person["participantId"],
                    person["teamId"],
                    person["championId"],
                    int(person["win"]),
                    person["kills"],
                    person["deaths"],
                    person["assists"],
                    person["goldEarned"],
                    person["champExperience"],
                    person["champLevel"],
                    person["totalMinionsKilled"],
                    person["neutralMinionsKilled"],
                    int(person["participantId"] in first),
                )
            )


class Count:
    """What both teams have taken so far; 0 is blue, 1 is red."""

    MONSTERS = {
        "DRAGON": "dragons",
        "RIFTHERALD": "heralds",
        "BARON_NASHOR": "barons",
        "HORDE": "horde",
    }
    BUILDINGS = {
        "TOWER_BUILDING": "towers",
        "INHIBITOR_BUILDING": "inhibitors",
    }
    COLUMNS = (
        "kills",
        "towers",
        "inhibitors",
        "dragons",
        "heralds",
        "barons",
        "horde",
    )

    def __init__(self):
        self.taken = {column: [0, 0] for column in self.COLUMNS}

    def add(self, event):
        kind = event["type"]
        if kind == "CHAMPION_KILL" and event["killerId"] > 0:
            self.taken["kills"][0 if event["killerId"] <= 5 else 1] += 1
        elif kind == "BUILDING_KILL":
            column = self.BUILDINGS.get(event["buildingType"])
            if column:
                self.taken[column][1 if event["teamId"] == 100 else 0] += 1
        elif kind == "ELITE_MONSTER_KILL":
            column = self.MONSTERS.get(event["monsterType"])
            if column and event["killerTeamId"] in (100, 200):
                self.taken[column][event["killerTeamId"] // 100 - 1] += 1

    def cells(self):
        return [count for column in self.COLUMNS for count in self.taken[column]]


def minute_lines(matches, timelines):
    for match_id, timeline in timelines.items():
        match = matches.get(match_id)
        if match is None or aborted(match):
            continue
        if match["gameMode"] in ("CHERRY", "STRAWBERRY"):
            continue
        events = [
            event for frame in timeline["frames"] for event in frame["events"]
        ]
        for minute, frame in enumerate(timeline["frames"]):
            count = Count()
            for event in events:
                if event["timestamp"] <= frame["timestamp"]:
                    count.add(event)
            people = frame["participantFrames"].values()
            teams = [
                [one for one in people if one["participantId"] <= 5],
                [one for one in people if one["participantId"] > 5],
            ]
            cells = [match_id, minute, frame["timestamp"]]
            for what in ("totalGold", "xp", "level"):
                cells += [sum(one[what] for one in team) for team in teams]
            cells += [
                sum(
                    one["minionsKilled"] + one["jungleMinionsKilled"]
                    for one in team
                )
                for team in teams
            ]
            yield ",".join(str(cell) for cell in cells + count.cells())


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in ("final", "minutes"):
        sys.exit(__doc__)
    matches, timelines = read(sys.argv[2:])
    if sys.argv[1] == "final":
        header, lines = FINAL, final_lines(matches, timelines)
    else:
        header, lines = MINUTES, minute_lines(matches, timelines)
    print(header)
    for line in sorted(lines):
        print(line)


if __name__ == "__main__":
    main()
