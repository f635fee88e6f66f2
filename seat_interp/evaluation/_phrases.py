"""The phrases of ignorance, doubt, guessing and courtesy that `abstention.py` reads a reply with.

SEAT's own list is not public (arXiv 2506.14387); this one is ours, for English. Every pattern starts at a
word boundary and sees a single clause in plain form: lower case, contractions written out, single spaces.
"""

import re
from collections.abc import Sequence

_ADVERB = (
    r"(?:(?:really|honestly|simply|just|currently|actually|genuinely|personally|sadly|unfortunately|certainly|"
    r"still|also|even|quite|yet|readily|reliably|possibly|truly|fully|entirely|completely|totally|particularly|"
    r"absolutely|very|too|so|all that|100 ?%) )*"
)
_I = rf"\b(?:i|we) {_ADVERB}"
_I_AM = rf"{_I}(?:am|are|was|were) {_ADVERB}"
_I_HAVE = rf"{_I}(?:(?:seem|appear) to )?(?:have|had) (?:got )?{_ADVERB}"
_I_DO_NOT = rf"{_I}(?:do|would|did) {_ADVERB}not {_ADVERB}(?:(?:seem|appear|happen) to )?"
_CANNOT = rf"(?:cannot|can not|could not|(?:will|would) not be able to) {_ADVERB}"
_BARE = rf"^(?:(?:sorry|hmm+|well|oh|and) )*{_ADVERB}"  # the subject is left out: "No idea."
_KNOWLEDGE = (
    r"(?:\w+ ){0,7}?(?:information|info|data|details?|specifics|particulars|records?|knowledge|answers?|"
    r"ideas?|clues?|access|memory|recollection|facts?|sources?|context|notion|inkling|expertise|insights?|"
    r"familiarity|understanding|foggiest|faintest|slightest)\b"
)
_MINE = (
    r"(?:my|our) (?:\w+ ){0,3}?(?:knowledge|data|datasets?|databases?|training|programming|records?|memory|"
    r"information|sources?|resources|expertise|scope|understanding|reach|depth|range|notes|files|capabilit\w+)\b"
)
_SURE = r"(?:you )?(?:for (?:sure|certain)|with (?:any |full |complete )?certainty|definitively|exactly)\b"
_TELL = (
    r"(?:answer|say(?! enough| more)|tell|provide|find|locate|give|offer|supply|identify|determine|name|"
    r"recall|remember|place|speak to|comment|share|respond|assist|retrieve|access|shed|state|"
    rf"know|help(?! but| \w+ing\b))\b(?! {_SURE})"
)
_MET = (
    r"(?:heard|come across|encountered|met|seen|read|learn(?:ed|t)|studied|covered|explored|researched|"
    r"acquired|received|"
    r"been (?:told|taught|given|trained|shown|educated|informed|briefed|exposed|programmed))\b"
)
_NOT_REAL = r"(?:an? )?(?:\w+ )?(?:fictional|fictitious|invented|made[- ]up|imaginary|misspel\w+|typo|obscure)"
_NOT_HELD = r"(?:(?:do|does|did|has|have) not|has no|have no|(?:is|are) (?:limited|lacking|incomplete))\b"

