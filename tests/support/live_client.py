"""What a game client's Live Client Data API shows of an invented game."""

CHAMPIONS = ["Aatrox", "LeeSin", "Ahri", "Jinx", "Thresh",
             "Garen", "Vi", "Zed", "Ashe", "Lulu"]


def player(number, kills=0, deaths=0, minions=0):
    """Participant 1 to 10; 1 to 5 are blue."""
    name = f"Player{number}"
    return {
        "championName": CHAMPIONS[number - 1], "isBot": False, "isDead": False,
        "items": [{"canUse": False, "consumable": False, "count": 1,
                   "displayName": "Boots", "itemID": 1001, "price": 300,
                   "rawDescription": "", "rawDisplayName": "", "slot": 0}],
        "level": 1 + minions // 20,
        "position": ["TOP", "JUNGLE", "MIDDLE", "BOTTOM", "UTILITY"][
            (number - 1) % 5],
        "rawChampionName":
            f"game_character_displayname_{CHAMPIONS[number - 1]}",
        "rawSkinName": "", "respawnTimer": 0.0, "riotId": f"{name}#TEST",
        "riotIdGameName": name, "riotIdTagLine": "TEST",
        "runes": {
            "keystone": {"displayName": "Conqueror", "id": 8010,
                         "rawDescription": "", "rawDisplayName": ""},
            "primaryRuneTree": {"displayName": "Precision", "id": 8000,
                                "rawDescription": "", "rawDisplayName": ""},
            "secondaryRuneTree": {"displayName": "Resolve", "id": 8400,
                                  "rawDescription": "", "rawDisplayName": ""},
        },
        "scores": {"assists": 0, "creepScore": minions, "deaths": deaths,
                   "kills": kills, "wardScore": 0.0},
        "skinID": 0, "skinName": "", "summonerName": f"{name}#TEST",
        "summonerSpells": {
            "summonerSpellOne": {"displayName": "Flash", "rawDescription": "",
                                 "rawDisplayName": ""},
            "summonerSpellTwo": {"displayName": "Ignite", "rawDescription": "",
                                 "rawDisplayName": ""},
        },
        "team": "ORDER" if number <= 5 else "CHAOS",
    }


def all_game_data(step):
    """The game at its step `step`: ten seconds and one kill further each time,
    blue and red killing in turn."""
    events = [{"EventID": 0, "EventName": "GameStart", "EventTime": 0.02}]
    kills, deaths = [0] * 11, [0] * 11
    for number in range(1, step + 1):
        killer = number % 10 + 1
        victim = (killer + 4) % 10 + 1
        kills[killer] += 1
        deaths[victim] += 1
        events.append({
            "EventID": number, "EventName": "ChampionKill",
            "EventTime": number * 10.0, "Assisters": [],
            "KillerName": f"Player{killer}", "VictimName": f"Player{victim}"})
    return {
        "activePlayer": {"error": "not looked at"},
        "allPlayers": [player(number, kills[number], deaths[number], step)
                       for number in range(1, 11)],
        "events": {"Events": events},
        "gameData": {"gameMode": "CLASSIC", "gameTime": step * 10.0 + 1.0,
                     "mapName": "Map11", "mapNumber": 11,
                     "mapTerrain": "Default"},
    }


def report(node, match, step):
    """Tells the node how the game stands, as `herald companion` does."""
    status, answer = node.post(
        "/v1/live", {"matchId": match, "allgamedata": all_game_data(step)})
    assert status == 202, (status, answer)
    return answer["outcome"]
