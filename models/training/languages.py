"""The same eight fields in German, French, Spanish and Italian: single words and short phrases, joined by plain templates.

Enough for "ein roter Ball über dem Meer bei Nacht"; grammar beyond that is not learnt. Colors are listed with their
endings; in Romance languages they follow the noun.
"""

import random
from dataclasses import dataclass

Words = dict[str, list[list[str]]]


@dataclass(frozen=True)
class Language:
    words: Words
    articles: list[str]
    places: list[str]
    links: list[str]
    color_first: bool


GERMAN = Language(
    {
        "scene": [
            ["meer", "see", "ozean", "wasser", "ruhiges meer"], ["wiese", "grüne wiese", "feld", "gras", "grüne hügel"],
            ["wüste", "sanddünen", "dünen", "sand"], ["berge", "bergen", "gebirge", "alpen", "gipfel"],
            ["stadt", "skyline", "großstadt", "häuser", "hochhäuser"],
        ],
        "time": [
            ["bei tag", "am tag", "tagsüber", "am mittag", "mittags"],
            ["bei sonnenuntergang", "am abend", "abends", "in der abenddämmerung"],
            ["bei nacht", "in der nacht", "nachts", "um mitternacht"],
            ["bei sonnenaufgang", "am morgen", "morgens", "in der morgendämmerung", "im morgengrauen"],
        ],
        "sky": [["blauer himmel"], ["grüner himmel", "grünem himmel"], ["lila himmel", "violetter himmel"], ["roter himmel", "rotem himmel"]],
        "celestial": [["ohne sonne", "ohne mond"], ["sonne", "helle sonne"], ["mond", "vollmond"]],
        "weather": [
            ["klar", "wolkenlos"], ["wolken", "wolkig", "bewölkt"], ["regen", "regnerisch", "es regnet", "im regen"],
            ["schnee", "schneefall", "es schneit", "im schnee"], ["sterne", "sternen", "sternenhimmel"],
        ],
        "object": [
            ["leer", "nichts"], ["ball", "kugel"], ["würfel", "kiste"], ["ring", "reifen"],
            ["boot", "segelboot", "schiff"], ["heißluftballon", "ballon"], ["vogel", "möwe", "adler"],
        ],
        "color": [
            ["rot", "roter", "rotes", "rote"], ["gelb", "gelber", "gelbes", "gelbe"], ["grün", "grüner", "grünes", "grüne"],
            ["blau", "blauer", "blaues", "blaue"], ["lila", "violetter", "violettes"], ["weiß", "weißer", "weißes", "weiße"],
        ],
        "motion": [
            ["still", "ruht", "steht still", "schwebt"], ["nach links", "fliegt nach links"],
            ["nach rechts", "fliegt nach rechts"], ["steigt", "steigt auf", "nach oben", "aufsteigend"],
            ["fällt", "sinkt", "nach unten", "sinkend"], ["springt", "hüpft", "hüpfend"],
        ],
    },
    ["ein ", "eine ", "der ", "das ", ""], ["über dem ", "über der ", "über den ", "auf dem ", "auf der ", "im ", "in der ", "am "],
    ["mit ", "und ", "unter ", ""], True,
)  # fmt: skip
FRENCH = Language(
    {
        "scene": [
            ["mer", "océan", "eau", "lac", "mer calme"], ["prairie", "pré", "champ", "herbe", "collines vertes"],
            ["désert", "dunes", "dunes de sable", "sable"], ["montagnes", "montagne", "alpes", "sommets"],
            ["ville", "immeubles", "gratte-ciel"],
        ],
        "time": [
            ["de jour", "le jour", "à midi", "en plein jour"], ["au coucher du soleil", "le soir", "au crépuscule"],
            ["la nuit", "de nuit", "à minuit"], ["à l'aube", "au lever du soleil", "le matin"],
        ],
        "sky": [["ciel bleu"], ["ciel vert"], ["ciel violet"], ["ciel rouge"]],
        "celestial": [["sans soleil", "sans lune"], ["soleil", "grand soleil"], ["lune", "pleine lune"]],
        "weather": [
            ["clair", "dégagé"], ["nuages", "nuageux"], ["pluie", "il pleut", "pluvieux", "sous la pluie"],
            ["neige", "il neige", "sous la neige"], ["étoiles", "étoilé", "ciel étoilé"],
        ],
        "object": [
            ["vide", "rien"], ["balle", "boule"], ["cube", "boîte"], ["anneau", "cerceau"],
            ["bateau", "voilier"], ["montgolfière", "ballon"], ["oiseau", "mouette"],
        ],
        "color": [["rouge"], ["jaune"], ["vert", "verte"], ["bleu", "bleue"], ["violet", "violette"], ["blanc", "blanche"]],
        "motion": [
            ["immobile", "arrêté", "au repos"], ["vers la gauche", "à gauche"], ["vers la droite", "à droite"],
            ["monte", "qui monte", "vers le haut"], ["descend", "tombe", "qui tombe", "vers le bas"], ["rebondit", "saute", "qui rebondit"],
        ],
    },
    ["un ", "une ", "le ", "la ", "les ", ""], ["sur la ", "sur le ", "au-dessus de la ", "au-dessus du ", "dans le ", "dans les ", "en "],
    ["avec ", "et ", "sous un ", "sous la ", ""], False,
)  # fmt: skip
SPANISH = Language(
    {
        "scene": [
            ["mar", "océano", "agua", "lago"], ["prado", "pradera", "campo", "hierba", "colinas verdes"],
            ["desierto", "dunas", "arena"], ["montañas", "montaña", "alpes", "picos"], ["ciudad", "edificios", "rascacielos"],
        ],
        "time": [
            ["de día", "al mediodía", "a plena luz"], ["al atardecer", "por la tarde", "en la puesta de sol"],
            ["de noche", "por la noche", "a medianoche"], ["al amanecer", "por la mañana", "de madrugada"],
        ],
        "sky": [["cielo azul"], ["cielo verde"], ["cielo morado", "cielo violeta"], ["cielo rojo"]],
        "celestial": [["sin sol", "sin luna"], ["sol", "sol brillante"], ["luna", "luna llena"]],
        "weather": [
            ["despejado"], ["nubes", "nublado"], ["lluvia", "llueve", "lluvioso"], ["nieve", "nieva", "nevando"],
            ["estrellas", "estrellado"],
        ],
        "object": [
            ["vacío", "nada"], ["pelota", "bola", "esfera"], ["cubo", "caja"], ["anillo", "aro"],
            ["barco", "velero", "barca"], ["globo", "globo aerostático"], ["pájaro", "gaviota", "ave"],
        ],
        "color": [
            ["rojo", "roja"], ["amarillo", "amarilla"], ["verde"], ["azul"], ["morado", "morada", "violeta"], ["blanco", "blanca"],
        ],
        "motion": [
            ["quieto", "quieta", "inmóvil"], ["hacia la izquierda", "a la izquierda"], ["hacia la derecha", "a la derecha"],
            ["sube", "subiendo", "hacia arriba"], ["baja", "cae", "cayendo", "hacia abajo"], ["rebota", "rebotando", "salta"],
        ],
    },
    ["un ", "una ", "el ", "la ", "las ", ""], ["sobre el ", "sobre la ", "en el ", "en la ", "en las "],
    ["con ", "y ", "bajo un ", "bajo la ", ""], False,
)  # fmt: skip
ITALIAN = Language(
    {
        "scene": [
            ["mare", "oceano", "acqua", "lago"], ["prato", "campo", "erba", "colline verdi"], ["deserto", "dune", "sabbia"],
            ["montagne", "montagna", "alpi", "cime"], ["città", "palazzi", "grattacieli"],
        ],
        "time": [
            ["di giorno", "a mezzogiorno"], ["al tramonto", "di sera", "la sera"], ["di notte", "la notte", "a mezzanotte"],
            ["all'alba", "al mattino", "di mattina"],
        ],
        "sky": [["cielo azzurro"], ["cielo verde"], ["cielo viola"], ["cielo rosso"]],
        "celestial": [["senza sole", "senza luna"], ["sole", "sole splendente"], ["luna", "luna piena"]],
        "weather": [
            ["sereno"], ["nuvole", "nuvoloso"], ["pioggia", "piove", "piovoso"], ["neve", "nevica", "nevicata"],
            ["stelle", "stellato"],
        ],
        "object": [
            ["vuoto", "niente"], ["palla", "sfera"], ["cubo", "scatola"], ["anello", "cerchio"],
            ["barca", "veliero", "nave"], ["mongolfiera", "pallone"], ["uccello", "gabbiano"],
        ],
        "color": [
            ["rosso", "rossa"], ["giallo", "gialla"], ["verde"], ["blu"], ["viola"], ["bianco", "bianca"],
        ],
        "motion": [
            ["fermo", "ferma", "immobile"], ["verso sinistra", "a sinistra"], ["verso destra", "a destra"],
            ["sale", "che sale", "verso l'alto"], ["scende", "cade", "verso il basso"], ["rimbalza", "che rimbalza", "salta"],
        ],
    },
    ["un ", "una ", "il ", "la ", "le ", ""], ["sul ", "sulla ", "sopra il ", "sopra la ", "nel ", "nella ", "sulle "],
    ["con ", "e ", "sotto un ", "sotto la ", ""], False,
)  # fmt: skip
LANGUAGES = [GERMAN, FRENCH, SPANISH, ITALIAN]


def object_words(language: Language, color: str, noun: str, rng: random.Random) -> str:
    pair = [color, noun] if language.color_first else [noun, color]
    return rng.choice(language.articles) + " ".join(word for word in pair if word)