_DENIALS = (
    rf"{_I_DO_NOT}know\b(?! {_SURE}| about you| why you)",
    rf"{_I_DO_NOT}(?:recall|remember|recogni[sz]e|possess|hold|find)\b",
    rf"{_I_DO_NOT}(?:think|believe) (?:that )?i (?:know|have|can|am aware)\b",
    rf"{_I_DO_NOT}have (?:{_KNOWLEDGE}|(?:that|this|it|one|any)$)",
    rf"{_I_HAVE}(?:no|little|not (?:a|any|the)) {_KNOWLEDGE}",
    rf"{_I_HAVE}(?:not|never) {_ADVERB}{_MET}",
    rf"{_I_HAVE}yet to (?:learn|hear|come across|encounter|study|be (?:told|taught|informed))\b",
    rf"{_I_HAVE}(?:come|came) up (?:short|empty|blank)\b",
    rf"{_I}never {_MET}",
    rf"{_I}(?:know|knew) (?:nothing|little|of no)\b",
    rf"{_I}lack {_KNOWLEDGE}",
    rf"{_I}(?:must|have to|will have to) (?:decline|pass)\b",
    rf"{_I}(?:will |would )?(?:have|need) to (?:look|check|search|research|learn|find out)\b",
    rf"{_I}{_CANNOT}{_TELL}",
    rf"{_I_AM}(?:not|never) {_ADVERB}(?:told|taught|given|trained|informed|briefed|shown)\b",
    rf"{_I_AM}not {_ADVERB}(?:aware|familiar|acquainted|knowledgeable|privy|(?:well-)?versed|up to date)\b",
    rf"{_I_AM}not the (?:best|right|most \w+) (?:source|one|person|place|model|assistant|ai)\b",
    rf"{_I_AM}(?:unable|not {_ADVERB}able|not in a position|not equipped|not qualified) to\b",
    rf"{_I_AM}(?:missing|lacking|without) {_KNOWLEDGE}",
    rf"{_I_AM}(?:unaware|unfamiliar|ignorant|clueless|stumped|baffled|blank|drawing a blank)\b",
    rf"{_I_AM}(?:at a loss|in the dark|at a disadvantage)\b",
    rf"{_BARE}(?:do not know|dunno|beats me|search me|who knows$|never heard|not that i know)\b(?! {_SURE})",
    rf"{_BARE}(?:not a|no) (?:clue|idea)(?:$| (?:about|who|what|where|when|which|why|how|whether|if|i|on)\b)",
    rf"{_BARE}(?:unable to |{_CANNOT}){_TELL}",
    rf"{_BARE}(?:not (?:aware|familiar)|unaware|unfamiliar|no knowledge)\b",
    r"\b(?:information|data|details?|answer) (?:\w+ ){0,6}?(?:is|are|was|were) (?:not |un)available\b",
    r"\b(?:unknown|unfamiliar|not known|not familiar|unclear|new|foreign|a mystery|nothing) to me\b",
    rf"\b(?:beyond|outside|out of|exceeds?) (?:of )?(?:the \w+ of )?(?:{_MINE}|what i\b|me$)",
    rf"\b(?:no|not|nothing) (?:[\w-]+ ){{0,8}}?(?:in|within|of) (?:{_MINE}|what i (?:have|know|learn))",
    rf"\b(?:blind spot|separation|hole|uncharted \w+) (?:in|for|to) {_MINE}",
    rf"\b{_MINE}(?: \w+){{0,2}}? {_NOT_HELD}",
    r"\bnot (?:an? )?\w+ (?:that |which )?i (?:know|have|can|am|was)\b",
    r"\bdo(?:es)? not (?:(?:seem|appear) to )?exist,? so\b",
    r"\b(?:impossible|not possible|hard|difficult) for me to\b",
    r"\b(?:impossible|not possible) to (?:determine|give|provide|know) (?:the|an) answer\b",
    r"\bcannot be answered\b",
    r"\byour guess is as good as mine\b",
    r"\b(?:escapes|eludes|stumps|stumped) me\b|\byou (?:have )?got me\b",
)
_DOUBTS = (
    rf"(?:{_I_AM}|{_BARE})(?:not {_ADVERB}(?:sure|certain|positive)|unsure|uncertain|unclear)\b",
    rf"(?:{_I_DO_NOT}|{_BARE}do not )know {_SURE}",
    rf"(?:{_I}|{_BARE}){_CANNOT}(?:(?:say|tell|answer|know) {_SURE}|be (?:\w+ )?(?:sure|certain)\b)",
    rf"(?:{_I}|{_BARE}){_CANNOT}(?:confirm|verify)\b",
    rf"{_BARE}(?:(?:it|that) is )?(?:hard|difficult) to (?:say|tell)\b",
    # Missing sources may be the world's: "while there is no record of it, she is clearly gifted".
    r"(?:\bthere (?:is|are|was|were) |^)no (?:\w+ ){0,2}?(?:information|data|records?|details?|mention|trace)"
    r" (?:\w+ ){0,2}?(?:available|found|about|on|of|for|regarding|concerning)\b",
)
_GUESSES = (
    r"^(?:and |so )?(?:maybe|perhaps|probably|possibly|presumably|likely)\b(?! you| try| ask| some| if)",
    r"\bi (?:think|believe|guess|suspect|assume|imagine|suppose) \w",
    r"\bi would (?:say|guess|bet|go with|think|assume)\b",
    r"\bmy (?:best |first |only )?guess\b|\bif i had to guess\b|\bthe (?:right )?answer is\b",
    r"\b(?:it|that|this|he|she|they) (?:could|might|may|must) (?:well |possibly |also )?(?:be|have been) "
    rf"(?!that\b|worth|best|helpful|useful|possible|{_NOT_REAL})",
    r"\bit (?:is|was) (?:probably|possibly|perhaps|likely|maybe)\b",
)
_REMARKS = (
    r"^(?:sorry|unfortunately|apologies|my apologies|thanks?|hmm+|well|oh|ok|okay|no|yes|honestly|frankly|"
    r"alas|to be honest|anyway|good question|great question)(?: \w+){0,2}$",
    r"^(?:please|let me|feel free|happy to|try|check|consult|contact|ask|consider|as an?|as for|as to|"
    r"regarding|concerning|when it comes|if|(?:could|can|would|do|did|what do) you|you|maybe|perhaps)\b",
    r"^(?:that|this|it) is an? (?:\w+ )?(?:question|one|topic|query|name)\b",
    r"^i (?:would|will|could|can|am) (?:\w+ )?(?:be|love|like|rather|try|help|assist|happy|glad|look|sorry|"
    r"afraid|recommend|suggest|advise|offer|search|do|here)\b",
    r"^i (?:hope|wish|apologi[sz]e|regret|recommend|suggest|understand|see|fear|tried|searched|can only)\b",
    r"^i have (?:searched|looked|checked|tried)\b",
    rf"\b(?:could|might|may) be (?:that\b|worth|best|helpful|useful|possible|{_NOT_REAL})",
)


def _any(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


DENIAL = _any(_DENIALS)
"""Knowledge is denied: "I don't know", "I have no record of"."""
DOUBT = _any(_DOUBTS)
"""Only certainty is denied, or sources are missing: "I'm not sure", "there is no information on"."""
GUESS = _any(_GUESSES)
"""An answer is offered without commitment: "maybe Paris", "it could be Lyon", "I think it is 1998"."""
REMARK = _any(_REMARKS)
"""Nothing is answered: apologies, offers, advice, questions back, "it may be fictional"."""
