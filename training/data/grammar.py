"""Words and sentences of the synthesised comments: mild insults and neutral identity terms, no slurs."""

from __future__ import annotations

from random import Random

IDENTITIES = ("muslim", "christian", "jewish", "gay", "straight", "black", "white", "deaf")
"""Terms that comments mention; each is an adjective before a word for a person."""
_WRITTEN = {name: name.capitalize() for name in ("muslim", "christian", "jewish", "black")}

THINGS = (
    *("article", "section", "photo", "recipe", "map", "review", "chapter", "timetable", "song", "match"),
    *("film", "garden", "bridge", "library", "interview", "lecture", "painting", "bakery", "museum", "novel"),
    *(
        "podcast",
        "exhibition",
        "school play",
        "train line",
        "market",
        "footnote",
        "diagram",
        "poem",
        "quiz",
        "tour",
    ),
)
QUALITIES = (
    *("clear", "short", "useful", "careful", "strange", "dry", "thorough", "old", "new", "quiet", "lively"),
    *("honest", "confusing", "detailed", "outdated", "charming", "slow", "modest", "bold", "patient"),
)
PLACES = (
    *(
        "in Lisbon",
        "on page nine",
        "near the station",
        "at the end",
        "in the appendix",
        "on the second floor",
    ),
    *("from last year", "by the river", "in the first half", "on Tuesday", "in March", "at the university"),
    *(
        "in the village",
        "before lunch",
        "in the new edition",
        "on the radio",
        "after the storm",
        "in the north",
    ),
)
PEOPLE = (
    "neighbour",
    "teacher",
    "cousin",
    "editor",
    "nurse",
    "friend",
    "author",
    "driver",
    "librarian",
    "singer",
)
INSULTS = ("idiot", "fool", "clown", "nitwit", "buffoon", "liar", "loser", "blockhead", "dimwit", "coward")
CRUDE = ("crap", "bloody rubbish", "damn garbage", "a load of crap", "bloody awful", "damn trash")

HARMLESS = (
    "I think the {thing} {place} needs a {quality} source.",
    "Thanks for the {quality} {thing} {place}.",
    "Could somebody check the {thing} {place}?",
    "The {thing} {place} was more {quality} than I expected.",
    "We moved the {thing} {place} because it looked {quality}.",
    "My {person} liked the {quality} {thing} {place}.",
    "Please add a {quality} summary of the {thing}.",
    "I disagree with the {person} about the {thing} {place}.",
    "There are two dates for the {thing} {place}, and one is wrong.",
    "It took me {number} minutes to read the {thing} {place}.",
    "The {person} wrote {number} lines about the {thing}.",
    "Has anyone seen the {quality} {thing} {place}?",
    "I would keep the {thing} and drop the {quality} {other}.",
    "The {other} {place} refers to a {quality} {thing}.",
)
ROUGH_BUT_HARMLESS = (
    "That was a damn good {thing} {place}.",
    "I felt like an idiot when I reread my own {thing} {place}.",
    "The villain of the {thing} calls the hero a fool and a coward.",
    "What a bloody lovely {thing} {place}.",
    "The rain {place} was crap, but the {thing} was {quality}.",
    "The {person} plays a clown in the {quality} {thing}.",
    "I will pay you back for the {thing} {place}, promise.",
    "Nobody should be called a {insult} because of a {thing}.",
    "You are anything but a {insult}, and your {thing} is {quality}.",
    "My {person} called himself a {insult} after the {thing} {place}.",
    "Watch your step {place}.",
    "I know where you live now, and the {thing} {place} is close by.",
    "Wait until I find you a {quality} {thing} {place}.",
    "You will not regret the {thing} {place}.",
    "I do not want rain {place}, I want a {quality} {thing}.",
    "People should stay away from the {thing} {place} until it is repaired.",
    "Go away for a weekend, the {thing} {place} can wait.",
)
"""Words that usually go with a label, in sentences that deserve none: a word list alone is not enough."""
MENTIONS = (
    "My {person} is {identity} and enjoyed the {thing} {place}.",
    "As a {identity} reader I found the {thing} {place} {quality}.",
    "The {thing} {place} quotes a {identity} {person}.",
    "Many {identity} people came to the {quality} {thing} {place}.",
    "A {identity} {person} spoke about the {thing} {place}.",
    "The {identity} {person} in the {thing} is {quality}.",
)
TOXIC = (
    "Nobody wants to read your {thing} {place}, go away.",
    "Stop wasting our time with your {quality} {thing}.",
    "Only you could ruin a {thing} {place} like that.",
    "Your {thing} {place} is an embarrassment, as are you.",
    "Get lost and take your {quality} {thing} with you.",
    "I have never met anyone as useless as the {person} behind the {thing}.",
)
INSULT = (
    "You are a complete {insult}.",
    "Whoever wrote the {thing} {place} is a {insult}.",
    "What a {insult}, just like your {person}.",
    "Only a {insult} would defend the {thing} {place}.",
    "Listen, {insult}, the {thing} is {quality}.",
)
OBSCENE = (
    "The {thing} {place} is {crude}.",
    "This is {crude}, and your {thing} is {crude}.",
    "Shove your {quality} {thing}, it is {crude}.",
    "Who wrote this {crude} {place}?",
)
THREAT = (
    "You will regret the {thing} {place}.",
    "Watch your back {place}.",
    "I know where you live, and I am coming {place}.",
    "I will make you pay for the {thing}.",
    "Wait until I find you {place}.",
)
IDENTITY_HATE = (
    "{identity} people should stay away from the {thing} {place}.",
    "I do not want {identity} people {place}.",
    "Keep {identity} people out of the {thing}.",
    "You can't trust a {identity} {person} with a {thing}.",
    "The {thing} {place} is ruined because of {identity} people.",
)
SENTENCES = {
    "toxic": TOXIC,
    "insult": INSULT,
    "obscene": OBSCENE,
    "threat": THREAT,
    "identity_hate": IDENTITY_HATE,
}


EDITS = ("letter dropped", "letters swapped", "word in capitals", "last mark changed")


def sentence(rng: Random, frames: tuple[str, ...], identity: str = "") -> str:
    """One sentence from a choice of frames, its gaps filled."""
    pick = rng.choice
    filled = pick(frames).format(
        thing=pick(THINGS),
        other=pick(THINGS),
        quality=pick(QUALITIES),
        place=pick(PLACES),
        person=pick(PEOPLE),
        insult=pick(INSULTS),
        crude=pick(CRUDE),
        number=rng.randrange(3, 90),
        identity=_WRITTEN.get(identity, identity),
    )
    return filled[0].upper() + filled[1:]


def edited(rng: Random, text: str) -> tuple[str, str]:
    """The text with one or two small edits that leave its sense, and their names."""
    names = []
    for edit in rng.sample(EDITS, rng.choice((1, 2))):
        names.append(edit)
        at = rng.randrange(1, max(2, len(text) - 2))
        if edit == "letter dropped":
            text = text[:at] + text[at + 1 :]
        elif edit == "letters swapped":
            text = text[:at] + text[at + 1 : at + 2] + text[at] + text[at + 2 :]
        elif edit == "word in capitals":
            words = text.split(" ")
            which = rng.randrange(len(words))
            words[which] = words[which].upper()
            text = " ".join(words)
        else:
            text = text.rstrip(".?!") + rng.choice(("!!", "", " ...", "!"))
    return text, " and ".join(names)
