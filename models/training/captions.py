"""Captions: the words for every field value, random sentences made of them, and the vocabulary that results.

A sentence names some fields only; `caption` returns the fields it stands for. What a viewer would not expect unsaid is
resolved here and not left open: no object named means none, no sky color means natural, no weather means clear.
"""

import random

from .languages import LANGUAGES, Language, object_words
from .world import CELESTIAL, COLOR, FIELD_NAMES, MOTION, OBJECT, SCENE, SKY, TIME, WEATHER, field_id

SYNONYMS: dict[str, list[list[str]]] = {
    "scene": [
        ["sea", "ocean", "calm sea", "water", "lake", "waves", "seaside", "coast", "bay", "beach"],
        ["meadow", "green meadow", "grassland", "field", "grass", "green hills", "hills", "prairie", "lawn", "pasture", "countryside"],
        ["desert", "sand dunes", "dunes", "sandy desert", "sand", "sahara"],
        ["mountains", "snowy mountains", "mountain range", "alps", "peaks", "mountain", "summit", "hilltops"],
        ["city", "skyline", "town", "city skyline", "buildings", "downtown", "skyscrapers", "metropolis", "village", "street"],
    ],
    "time": [
        ["by day", "in daylight", "at noon", "in the daytime", "on a bright day", "during the day", "on a sunny day"],
        ["at sunset", "at dusk", "in the evening", "during sunset", "in the golden hour"],
        ["at night", "by night", "at midnight", "in the dark", "on a dark night"],
        ["at dawn", "at sunrise", "in the early morning", "in the morning", "at daybreak"],
    ],
    "sky": [
        ["blue sky"],
        ["green sky", "emerald sky", "green aurora sky"],
        ["purple sky", "violet sky", "magenta sky"],
        ["red sky", "crimson sky", "blood red sky"],
    ],
    "celestial": [["no sun", "no moon"], ["sun", "bright sun", "shining sun"], ["moon", "full moon", "bright moon", "pale moon"]],
    "weather": [
        ["clear", "cloudless", "clear weather", "no clouds", "clear sky"],
        ["clouds", "cloudy", "overcast", "drifting clouds", "fluffy clouds"],
        ["rain", "raining", "rainy", "heavy rain", "rainstorm", "in the rain", "drizzle"],
        ["snow", "snowing", "snowy", "snowfall", "snow falling", "falling snow", "snowflakes", "in the snow", "blizzard"],
        ["stars", "starry", "starry sky", "twinkling stars", "starlight", "full of stars", "shooting stars"],
    ],
    "object": [
        ["empty", "nothing", "nobody"],
        ["ball", "sphere", "globe", "orb", "football"],
        ["cube", "box", "block", "crate", "dice"],
        ["ring", "hoop", "torus", "donut"],
        ["sailing boat", "boat", "sailboat", "ship", "yacht", "vessel", "sailing ship"],
        ["hot air balloon", "balloon", "hot-air balloon", "airship"],
        ["bird", "seagull", "eagle", "flying bird", "crow", "gull", "pigeon", "swan"],
    ],
    "color": [
        ["red", "crimson", "scarlet", "ruby"],
        ["yellow", "golden", "gold"],
        ["green", "emerald", "lime"],
        ["blue", "azure", "navy", "turquoise"],
        ["purple", "violet", "magenta", "lilac"],
        ["white", "ivory", "pale", "silver"],
    ],
    "motion": [
        ["standing still", "at rest", "hovering", "resting", "motionless", "not moving"],
        ["moving left", "flying left", "flying to the left", "drifting left", "going left", "leftwards", "heading left", "from right to left"],
        ["moving right", "flying right", "flying to the right", "drifting right", "going right", "rightwards", "heading right", "from left to right"],
        ["rising", "going up", "floating up", "ascending", "moving up", "upwards", "flying up"],
        ["falling", "going down", "sinking", "descending", "moving down", "dropping", "downwards"],
        ["bouncing", "jumping", "hopping", "bounces", "jumps"],
    ],
}
ARTICLES = ["a ", "the ", ""]
OBJECT_OPENINGS = ["a ", "one ", "the ", ""]
MOTION_LINKS = ["", "", "is ", "that is "]
PLACES = ["over", "above", "in", "across", "on", "in front of", "near", "at", "with"]
SKY_LINKS = ["under a ", "with a ", "a ", "and a "]
CELESTIAL_LINKS = ["under a ", "with the ", "and a ", "the ", "under the "]
WEATHER_LINKS = ["with ", "and ", "", "in "]
REQUESTS = ["please show ", "video of ", "show me ", "i want ", "a clip of ", "cinematic ", "slowly "]


def with_typo(text: str, rng: random.Random) -> str:
    """Drop or swap one or two characters somewhere."""
    i = rng.randrange(len(text) - 1)
    middle = rng.choice(["", text[i + 1] + text[i]])
    return text[:i] + middle + text[i + (1 if rng.random() < 0.5 else 2) :]


