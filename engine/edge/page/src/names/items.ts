/**
 * Items of Summoner's Rift and the Howling Abyss by Riot's id. One that is not
 * here (another mode, another patch) is shown by its id.
 */
const table = `
1001 Boots
1004 Faerie Charm
1006 Rejuvenation Bead
1011 Giant's Belt
1018 Cloak of Agility
1026 Blasting Wand
1027 Sapphire Crystal
1028 Ruby Crystal
1029 Cloth Armor
1031 Chain Vest
1033 Null-Magic Mantle
1036 Long Sword
1037 Pickaxe
1038 B. F. Sword
1042 Dagger
1043 Recurve Bow
1052 Amplifying Tome
1053 Vampiric Scepter
1054 Doran's Shield
1055 Doran's Blade
1056 Doran's Ring
1057 Negatron Cloak
1058 Needlessly Large Rod
1082 Dark Seal
1083 Cull
1086 Doran's Bow
1101 Scorchclaw Pup
1102 Gustwalker Hatchling
1103 Mosstomper Seedling
1105 Mosstomper Seedling
1106 Gustwalker Hatchling
1107 Scorchclaw Pup
1111 Jarvan I's
1120 Doran's Helm
1500 Penetrating Bullets
1501 Fortification
1502 Reinforced Armor
1503 Warden's Eye
1505 Reinforced Armor
1506 Reinforced Armor
1507 Overcharged
1508 Anti-tower Socks
1509 Gusto
1510 Phreakish Gusto
1511 Super Mech Armor
1512 Super Mech Power Field
1515 Turret Plating
1516 Structure Bounty
1517 Structure Bounty
1518 Structure Bounty
1519 Structure Bounty
1520 OvererchargedHA
1521 Fortification
1522 Tower Power-Up
1523 Overcharged
1524 Overgrowth
2001 Recall
2003 Health Potion
2007 Disabled Recall
2010 Total Biscuit of Everlasting Will
2019 Steel Sigil
2020 The Brutalizer
2021 Tunneler
2022 Glowing Mote
2031 Refillable Potion
2033 Corrupting Potion
2051 Guardian's Horn
2052 Poro-Snax
2055 Control Ward
2065 Shurelya's Battlesong
2138 Elixir of Iron
2139 Elixir of Sorcery
2140 Elixir of Wrath
2141 Cappa Juice
2150 Elixir of Skill
2151 Elixir of Avarice
2152 Elixir of Force
2403 Minion Dematerializer
2420 Seeker's Armguard
2421 Shattered Armguard
2422 Slightly Magical Footwear
2501 Overlord's Bloodmail
2502 Unending Despair
2503 Blackfire Torch
2504 Kaenic Rookern
2508 Fated Ashes
2510 Dusk and Dawn
2512 Fiendhunter Bolts
2517 Endless Hunger
2520 Bastionbreaker
2522 Actualizer
2523 Hexoptics C44
2524 Bandlepipes
2525 Protoplasm Harness
2526 Whispering Circlet
2530 Diadem of Songs
3002 Trailblazer
3003 Archangel's Staff
3004 Manamune
3006 Berserker's Greaves
3008 Gluttonous Greaves
3009 Boots of Swiftness
3010 Symbiotic Soles
3011 Chemtech Putrifier
3013 Synchronized Souls
3020 Sorcerer's Shoes
3024 Glacial Buckler
3026 Guardian Angel
3031 Infinity Edge
3032 Yun Tal Wildarrows
3033 Mortal Reminder
3035 Last Whisper
3036 Lord Dominik's Regards
3039 Atma's Reckoning
3040 Seraph's Embrace
3041 Mejai's Soulstealer
3042 Muramana
3044 Phage
3046 Phantom Dancer
3047 Plated Steelcaps
3050 Zeke's Convergence
3051 Hearthbound Axe
3053 Sterak's Gage
3057 Sheen
3065 Spirit Visage
3066 Winged Moonplate
3067 Kindlegem
3068 Sunfire Aegis
3070 Tear of the Goddess
3071 Black Cleaver
3072 Bloodthirster
3073 Experimental Hexplate
3074 Ravenous Hydra
3075 Thornmail
3076 Bramble Vest
3077 Tiamat
3078 Trinity Force
3082 Warden's Mail
3083 Warmog's Armor
3084 Heartsteel
3085 Runaan's Hurricane
3086 Zeal
3087 Statikk Shiv
3089 Rabadon's Deathcap
3091 Wit's End
3094 Rapid Firecannon
3097 Stormrazor
3100 Lich Bane
3102 Banshee's Veil
3107 Redemption
3108 Fiendish Codex
3109 Knight's Vow
3110 Frozen Heart
3111 Mercury's Treads
3112 Guardian's Orb
3113 Aether Wisp
3114 Forbidden Idol
3115 Nashor's Tooth
3116 Rylai's Crystal Scepter
3117 Mobility Boots
3118 Malignance
3119 Winter's Approach
3121 Fimbulwinter
3123 Executioner's Calling
3124 Guinsoo's Rageblade
3133 Caulfield's Warhammer
3134 Serrated Dirk
3135 Void Staff
3137 Cryptbloom
3139 Mercurial Scimitar
3140 Quicksilver Sash
3142 Youmuu's Ghostblade
3143 Randuin's Omen
3144 Scout's Slingshot
3145 Hextech Alternator
3146 Hextech Gunblade
3147 Haunting Guise
3152 Hextech Rocketbelt
3153 Blade of The Ruined King
3155 Hexdrinker
3156 Maw of Malmortius
3157 Zhonya's Hourglass
3158 Ionian Boots of Lucidity
3161 Spear of Shojin
3165 Morellonomicon
3168 Immortal Path
3170 Swiftmarch
3171 Crimson Lucidity
3172 Gunmetal Greaves
3173 Chainlaced Crushers
3174 Armored Advance
3175 Spellslinger's Shoes
3176 Forever Forward
3177 Guardian's Blade
3179 Umbral Glaive
3181 Hullbreaker
3184 Guardian's Hammer
3190 Locket of the Iron Solari
3211 Spectre's Cowl
3222 Mikael's Blessing
3302 Terminus
3330 Scarecrow Effigy
3340 Stealth Ward
3363 Farsight Alteration
3364 Oracle Lens
3400 Your Cut
3504 Ardent Censer
3508 Essence Reaver
3599 Kalista's Black Spear
3600 Kalista's Black Spear
3742 Dead Man's Plate
3748 Titanic Hydra
3801 Crystalline Bracer
3802 Lost Chapter
3803 Catalyst of Aeons
3814 Edge of Night
3865 World Atlas
3866 Runic Compass
3867 Bounty of Worlds
3869 Celestial Opposition
3870 Dream Maker
3871 Zaz'Zak's Realmspike
3876 Solstice Sleigh
3877 Bloodsong
3901 Fire at Will500 Silver Serpents
3902 Death's Daughter500 Silver Serpents
3903 Raise Morale500 Silver Serpents
3916 Oblivion Orb
4003 Lifeline
4004 Spectral Cutlass
4005 Imperial Mandate
4401 Force of Nature
4628 Horizon Focus
4629 Cosmic Drive
4630 Blighting Jewel
4632 Verdant Barrier
4633 Riftmaker
4635 Leeching Leer
4636 Night Harvester
4637 Demonic Embrace
4641 Stirring Wardstone
4642 Bandleglass Mirror
4645 Shadowflame
4646 Stormsurge
6032 Stat Bonus
6333 Death's Dance
6609 Chempunk Chainsword
6610 Sundered Sky
6616 Staff of Flowing Water
6617 Moonstone Renewer
6620 Echoes of Helia
6621 Dawncore
6631 Stridebreaker
6653 Liandry's Torment
6655 Luden's Echo
6657 Rod of Ages
6660 Bami's Cinder
6662 Iceborn Gauntlet
6664 Hollow Radiance
6665 Jak'Sho, The Protean
6670 Noonquiver
6672 Kraken Slayer
6673 Immortal Shieldbow
6675 Navori Flickerblade
6676 The Collector
6690 Rectrix
6692 Eclipse
6693 Prowler's Claw
6694 Serylda's Grudge
6695 Serpent's Fang
6696 Axiom Arc
6697 Hubris
6698 Profane Hydra
6699 Voltaic Cyclosword
6701 Opportunity
7050 Gangplank Placeholder
8001 Anathema's Chains
8010 Bloodletter's Curse
8020 Abyssal Mask
`;

const names = new Map<number, string>();
for (const line of table.trim().split("\n")) {
  const space = line.indexOf(" ");
  names.set(Number(line.slice(0, space)), line.slice(space + 1));
}

export function itemName(id: number): string {
  return names.get(id) ?? `#${id}`;
}

/** Two or three letters that stand for an item in a small square: "IE" for
 * Infinity Edge, "Bo" for Boots, the id where there is no name. */
export function itemLetters(id: number): string {
  const name = names.get(id);
  if (name === undefined)
    return String(id);
  const words = name.replace(/['’]s\b/g, "").split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word && !/^(of|the|and)$/i.test(word));
  const first = words[0] ?? name;
  return words.length < 2
    ? first.slice(0, 2)
    : words.slice(0, 3).map((word) => word[0]?.toUpperCase()).join("");
}
