#include "tools/simulate/documents.hpp"

#include "tools/simulate/json_text.hpp"
#include "tools/simulate/random.hpp"
#include "tools/simulate/tables.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace herald::simulate {

namespace {

// Whole minutes and seconds of a game that ended are counted down.
std::int64_t duration_s(const game& played) {
  return played.length_ms / 1000;
}

double rounded(std::int64_t dividend, std::int64_t divisor) {
  return divisor == 0
    ? 0.0
    : static_cast<double>(dividend) / static_cast<double>(divisor);
}

void write_metadata(json_text& json, const game& played) {
  json.key("metadata").open();
  json.member("dataVersion", "2").member("matchId", played.match_id());
  json.key("participants").open_list();
  for (const auto& one : played.contestants)
    json.value(one.who.puuid);
  json.close_list().close();
}

void write_aborted_match(json_text& json) {
  json.key("info").open();
  json.member("endOfGameResult", "Abort_Unexpected")
    .member("gameCreation", 0)
    .member("gameDuration", 0)
    .member("gameEndTimestamp", 0)
    .member("gameId", 0)
    .member("gameMode", "")
    .member("gameName", "")
    .member("gameStartTimestamp", 0)
    .member("gameType", "")
    .member("gameVersion", "")
    .member("mapId", 0);
  json.key("participants").open_list().close_list();
  json.member("platformId", "").member("queueId", 0);
  json.key("teams").open_list().close_list();
  json.member("tournamentCode", "").close();
}

// --- the match document -----------------------------------------------------

// What several properties of a participant need.
struct view {
  const game& played;
  int id;
  const contestant& who;
  const summary& books;
  const standing& last;
  const contestant& rival;
  const standing& rival_last;
  const summary& rival_books;
  std::int64_t duration_s;
  std::int32_t team_kills = 0;
  std::int64_t team_damage = 0;
  std::int64_t team_taken = 0;
  random_source random;
};

view view_of(const game& played, int id) {
  auto rival = id <= 5 ? id + 5 : id - 5;
  const auto& last = played.frames.back().standings;
  view made{played, id, played.contestants[id - 1], played.summaries[id - 1],
    last[id - 1], played.contestants[rival - 1], last[rival - 1],
    played.summaries[rival - 1], duration_s(played), 0, 0, 0,
    random_source{mix(played.texture_seed, static_cast<std::uint64_t>(id))}};
  auto first = id <= 5 ? 0 : 5;
  for (auto i = first; i < first + 5; ++i) {
    made.team_kills += played.summaries[i].kills;
    made.team_damage += last[i].to_champions.total();
    made.team_taken += last[i].taken.total();
  }
  return made;
}

std::int32_t vision_score(const standing& one) {
  return one.vision_tenths / 10;
}

void write_zeros(
  json_text& json, std::initializer_list<std::string_view> names) {
  for (auto name : names)
    json.member(name, 0);
}

void write_challenges(json_text& json, view& of) {
  const auto& books = of.books;
  const auto& team = of.played.teams[of.id <= 5 ? 0 : 1];
  auto minutes_x60 = of.duration_s;
  auto takedowns = books.kills + books.assists;
  auto per_minute
    = [&](std::int64_t amount) { return rounded(amount * 60, minutes_x60); };
  auto ahead_at = [](std::int32_t ours, std::int32_t theirs) {
    return std::max(0, ours - theirs);
  };
  json.key("challenges").open();
  json.member("12AssistStreakCount", books.assists >= 12 ? 1 : 0)
    .member("HealFromMapSources", rounded(of.random.between(0, 40'000), 16));
  write_zeros(json,
    {"InfernalScalePickup", "SWARM_DefeatAatrox", "SWARM_DefeatBriar",
      "SWARM_DefeatMiniBosses", "SWARM_EvolveWeapon", "SWARM_Have3Passives",
      "SWARM_KillEnemy", "SWARM_PickupGold", "SWARM_ReachLevel50",
      "SWARM_Survive15Min", "SWARM_WinWith5EvolvedWeapons"});
  json
    .member("abilityUses",
      books.casts[0] + books.casts[1] + books.casts[2] + books.casts[3])
    .member("acesBefore15Minutes", 0)
    .member("alliedJungleMonsterKills",
      of.last.jungle_minions - books.enemy_jungle_minions)
    .member("baronTakedowns", books.baron_takedowns)
    .member("blastConeOppositeOpponentCount", 0)
    .member("bountyGold", books.bounty_gold)
    .member("buffsStolen", of.random.below(2))
    .member("completeSupportQuestInTime",
      of.who.where == role::utility && !of.played.aram() ? 1 : 0);
  if (!of.played.aram())
    json.member("controlWardTimeCoverageInRiverOrEnemyHalf",
      rounded(of.random.below(900), 1'000));
  json.member("controlWardsPlaced", books.control_wards_placed)
    .member("damagePerMinute", per_minute(of.last.to_champions.total()))
    .member("damageTakenOnTeamPercentage",
      rounded(of.last.taken.total(), of.team_taken))
    .member("dancedWithRiftHerald", 0)
    .member("deathsByEnemyChamps", books.deaths)
    .member("dodgeSkillShotsSmallWindow", of.random.below(4))
    .member("doubleAces", 0)
    .member("dragonTakedowns", books.dragon_takedowns)
    .member("earlyLaningPhaseGoldExpAdvantage",
      books.lane_minions_at_10 > of.rival_books.lane_minions_at_10 ? 1 : 0)
    .member("effectiveHealAndShielding",
      of.who.plays->kind == champion_class::enchanter
        ? rounded(of.last.to_champions.total(), 4)
        : 0.0);
  write_zeros(
    json, {"elderDragonKillsWithOpposingSoul", "elderDragonMultikills"});
  json.member("enemyChampionImmobilizations", of.random.between(0, 60))
    .member("enemyJungleMonsterKills", books.enemy_jungle_minions);
  write_zeros(json,
    {"epicMonsterKillsNearEnemyJungler",
      "epicMonsterKillsWithin30SecondsOfSpawn", "epicMonsterSteals",
      "epicMonsterStolenWithoutSmite"});
  json.member("firstTurretKilled", team.towers.first ? 1 : 0);
  write_zeros(
    json, {"fistBumpParticipation", "flawlessAces", "fullTeamTakedown"});
  json.member("gameLength", rounded(of.played.length_ms, 1'000))
    .member("goldPerMinute", per_minute(of.last.total_gold))
    .member("hadOpenNexus", 0)
    .member("immobilizeAndKillWithAlly", of.random.below(takedowns + 1))
    .member("initialBuffCount", of.who.where == role::jungle ? 2 : 0)
    .member(
      "initialCrabCount", of.who.where == role::jungle ? of.random.below(3) : 0)
    .member("jungleCsBefore10Minutes", books.jungle_minions_at_10);
  write_zeros(json,
    {"junglerTakedownsNearDamagedEpicMonster",
      "kTurretsDestroyedBeforePlatesFall"});
  json.member("kda", rounded(takedowns, std::max(1, books.deaths)))
    .member("killAfterHiddenWithAlly", 0)
    .member("killParticipation", rounded(takedowns, of.team_kills));
  json.member("killedChampTookFullTeamDamageSurvived", 0)
    .member("killingSprees", books.killing_sprees)
    .member("killsNearEnemyTurret", of.random.below(books.kills + 1))
    .member("killsOnRecentlyHealedByAramPack", 0)
    .member("killsUnderOwnTurret", 0)
    .member("killsWithHelpFromEpicMonster", 0)
    .member("knockEnemyIntoTeamAndKill", of.random.below(books.assists + 1))
    .member("landSkillShotsEarlyGame", of.random.below(30))
    .member("laneMinionsFirst10Minutes", books.lane_minions_at_10)
    .member("laningPhaseGoldExpAdvantage",
      of.last.total_gold > of.rival_last.total_gold ? 1 : 0)
    .member("legendaryCount", 0);
  json.key("legendaryItemUsed").open_list();
  for (auto id : books.items)
    if (id != 0 && is_legendary(id))
      json.value(id);
  json.close_list();
  json.member("lostAnInhibitor",
    of.played.teams[of.id <= 5 ? 1 : 0].inhibitors.kills > 0 ? 1 : 0);
  json
    .member("maxCsAdvantageOnLaneOpponent",
      ahead_at(of.last.minions + of.last.jungle_minions,
        of.rival_last.minions + of.rival_last.jungle_minions))
    .member("maxKillDeficit", 0)
    .member(
      "maxLevelLeadLaneOpponent", ahead_at(of.last.level, of.rival_last.level))
    .member("mejaisFullStackInTime", 0)
    .member("moreEnemyJungleThanOpponent",
      books.enemy_jungle_minions - of.rival_books.enemy_jungle_minions)
    .member("multiKillOneSpell", 0)
    .member("multiTurretRiftHeraldCount", 0)
    .member("multikills", books.double_kills);
  write_zeros(json,
    {"multikillsAfterAggressiveFlash", "outerTurretExecutesBefore10Minutes",
      "outnumberedKills", "outnumberedNexusKill", "perfectDragonSoulsTaken",
      "perfectGame"});
  json.member("pickKillWithAlly", of.random.below(takedowns + 1))
    .member("playedChampSelectPosition", 1)
    .member("poroExplosions", 0)
    .member("quickCleanse", 0)
    .member("quickFirstTurret", 0)
    .member("quickSoloKills", of.random.below(books.solo_kills + 1))
    .member("riftHeraldTakedowns", books.herald_takedowns)
    .member("saveAllyFromDeath", 0)
    .member("scuttleCrabKills",
      of.who.where == role::jungle ? of.random.below(9) : 0);
  json.member("skillshotsDodged", of.random.below(90))
    .member("skillshotsHit", of.random.below(120))
    .member("snowballsHit", of.played.aram() ? of.random.below(20) : 0)
    .member("soloBaronKills", 0)
    .member("soloKills", books.solo_kills)
    .member(
      "stealthWardsPlaced", books.wards_placed - books.control_wards_placed)
    .member("survivedSingleDigitHpCount", 0)
    .member("survivedThreeImmobilizesInFight", of.random.below(6))
    .member("takedownOnFirstTurret", books.first_tower_kill ? 1 : 0)
    .member("takedowns", takedowns)
    .member("takedownsAfterGainingLevelAdvantage", 0)
    .member("takedownsBeforeJungleMinionSpawn", 0)
    .member("takedownsFirstXMinutes", of.random.below(takedowns + 1));
  write_zeros(json, {"takedownsInAlcove", "takedownsInEnemyFountain"});
  json.member("teamBaronKills", team.barons.kills)
    .member("teamDamagePercentage",
      rounded(of.last.to_champions.total(), of.team_damage))
    .member("teamElderDragonKills", 0)
    .member("teamRiftHeraldKills", team.heralds.kills)
    .member("tookLargeDamageSurvived", 0)
    .member("turretPlatesTaken", books.plates)
    .member("turretTakedowns", books.turret_takedowns)
    .member("turretsTakenWithRiftHerald", 0)
    .member("twentyMinionsIn3SecondsCount", of.random.below(3))
    .member("twoWardsOneSweeperCount", of.random.below(2))
    .member("unseenRecalls", 0)
    .member("visionScoreAdvantageLaneOpponent",
      rounded(of.last.vision_tenths - of.rival_last.vision_tenths,
        std::max(1, of.rival_last.vision_tenths)))
    .member("visionScorePerMinute",
      rounded(std::int64_t{of.last.vision_tenths} * 6, minutes_x60))
    .member("voidMonsterKill", books.horde_takedowns + books.herald_takedowns)
    .member("wardTakedowns", books.wards_killed)
    .member("wardTakedownsBefore20M",
      of.duration_s < 1'200 ? books.wards_killed : books.wards_killed / 2)
    .member("wardsGuarded", of.random.below(3));
  json.close();
}

void write_perks(json_text& json, view& of) {
  json.key("perks").open();
  json.key("statPerks").open();
  json.member("defense", 5011).member("flex", 5008).member("offense", 5005);
  json.close();
  json.key("styles").open_list();
  auto selection = [&](std::int32_t perk) {
    json.open()
      .member("perk", perk)
      .member("var1", of.random.below(2'000))
      .member("var2", of.random.below(400))
      .member("var3", 0)
      .close();
  };
  json.open().member("description", "primaryStyle");
  json.key("selections").open_list();
  for (auto i = 0; i < 4; ++i)
    selection(of.who.runes[i]);
  json.close_list().member("style", of.who.rune_style).close();
  json.open().member("description", "subStyle");
  json.key("selections").open_list();
  for (auto i = 4; i < 6; ++i)
    selection(of.who.runes[i]);
  json.close_list().member("style", of.who.rune_substyle).close();
  json.close_list().close();
}

// Outside the rift nobody has a position; `lane` and `role` are old guesses.
std::string_view old_lane(const view& of) {
  if (of.played.aram())
    return "NONE";
  switch (of.who.where) {
  case role::top:
    return "TOP";
  case role::jungle:
    return "JUNGLE";
  case role::middle:
    return "MIDDLE";
  default:
    return "BOTTOM";
  }
}

std::string_view old_role(const view& of) {
  if (of.played.aram())
    return "DUO";
  switch (of.who.where) {
  case role::jungle:
    return "NONE";
  case role::bottom:
    return "CARRY";
  case role::utility:
    return "SUPPORT";
  default:
    return "SOLO";
  }
}

void write_scores(json_text& json) {
  write_zeros(json,
    {"PlayerScore0", "PlayerScore1", "PlayerScore10", "PlayerScore11",
      "PlayerScore2", "PlayerScore3", "PlayerScore4", "PlayerScore5",
      "PlayerScore6", "PlayerScore7", "PlayerScore8", "PlayerScore9"});
}

void write_missions(json_text& json) {
  json.key("missions").open();
  write_zeros(json,
    {"playerScore0", "playerScore1", "playerScore2", "playerScore3",
      "playerScore4", "playerScore5", "playerScore6", "playerScore7",
      "playerScore8", "playerScore9", "playerScore10", "playerScore11"});
  json.close();
}

void write_participant(json_text& json, const game& played, int id) {
  auto of = view_of(played, id);
  const auto& who = of.who;
  const auto& books = of.books;
  const auto& last = of.last;
  const auto& team = played.teams[id <= 5 ? 0 : 1];
  const auto& enemy = played.teams[id <= 5 ? 1 : 0];
  auto remake = played.shape == game_shape::remake;
  auto& random = of.random;
  json.open();
  write_scores(json);
  json.member("allInPings", random.below(3))
    .member("assistMePings", random.below(6))
    .member("assists", books.assists)
    .member("baronKills", books.baron_kills)
    .member("basicPings", 0);
  write_challenges(json, of);
  json.member("champExperience", last.xp)
    .member("champLevel", last.level)
    .member("championId", who.plays->id)
    .member("championName", who.plays->name)
    .member("championSkinId", who.skin)
    .member("championTransform", 0)
    .member("commandPings", random.below(12))
    .member("consumablesPurchased", books.consumables_purchased)
    .member("damageDealtToBuildings", books.building_damage)
    .member("damageDealtToEpicMonsters", books.monster_damage)
    .member(
      "damageDealtToObjectives", books.building_damage + books.monster_damage)
    .member("damageDealtToTurrets", books.building_damage)
    .member("damageSelfMitigated", last.taken.total() / 3 * 2)
    .member("dangerPings", 0)
    .member("deaths", books.deaths)
    .member("detectorWardsPlaced", books.control_wards_placed)
    .member("doubleKills", books.double_kills)
    .member("dragonKills", books.dragon_kills)
    .member("eligibleForProgression", !remake)
    .member("enemyMissingPings", random.below(15))
    .member("enemyVisionPings", random.below(5))
    .member("firstBloodAssist", books.first_blood_assist)
    .member("firstBloodKill", books.first_blood_kill)
    .member("firstTowerAssist", books.first_tower_assist)
    .member("firstTowerKill", books.first_tower_kill)
    .member("gameEndedInEarlySurrender", remake)
    .member("gameEndedInSurrender", played.surrendered)
    .member("getBackPings", random.below(5))
    .member("goldEarned", last.total_gold)
    .member("goldSpent", books.gold_spent)
    .member("holdPings", random.below(2))
    .member("individualPosition",
      played.aram() ? std::string_view{"Invalid"} : to_string(who.where))
    .member("inhibitorKills", books.inhibitor_kills)
    .member("inhibitorTakedowns", books.inhibitor_takedowns)
    .member("inhibitorsLost", enemy.inhibitors.kills);
  constexpr std::string_view item_names[]
    = {"item0", "item1", "item2", "item3", "item4", "item5", "item6"};
  for (auto i = 0; i < 7; ++i)
    json.member(item_names[i], books.items[i]);
  json.member("itemsPurchased", books.items_purchased)
    .member("killingSprees", books.killing_sprees)
    .member("kills", books.kills)
    .member("lane", old_lane(of))
    .member("largestCriticalStrike",
      who.plays->kind == champion_class::marksman ? random.between(150, 1'400)
                                                  : 0)
    .member("largestKillingSpree", books.largest_killing_spree)
    .member("largestMultiKill", books.largest_multi_kill)
    .member("longestTimeSpentLiving",
      std::min<std::int64_t>(books.longest_living_ms / 1000, of.duration_s))
    .member("magicDamageDealt", last.done.magic)
    .member("magicDamageDealtToChampions", last.to_champions.magic)
    .member("magicDamageTaken", last.taken.magic);
  write_missions(json);
  json.member("needVisionPings", random.below(4))
    .member("neutralMinionsKilled", last.jungle_minions)
    .member("nexusKills", books.nexus_kills)
    .member("nexusLost", team.win || played.surrendered || remake ? 0 : 1)
    .member("nexusTakedowns", books.nexus_takedowns)
    .member("objectivesStolen", 0)
    .member("objectivesStolenAssists", 0)
    .member("onMyWayPings", random.below(40))
    .member("participantId", id)
    .member("pentaKills", books.penta_kills);
  write_perks(json, of);
  json.member("physicalDamageDealt", last.done.physical)
    .member("physicalDamageDealtToChampions", last.to_champions.physical)
    .member("physicalDamageTaken", last.taken.physical);
  write_zeros(json,
    {"placement", "playerAugment1", "playerAugment2", "playerAugment3",
      "playerAugment4", "playerAugment5", "playerAugment6", "playerSubteamId"});
  json.member("profileIcon", who.who.profile_icon)
    .member("pushPings", random.below(3))
    .member("puuid", who.who.puuid)
    .member("quadraKills", books.quadra_kills)
    .member("retreatPings", random.below(8))
    .member("riotIdGameName", who.who.game_name)
    .member("riotIdTagline", who.who.tag_line)
    .member("role", old_role(of))
    .member("roleBoundItem", 0)
    .member("sightWardsBoughtInGame", 0)
    .member("spell1Casts", books.casts[0])
    .member("spell2Casts", books.casts[1])
    .member("spell3Casts", books.casts[2])
    .member("spell4Casts", books.casts[3])
    .member("subteamPlacement", 0)
    .member("summoner1Casts", books.spell_casts[0])
    .member("summoner1Id", who.spells[0])
    .member("summoner2Casts", books.spell_casts[1])
    .member("summoner2Id", who.spells[1])
    .member("summonerId", who.who.summoner_id)
    .member("summonerLevel", who.who.summoner_level)
    .member("summonerName", "")
    .member("teamEarlySurrendered", remake && !team.win)
    .member("teamId", team_of(id))
    .member(
      "teamPosition", played.aram() ? std::string_view{} : to_string(who.where))
    .member("timeCCingOthers", last.controlled_ms / 4'000)
    .member("timePlayed", of.duration_s)
    .member("totalAllyJungleMinionsKilled",
      last.jungle_minions - books.enemy_jungle_minions)
    .member("totalDamageDealt", last.done.total())
    .member("totalDamageDealtToChampions", last.to_champions.total())
    .member("totalDamageShieldedOnTeammates",
      who.plays->kind == champion_class::enchanter
        ? last.to_champions.total() / 5
        : 0)
    .member("totalDamageTaken", last.taken.total())
    .member("totalEnemyJungleMinionsKilled", books.enemy_jungle_minions)
    .member("totalHeal", last.taken.total() / 4)
    .member("totalHealsOnTeammates",
      who.plays->kind == champion_class::enchanter
        ? last.to_champions.total() / 4
        : 0)
    .member("totalMinionsKilled", last.minions)
    .member("totalTimeCCDealt", last.controlled_ms / 1'000)
    .member("totalTimeSpentDead", books.dead_ms / 1'000)
    .member(
      "totalUnitsHealed", who.plays->kind == champion_class::enchanter ? 5 : 1)
    .member("tripleKills", books.triple_kills)
    .member("trueDamageDealt", last.done.pure)
    .member("trueDamageDealtToChampions", last.to_champions.pure)
    .member("trueDamageTaken", last.taken.pure)
    .member("turretKills", books.turret_kills)
    .member("turretTakedowns", books.turret_takedowns)
    .member("turretsLost", enemy.towers.kills)
    .member("unrealKills", 0)
    .member("visionClearedPings", random.below(3))
    .member("visionScore", vision_score(last))
    .member("visionWardsBoughtInGame", books.control_wards_bought)
    .member("wardsKilled", books.wards_killed)
    .member("wardsPlaced", books.wards_placed)
    .member("win", team.win);
  json.close();
}

void write_team(json_text& json, const game& played, int number) {
  const auto& team = played.teams[number];
  json.open();
  json.key("bans").open_list();
  if (!played.aram())
    for (auto i = 0; i < 5; ++i)
      json.open()
        .member("championId", team.bans[i])
        .member("pickTurn", number * 5 + i + 1)
        .close();
  json.close_list();
  json.key("feats").open();
  for (auto name : {"EPIC_MONSTER_KILL", "FIRST_BLOOD", "FIRST_TURRET"})
    json.key(name).open().member("featState", 0).close();
  json.close();
  json.key("objectives").open();
  auto objective = [&](std::string_view name, const objective_count& count) {
    json.key(name).open();
    json.member("first", count.first).member("kills", count.kills).close();
  };
  objective("atakhan", {});
  objective("baron", team.barons);
  objective("champion", team.champions);
  objective("dragon", team.dragons);
  objective("horde", team.horde);
  objective("inhibitor", team.inhibitors);
  objective("riftHerald", team.heralds);
  objective("tower", team.towers);
  json.close();
  json.member("teamId", number == 0 ? 100 : 200).member("win", team.win);
  json.close();
}

// --- the timeline -----------------------------------------------------------

std::string_view name_of(ward_kind kind) {
  constexpr std::string_view names[] = {"YELLOW_TRINKET", "CONTROL_WARD",
    "SIGHT_WARD", "BLUE_TRINKET", "UNDEFINED"};
  return names[static_cast<std::size_t>(kind)];
}

std::string_view monster_type(monster beast) {
  switch (beast) {
  case monster::herald:
    return "RIFTHERALD";
  case monster::baron:
    return "BARON_NASHOR";
  case monster::horde:
    return "HORDE";
  default:
    return "DRAGON";
  }
}

std::string_view monster_subtype(monster beast) {
  constexpr std::string_view names[]
    = {"FIRE_DRAGON", "EARTH_DRAGON", "WATER_DRAGON", "AIR_DRAGON",
      "HEXTECH_DRAGON", "CHEMTECH_DRAGON", "ELDER_DRAGON"};
  return names[static_cast<std::size_t>(beast)];
}

std::string_view soul_name(monster beast) {
  constexpr std::string_view names[]
    = {"Infernal", "Mountain", "Ocean", "Cloud", "Hextech", "Chemtech"};
  return names[static_cast<std::size_t>(beast)];
}

std::string_view tower_type(building kind) {
  constexpr std::string_view names[]
    = {"OUTER_TURRET", "INNER_TURRET", "BASE_TURRET", "NEXUS_TURRET"};
  return names[static_cast<std::size_t>(kind)];
}

void write_assists(json_text& json, std::uint16_t assists) {
  if (assists == 0)
    return;
  json.key("assistingParticipantIds").open_list();
  for (auto id = 1; id <= 10; ++id)
    if ((assists >> id & 1) != 0)
      json.value(id);
  json.close_list();
}

void write_position(json_text& json, const happening& one) {
  json.key("position").open();
  json.member("x", one.x).member("y", one.y).close();
}

// Damage that goes from one side to the other before somebody dies. The
// entries are texture: Riot's do not add up to anything either.
class damage_list {
public:
  damage_list(json_text& json, const game& played, random_source& random)
    : json_{json}, played_{played}, random_{random} {}

  // `named` is whose name stands in the entry, `about` whose id does.
  void hit(int named, int about) {
    const auto& champion = *played_.contestants[named - 1].plays;
    constexpr std::string_view spells[] = {"q", "w", "e", "r", "basicattack"};
    constexpr int slots[] = {0, 1, 2, 3, 64};
    auto which = static_cast<std::size_t>(random_.below(5));
    spell_.assign(champion.name);
    std::ranges::transform(spell_, spell_.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    });
    spell_ += spells[which];
    auto amount = random_.between(40, 620);
    auto magic = which != 4
      && (champion.kind == champion_class::mage
        || champion.kind == champion_class::enchanter
        || champion.kind == champion_class::tank);
    entry(which == 4, magic ? amount : 0, champion.name, about,
      magic ? 0 : amount, slots[which], random_.below(8) == 0 ? 25 : 0,
      "OTHER");
  }

  void minion(bool blue) {
    spell_ = blue ? "sru_orderminionmeleebasicattack"
                  : "sru_chaosminionmeleebasicattack";
    entry(true, 0, blue ? "SRU_OrderMinionMelee" : "SRU_ChaosMinionMelee", 0,
      random_.between(8, 120), 64, 0, "MINION");
  }

  void tower(bool blue) {
    spell_ = blue ? "sruap_turret_order1basicattack"
                  : "sruap_turret_chaos1basicattack";
    entry(true, 0, blue ? "SRUAP_Turret_Order1" : "SRUAP_Turret_Chaos1", 0,
      random_.between(150, 640), 64, 0, "TOWER");
  }

private:
  void entry(bool basic, int magic, std::string_view name, int about,
    int physical, int slot, int pure, std::string_view type) {
    json_.open()
      .member("basic", basic)
      .member("magicDamage", magic)
      .member("name", name)
      .member("participantId", about)
      .member("physicalDamage", physical)
      .member("spellName", spell_)
      .member("spellSlot", slot)
      .member("trueDamage", pure)
      .member("type", type)
      .close();
  }

  json_text& json_;
  const game& played_;
  random_source& random_;
  std::string spell_;
};

void write_kill(json_text& json, const game& played, const happening& one,
  std::uint64_t number) {
  random_source random{mix(played.texture_seed, number << 8)};
  damage_list list{json, played, random};
  write_assists(json, one.assists);
  json.member("bounty", one.gold)
    .member("killStreakLength", one.streak)
    .member("killerId", one.actor);
  write_position(json, one);
  json.member("shutdownBounty", one.shutdown_gold)
    .member("timestamp", one.at_ms)
    .member("type", "CHAMPION_KILL");
  if (one.actor != 0) {
    json.key("victimDamageDealt").open_list();
    for (auto i = random.between(2, 6); i > 0; --i)
      list.hit(one.victim, one.actor);
    for (auto id = 1; id <= 10; ++id)
      if ((one.assists >> id & 1) != 0 && random.below(2) == 0)
        list.hit(one.victim, id);
    json.close_list();
  }
  auto enemy_blue = one.victim > 5;
  json.key("victimDamageReceived").open_list();
  if (one.actor == 0)
    list.tower(enemy_blue);
  else
    for (auto i = random.between(2, 5); i > 0; --i)
      list.hit(one.actor, one.actor);
  for (auto id = 1; id <= 10; ++id)
    if ((one.assists >> id & 1) != 0)
      for (auto i = random.between(1, 3); i > 0; --i)
        list.hit(id, id);
  if (random.below(3) == 0)
    list.minion(enemy_blue);
  json.close_list();
  json.member("victimId", one.victim);
}

void write_event(json_text& json, const game& played, const happening& one,
  std::uint64_t number) {
  json.open();
  auto ends = [&](std::string_view type) {
    json.member("timestamp", one.at_ms).member("type", type);
  };
  switch (one.kind) {
  case happening_kind::item_purchased:
  case happening_kind::item_destroyed:
  case happening_kind::item_sold:
    json.member("itemId", one.item).member("participantId", one.actor);
    ends(one.kind == happening_kind::item_purchased ? "ITEM_PURCHASED"
        : one.kind == happening_kind::item_sold     ? "ITEM_SOLD"
                                                    : "ITEM_DESTROYED");
    break;
  case happening_kind::item_undone:
    json.member("afterId", 0)
      .member("beforeId", one.item)
      .member("goldGain", one.gold)
      .member("participantId", one.actor);
    ends("ITEM_UNDO");
    break;
  case happening_kind::skill_level_up:
    json.member("levelUpType", "NORMAL")
      .member("participantId", one.actor)
      .member("skillSlot", one.detail);
    ends("SKILL_LEVEL_UP");
    break;
  case happening_kind::level_up:
    json.member("level", one.detail).member("participantId", one.actor);
    ends("LEVEL_UP");
    break;
  case happening_kind::ward_placed:
    json.member("creatorId", one.actor);
    ends("WARD_PLACED");
    json.member("wardType", name_of(static_cast<ward_kind>(one.detail)));
    break;
  case happening_kind::ward_killed:
    json.member("killerId", one.actor);
    ends("WARD_KILL");
    json.member("wardType", name_of(static_cast<ward_kind>(one.detail)));
    break;
  case happening_kind::champion_killed:
    write_kill(json, played, one, number);
    break;
  case happening_kind::special_kill: {
    auto kind = static_cast<special_kind>(one.detail);
    json.member("killType",
      kind == special_kind::first_blood ? "KILL_FIRST_BLOOD"
        : kind == special_kind::multi   ? "KILL_MULTI"
                                        : "KILL_ACE");
    json.member("killerId", one.actor);
    if (kind == special_kind::multi)
      json.member("multiKillLength", one.streak);
    write_position(json, one);
    ends("CHAMPION_SPECIAL_KILL");
    break;
  }
  case happening_kind::plate_destroyed:
    json.member("killerId", one.actor).member("laneType", to_string(one.where));
    write_position(json, one);
    json.member("teamId", one.team);
    ends("TURRET_PLATE_DESTROYED");
    break;
  case happening_kind::building_killed: {
    auto kind = static_cast<building>(one.detail);
    auto tower = kind != building::inhibitor;
    write_assists(json, one.assists);
    json.member("bounty", one.gold)
      .member("buildingType", tower ? "TOWER_BUILDING" : "INHIBITOR_BUILDING")
      .member("killerId", one.actor)
      .member("laneType", to_string(one.where));
    write_position(json, one);
    json.member("teamId", one.team).member("timestamp", one.at_ms);
    if (tower)
      json.member("towerType", tower_type(kind));
    json.member("type", "BUILDING_KILL");
    break;
  }
  case happening_kind::monster_killed: {
    auto beast = static_cast<monster>(one.detail);
    write_assists(json, one.assists);
    json.member("bounty", one.gold)
      .member("killerId", one.actor)
      .member("killerTeamId", one.team);
    if (beast <= monster::elder)
      json.member("monsterSubType", monster_subtype(beast));
    json.member("monsterType", monster_type(beast));
    write_position(json, one);
    ends("ELITE_MONSTER_KILL");
    break;
  }
  case happening_kind::soul_given:
    json.member("name", soul_name(static_cast<monster>(one.detail)))
      .member("teamId", one.team);
    ends("DRAGON_SOUL_GIVEN");
    break;
  case happening_kind::bounty_prestart:
    json.member("actualStartTime", one.at_ms + one.length_ms)
      .member("teamId", one.team);
    ends("OBJECTIVE_BOUNTY_PRESTART");
    break;
  case happening_kind::bounty_finished:
    json.member("teamId", one.team);
    ends("OBJECTIVE_BOUNTY_FINISH");
    break;
  case happening_kind::game_ended:
    json.member("gameId", played.game_id)
      .member("realTimestamp", played.start_ms + one.at_ms);
    ends("GAME_END");
    json.member("winningTeam", one.team);
    break;
  }
  json.close();
}

// What a champion of a class has at level 1 and gains with each level; close
// enough to look right in a chart.
struct body {
  int health, health_step, armor, armor_step, attack, attack_step, power;
};

constexpr body bodies[]
  = {{650, 108, 38, 5, 62, 3, 340}, {640, 105, 36, 5, 64, 4, 300},
    {570, 98, 24, 4, 53, 3, 440}, {610, 101, 25, 4, 60, 3, 320},
    {600, 103, 29, 4, 61, 3, 280}, {560, 88, 26, 4, 50, 3, 400}};

void write_champion_stats(json_text& json, const game& played,
  const standing& one, int id, random_source& random) {
  auto kind = played.contestants[id - 1].plays->kind;
  const auto& built = bodies[static_cast<std::size_t>(kind)];
  auto grown = one.level - 1;
  auto spent = one.total_gold - one.current_gold;
  auto magical
    = kind == champion_class::mage || kind == champion_class::enchanter;
  auto health = built.health + built.health_step * grown
    + (magical ? spent / 40 : spent / 16);
  json.key("championStats").open();
  json.member("abilityHaste", std::min(spent / 350, 60))
    .member("abilityPower", magical ? spent / 28 : 0)
    .member("armor", built.armor + built.armor_step * grown)
    .member("armorPen", 0)
    .member("armorPenPercent", 0)
    .member("attackDamage",
      built.attack + built.attack_step * grown + (magical ? 0 : spent / 70))
    .member("attackSpeed", 100 + grown * 3)
    .member("bonusArmorPenPercent", 0)
    .member("bonusMagicPenPercent", 0)
    .member("ccReduction", 0)
    .member("cooldownReduction", 0)
    .member("health", one.dead ? 0 : health * random.between(35, 100) / 100)
    .member("healthMax", health)
    .member("healthRegen", 30 + grown * 6)
    .member("lifesteal", 0)
    .member("magicPen", 0)
    .member("magicPenPercent", 0)
    .member("magicResist", 30 + grown * 2)
    .member("movementSpeed", one.total_gold > 1'200 ? 380 : 335)
    .member("omnivamp", 0)
    .member("physicalVamp", 0)
    .member("power", (built.power + grown * 45) * random.between(30, 100) / 100)
    .member("powerMax", built.power + grown * 45)
    .member("powerRegen", 20 + grown * 2)
    .member("spellVamp", 0);
  json.close();
}

void write_damage_stats(json_text& json, const standing& one) {
  json.key("damageStats").open();
  json.member("magicDamageDone", one.done.magic)
    .member("magicDamageDoneToChampions", one.to_champions.magic)
    .member("magicDamageTaken", one.taken.magic)
    .member("physicalDamageDone", one.done.physical)
    .member("physicalDamageDoneToChampions", one.to_champions.physical)
    .member("physicalDamageTaken", one.taken.physical)
    .member("totalDamageDone", one.done.total())
    .member("totalDamageDoneToChampions", one.to_champions.total())
    .member("totalDamageTaken", one.taken.total())
    .member("trueDamageDone", one.done.pure)
    .member("trueDamageDoneToChampions", one.to_champions.pure)
    .member("trueDamageTaken", one.taken.pure);
  json.close();
}

void write_participant_frames(
  json_text& json, const game& played, const frame& now) {
  constexpr std::string_view names[]
    = {"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"};
  random_source random{
    mix(played.texture_seed, static_cast<std::uint64_t>(now.at_ms))};
  json.key("participantFrames").open();
  for (auto i = 0; i < 10; ++i) {
    const auto& one = now.standings[i];
    json.key(names[i]).open();
    write_champion_stats(json, played, one, i + 1, random);
    json.member("currentGold", one.current_gold);
    write_damage_stats(json, one);
    json.member("goldPerSecond", 0)
      .member("jungleMinionsKilled", one.jungle_minions)
      .member("level", one.level)
      .member("minionsKilled", one.minions)
      .member("participantId", i + 1);
    json.key("position").open();
    json.member("x", one.x).member("y", one.y).close();
    json.member("timeEnemySpentControlled", one.controlled_ms)
      .member("totalGold", one.total_gold)
      .member("xp", one.xp);
    json.close();
  }
  json.close();
}

void write_frames(json_text& json, const game& played) {
  json.key("frames").open_list();
  std::uint32_t next = 0;
  for (const auto& one : played.frames) {
    json.open();
    json.key("events").open_list();
    if (one.at_ms == 0)
      json.open()
        .member("realTimestamp", played.start_ms)
        .member("timestamp", 0)
        .member("type", "PAUSE_END")
        .close();
    for (; next < one.happenings_end; ++next)
      write_event(json, played, played.happenings[next], next);
    json.close_list();
    write_participant_frames(json, played, one);
    json.member("timestamp", one.at_ms).close();
  }
  json.close_list();
}

void write_aborted_timeline(json_text& json, const game& played) {
  json.member("frameInterval", 0);
  json.key("frames").open_list().open();
  json.key("events").open_list().open();
  json.member("gameId", 0)
    .member("realTimestamp", played.end_ms)
    .member("timestamp", 0)
    .member("type", "GAME_END")
    .member("winningTeam", 0);
  json.close().close_list();
  json.key("participantFrames").null();
  json.member("timestamp", 0).close().close_list();
  json.member("gameId", 0);
}

} // namespace

void append_match(const game& played, bytes& out) {
  json_text json{out};
  json.open();
  write_metadata(json, played);
  if (played.shape == game_shape::aborted) {
    write_aborted_match(json);
    json.close();
    return;
  }
  json.key("info").open();
  json.member("endOfGameResult", "GameComplete")
    .member("gameCreation", played.creation_ms)
    .member("gameDuration", duration_s(played))
    .member("gameEndTimestamp", played.end_ms)
    .member("gameId", played.game_id)
    .member("gameMode", played.aram() ? "ARAM" : "CLASSIC")
    .member("gameName", "teambuilder-match-" + std::to_string(played.game_id))
    .member("gameStartTimestamp", played.start_ms)
    .member("gameType", "MATCHED_GAME")
    .member("gameVersion", played.version)
    .member("mapId", played.map_id);
  json.key("participants").open_list();
  for (auto id = 1; id <= 10; ++id)
    write_participant(json, played, id);
  json.close_list();
  json.member("platformId", played.platform).member("queueId", played.queue_id);
  json.key("teams").open_list();
  write_team(json, played, 0);
  write_team(json, played, 1);
  json.close_list();
  json.member("tournamentCode", "").close().close();
}

void append_timeline(const game& played, bytes& out) {
  json_text json{out};
  auto aborted = played.shape == game_shape::aborted;
  json.open();
  write_metadata(json, played);
  json.key("info").open();
  json.member("endOfGameResult", aborted ? "Abort_Unexpected" : "GameComplete");
  if (aborted) {
    write_aborted_timeline(json, played);
  } else {
    json.member("frameInterval", 60'000);
    write_frames(json, played);
    json.member("gameId", played.game_id);
  }
  json.key("participants").open_list();
  for (auto i = 0; i < 10; ++i)
    json.open()
      .member("participantId", i + 1)
      .member("puuid", played.contestants[i].who.puuid)
      .close();
  json.close_list().close().close();
}

bytes match_document(const game& played) {
  bytes out;
  out.reserve(80'000);
  append_match(played, out);
  return out;
}

bytes timeline_document(const game& played) {
  bytes out;
  out.reserve(300'000 + played.frames.size() * 12'000);
  append_timeline(played, out);
  return out;
}

} // namespace herald::simulate