def object_phrase(fields: list[int], said: list[int], rng: random.Random) -> str:
    phrase = ""
    if rng.random() < 0.85:
        said[COLOR] = fields[COLOR]
        phrase = word(fields, COLOR, rng) + " "
    phrase = rng.choice(OBJECT_OPENINGS) + phrase + word(fields, OBJECT, rng)
    said[OBJECT] = fields[OBJECT]
    if rng.random() < 0.85:
        said[MOTION] = fields[MOTION]
        motion = word(fields, MOTION, rng)
        phrase = f"{motion} {phrase}" if rng.random() < 0.12 else f"{phrase} {rng.choice(MOTION_LINKS)}{motion}"
    return phrase


def word(fields: list[int], field: int, rng: random.Random) -> str:
    return rng.choice(SYNONYMS[FIELD_NAMES[field]][fields[field] - 1])


def caption(fields: list[int], rng: random.Random) -> tuple[str, list[int]]:
    """Complete field ids [8] -> a sentence and the field ids [8] that it stands for (0: left open)."""
    said = [0] * 8
    said[SKY], said[WEATHER], said[OBJECT] = (
        field_id(SKY, "natural"), field_id(WEATHER, "clear"), field_id(OBJECT, "none"),
    )  # fmt: skip
    parts: list[str] = []
    if fields[OBJECT] > field_id(OBJECT, "none"):
        parts.append(object_phrase(fields, said, rng))
    elif rng.random() < 0.25:
        parts.append(word(fields, OBJECT, rng))
    if rng.random() < 0.9:
        said[SCENE] = fields[SCENE]
        place = f"{rng.choice(PLACES)} {rng.choice(ARTICLES)}{word(fields, SCENE, rng)}"
        parts.append(place if parts or rng.random() < 0.3 else word(fields, SCENE, rng))

    rest: list[str] = []
    if rng.random() < 0.8:
        said[TIME] = fields[TIME]
        rest.append(word(fields, TIME, rng))
    if fields[SKY] > field_id(SKY, "natural") or rng.random() < 0.15:
        said[SKY] = fields[SKY]
        rest.append(rng.choice(SKY_LINKS) + word(fields, SKY, rng))
    if rng.random() < (0.75 if fields[CELESTIAL] > field_id(CELESTIAL, "none") else 0.1):
        said[CELESTIAL] = fields[CELESTIAL]
        none = fields[CELESTIAL] == field_id(CELESTIAL, "none")
        rest.append(("" if none else rng.choice(CELESTIAL_LINKS)) + word(fields, CELESTIAL, rng))
    clear = fields[WEATHER] == field_id(WEATHER, "clear")
    if rng.random() < (0.4 if clear else 0.85):
        said[WEATHER] = fields[WEATHER]
        rest.append(rng.choice(WEATHER_LINKS) + word(fields, WEATHER, rng))
    rng.shuffle(rest)
    parts += rest
    if rng.random() < 0.25:
        rng.shuffle(parts)
    text = rng.choice([" ", ", ", " "]).join(parts)
    if rng.random() < 0.15:
        text = rng.choice(REQUESTS) + text
    if rng.random() < 0.1 and len(text) > 8:
        text = with_typo(text, rng)
    return text, said


def foreign_caption(fields: list[int], language: Language, rng: random.Random) -> tuple[str, list[int]]:
    """As `caption`, in another language: the same fields said or not, by simpler templates."""
    said = [0] * 8
    said[SKY], said[WEATHER], said[OBJECT] = (
        field_id(SKY, "natural"), field_id(WEATHER, "clear"), field_id(OBJECT, "none"),
    )  # fmt: skip

    def say(field: int) -> str:
        said[field] = fields[field]
        return rng.choice(language.words[FIELD_NAMES[field]][fields[field] - 1])

    parts: list[str] = []
    if fields[OBJECT] > field_id(OBJECT, "none"):
        color = say(COLOR) if rng.random() < 0.85 else ""
        parts.append(object_words(language, color, say(OBJECT), rng))
        if rng.random() < 0.8:
            parts[0] += " " + say(MOTION)
    if rng.random() < 0.9:
        parts.append((rng.choice(language.places) if parts else rng.choice(language.articles)) + say(SCENE))
    rest = [say(TIME)] if rng.random() < 0.8 else []
    if fields[SKY] > field_id(SKY, "natural"):
        rest.append(rng.choice(language.links) + say(SKY))
    for field, unsaid in ((CELESTIAL, "none"), (WEATHER, "clear")):
        if rng.random() < (0.8 if fields[field] > field_id(field, unsaid) else 0.1):
            rest.append(rng.choice(language.links) + say(field))
    rng.shuffle(rest)
    text = rng.choice([" ", ", "]).join(parts + rest)
    return (with_typo(text, rng) if rng.random() < 0.05 and len(text) > 8 else text), said


def vocabulary() -> list[str]:
    """Every lower-case word that a caption without typos can contain, sorted."""
    tables = [SYNONYMS, *(language.words for language in LANGUAGES)]
    phrases = [phrase for table in tables for values in table.values() for words in values for phrase in words]
    for templates in (ARTICLES, OBJECT_OPENINGS, MOTION_LINKS, PLACES, SKY_LINKS, CELESTIAL_LINKS, WEATHER_LINKS, REQUESTS):
        phrases += templates
    for language in LANGUAGES:
        phrases += language.articles + language.places + language.links
    return sorted({word for phrase in phrases for word in phrase.replace("-", " ").split()})
