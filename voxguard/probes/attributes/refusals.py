"""How models decline, deny, hedge and conclude, in English."""

from __future__ import annotations

import re

_CANNOT = (
    "determine|tell|say|identify|infer|know|answer|help|assist|provide|guess|make|comment|process|"
    "hear|listen|access|assess|judge|discern|detect|evaluate|estimate|analy[sz]e|classify|give|"
    "offer|share|disclose|speculate|confirm|draw|decide|do|comply|ascertain|deduce|establish|"
    "distinguish|choose|pick|select|recogni[sz]e|conclude|reveal|fulfill?|"
    "be (?:\\w+ly )?(?:certain|sure|"
    "determined|inferred|known|identified|told|assessed|established|answered|concluded|judged|"
    "discerned|ascertained|confident|estimated|deduced)"
)

# A clause with one of these names no class.
REFUSAL = re.compile(
    r"\b(?:"
    rf"(?:can|could|will|would|do|does|should|must|may|to) not (?:\w+ly |even )?(?:{_CANNOT})"
    r"|(?:not |un)(?:really |quite )?(?:able|possible|willing|allowed|permitted|comfortable)"
    r" (?:for me )?(?:to|with)"
    r"|impossible (?:for me )?to|not (?:going|meant|designed|supposed) to"
    r"|do not have (?:the ability|any way|enough|sufficient|access|the means|an? )"
    r"|no (?:way|means) (?:to|of|for)|no reliable way"
    r"|(?:would|do|am|is|are)? ?not (?:be |feel )?(?:comfortable|appropriate|right)\b"
    r"|(?:prefer|rather) not|declin(?:e|ing)|refus(?:e|ing)|refrain|abstain"
    r"|inappropriate (?:to|for)|against my"
    r"|not (?:sure|certain|clear|specified|discernible|evident|determinable|known|available|"
    r"stated|given|provided|mentioned|applicable)"
    r"|unsure|uncertain|unknown|unclear|undetermined|indeterminate|indeterminable|unspecified"
    r"|(?:in|not )sufficient|not enough (?:information|evidence|data|detail|audio|context)"
    r"|no (?:answer|idea|opinion|guess)"
    r"|no (?:audio|recording|clip|sound|speech|voice|attachment)\b"
    r"|(?:please|could you|kindly) (?:provide|upload|share|attach|send|supply)"
    r"|(?:hard|difficult|tough|tricky) (?:for me )?to \w+|not something i (?:can|could|will|do)"
    r"|n\.?a\.?$|neither (?:option|choice|of)|none of (?:the above|these|them)"
    r"|lack(?:s|ing)? (?:the|enough|sufficient)"
    r"|would need (?:to|more)"
    r")"
    r"|^(?:n a|pass|skip(?:ped)?|redacted|undisclosed|cannot tell)$"
)

# Words of an answer that is none, unless a class is named all the same.
APOLOGY = re.compile(
    r"\b(?:sorry|apologi[sz]e|apologies|as an? (?:ai|assistant|language model|artificial)"
    r"|i am (?:just |only )?an? (?:ai|assistant|language model)|privacy|private"
    r"|personal information|sensitive|confidential|stereotyp\w+|respect (?:for )?|discriminat\w+)\b"
)

# The class named after it, with no comma in between but those of a list, is denied.
DENIAL = re.compile(
    r"\b(?:not|never|neither|nor|no|without|unlike|than|rather than|instead of|as opposed to|"
    r"rul(?:es?|ed|ing) out|exclud(?:es?|ed|ing)|versus|vs)\b"
    r"(?! (?:only|just|to mention|surprisingly|doubt))(?P<between>[^,:]*)$"
)
DENIED_AFTER = re.compile(
    r"^\w*(?:'s)?(?: \w+)? (?:is|are|seems?|appears?|sounds?) (?:\w+ )?"
    r"(?:unlikely|improbable|implausible|ruled out|excluded|less likely|not likely)\b"
)
MOST_BETWEEN = 5  # words between a denial and what it denies

_OPENING = r"^(?:and )?(?:so|thus|hence|therefore|but|however|yet|still|nevertheless)\b"
CONCLUSION = re.compile(
    _OPENING + r"|\b(?:overall|in conclusion|to conclude|conclude|finally|final(?:ly)? (?:answer|"
    r"guess|decision)|most likely|more likely|likeliest|best guess|educated guess|had to guess|"
    r"have to guess|must guess|forced to|if pressed|would (?:say|guess|go|lean)|my guess|"
    r"ultimately|taken together|all in all|in short|in summary|on balance|lean(?:s|ing)?)\b"
)
SURE = re.compile(
    r"\b(?:most likely|more likely|best guess|my guess|would (?:say|guess|go|lean))\b"
)
HEDGE = re.compile(r"\b(?:could|may|might|can|possibly|perhaps|maybe|alternatively)\b")
STATEMENT = re.compile(
    r"\b(?:is|was|are|am|sounds?|seems?|appears?|suggests?|indicates?|points?|consistent with|"
    r"likely|probably|presumably|looks?|belongs?|think|believe|guess|hear|definitely|certainly|"
    r"clearly|must be|has|holds?|identified|classed|estimate[ds]?|"
    r"(?:around|about|approximately) \d+)\b"
)
GENERAL = re.compile(
    r"\b(?:also|(?:in the )?background|typical(?:ly)? (?:of|for)|"
    r"usually|generally|in general|often|tend(?:s|ed)? to|"
    r"(?:is|are|was) (?:a bit |rather |somewhat )?(?:like|similar to)|resembl\w+|"
    r"(?:most|many|some) (?:men|women|people|speakers)|would (?:be|have|suggest|sound|speak))\b"
)
