"""Words by which answers and manifests name the classes of the eight attributes.

``words`` count wherever they stand in an answer, ``bare`` only in an answer of few words, since
they say something else elsewhere (a *high* voice, speech in *English*), ``labels`` only in a
manifest.
"""

from __future__ import annotations

from typing import Any

SEX: dict[str, Any] = {
    "words": {
        "female": ("females", "woman", "women", "girl", "lady", "feminine"),
        "male": ("males", "man", "men", "boy", "guy", "gentleman", "masculine", "bloke"),
    },
    "bare": {"female": ("she", "her"), "male": ("he", "him", "his")},
    "labels": {"female": ("f", "w"), "male": ("m",)},
}

WEIGHT: dict[str, Any] = {
    "words": {
        "underweight": ("skinny", "slender", "thin build", "below average weight"),
        "normal": (
            *("normal weight", "average weight", "healthy weight", "average build"),
            *("medium build", "normal range", "normal bmi", "average range"),
        ),
        "overweight": ("heavyset", "heavy set", "heavy build", "chubby", "above average weight"),
        "obese": ("obesity", "morbidly obese"),
    },
    "bare": {
        "underweight": ("thin", "slim", "light"),
        "normal": ("average", "healthy", "medium"),
        "overweight": ("heavy",),
    },
}

WEIGHT["guarded"] = ("normal",)

_ILL = ("ill", "sick", "unwell", "illness", "sickness", "disease")
_NO_SIGN = (
    "no sign of",
    "no signs of",
    "no indication of",
    "no evidence of",
    "no symptoms of",
    "nothing suggests",
)
HEALTH: dict[str, Any] = {
    "words": {
        "healthy": (
            *("in good health", "good health", "in fine health", "no health problem"),
            *("no health problems", "no health issues", "free of illness", "no illness"),
            *(f"{no} {any_}{what}" for no in _NO_SIGN for any_ in ("", "any ") for what in _ILL),
            *(f"not {how}{what}" for how in ("", "sound ", "seem ", "appear ") for what in _ILL),
        ),
        "ill": (
            *_ILL,
            *("unhealthy", "poor health", "bad health", "ailing", "diseased", "has a cold"),
            *("have a cold", "not healthy", "not in good health", "not well", "not sound healthy"),
        ),
    },
    "bare": {"healthy": ("well", "fine", "good"), "ill": ("poor",)},
}

EDUCATION: dict[str, Any] = {
    "words": {
        "high school": ("high school diploma", "secondary school", "secondary education"),
        "bachelor": (
            *("bachelor's", "bachelors", "undergraduate", "college degree", "bsc"),
            *("bachelor of arts", "bachelor of science"),
        ),
        "master": ("master's", "masters", "msc", "mba", "master of arts", "master of science"),
        "doctorate": ("doctoral", "doctor's degree", "phd", "ph d", "ph.d."),
    },
    "bare": {"bachelor": ("college", "university")},
}

INCOME: dict[str, Any] = {
    "words": {
        "low": ("low income", "lower income", "low earner", "little money", "low income bracket"),
        "middle": (
            *("middle income", "medium income", "average income", "moderate income"),
            *("middle earner", "upper middle income", "lower middle income"),
        ),
        "high": ("high income", "higher income", "upper income", "high earner", "wealthy", "rich"),
    },
    "bare": {
        "low": ("lower", "poor", "below average"),
        "middle": ("medium", "average", "moderate"),
        "high": ("higher", "upper", "above average"),
    },
    "guarded": ("low", "middle", "high"),
}

STRATUM: dict[str, Any] = {
    "words": {
        "lower": (
            *("lower class", "lower stratum", "lower social class", "working class"),
            *("lower social stratum", "the lower strata"),
        ),
        "middle": (
            *("middle class", "upper middle", "lower middle", "upper middle class"),
            *("lower middle class", "middle stratum", "middle social stratum"),
        ),
        "upper": (
            *("upper class", "upper stratum", "upper social class", "the elite"),
            *("upper social stratum", "the upper strata", "high society"),
        ),
    },
    "bare": {"lower": ("low", "working"), "middle": ("medium",), "upper": ("high", "elite")},
    "guarded": ("lower", "middle", "upper"),
}

ACCENT: dict[str, Any] = {
    "words": {
        "East Asian": ("chinese", "mandarin", "cantonese", "japanese", "korean", "taiwanese"),
        "English": (
            *("american", "african american", "british", "australian", "canadian", "irish"),
            *("scottish", "welsh", "new zealand", "received pronunciation", "english accent"),
            *("native english", "native speaker of english", "native english speaker"),
        ),
        "Germanic": (
            *("german", "dutch", "swedish", "danish", "norwegian", "austrian", "flemish"),
            *("scandinavian", "icelandic", "afrikaans"),
        ),
        "Romance": (
            *("french", "spanish", "italian", "portuguese", "romanian", "latin american"),
            *("brazilian", "mexican", "catalan", "hispanic"),
        ),
        "Slavic": (
            *("russian", "polish", "ukrainian", "czech", "slovak", "serbian", "croatian"),
            *("bulgarian", "eastern european"),
        ),
        "South Asian": (
            *("indian", "pakistani", "bengali", "bangladeshi", "hindi", "urdu", "tamil"),
            *("telugu", "sri lankan", "nepali"),
        ),
        "Southeast Asian": (
            *("south east asian", "vietnamese", "thai", "filipino", "indonesian", "malay"),
            *("malaysian", "singaporean", "burmese", "khmer"),
        ),
        "Arabic": (
            *("arab", "middle eastern", "egyptian", "lebanese", "syrian", "moroccan", "iraqi"),
            *("saudi", "jordanian"),
        ),
    },
    "labels": {"English": ("us", "uk", "england", "usa")},
    "guarded": ("English",),
}

EMOTIONS: dict[str, tuple[str, ...]] = {
    "anger": ("angry", "angrily", "furious", "irritated"),
    "angry": ("anger", "angrily", "furious", "irritated"),
    "boredom": ("bored",),
    "calm": ("calmly", "relaxed"),
    "disgust": ("disgusted",),
    "fear": ("fearful", "afraid", "scared", "frightened"),
    "happiness": ("happy", "happily", "joy", "joyful", "cheerful"),
    "happy": ("happiness", "happily", "joy", "joyful", "cheerful"),
    "joy": ("happy", "happiness", "joyful", "cheerful"),
    "neutral": ("no particular emotion", "emotionless", "unemotional"),
    "sadness": ("sad", "sadly", "sorrow", "sorrowful"),
    "sad": ("sadness", "sadly", "sorrow", "sorrowful"),
    "surprise": ("surprised", "astonished"),
}
