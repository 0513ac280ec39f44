"""Where the API answers otherwise than e906955 did, on purpose.

The recorded answers stay as they are. An entry here names one of them, as `<file>: <name>`, and the members in which
the present answer may differ, each with the reason. A member is a path, such as `answers.0.body.detail`, and stands for
all that is below it. What is not named here is still compared, and an entry that is not needed fails.
"""

from collections.abc import Mapping

ORDER = "Errors come in the order of the fields in the document, and unknown names last, in every call."
WORDS = "The sentence follows from the field's type and bounds; it was msgspec's, or one of its own."
FORM = "Broken rules are told in one form in every call: the field, a colon, the rule."
ALONE = "Each field is checked by itself: a wrong one hides no error of another."
COUNT = "20 errors are shown, the last of which counts the others: it was one more."
VALUES = "A body with more values than an order can have is refused before it is decoded."
MISSING = "A field that is required and was left out is called missing."


def _problem(reason: str, answer: int = 0) -> dict[str, str]:
    """The members of a problem that tell which rules are broken, in the nth answer."""
    members = ("detail", "error.message", "error.param", "errors")
    return {f"answers.{answer}.body.{member}": reason for member in members}


def _sentences(reason: str, *answers: int) -> dict[str, str]:
    """The same, where the first field is the same one."""
    return {
        member: told
        for answer in answers
        for member, told in _problem(reason, answer).items()
        if not member.endswith("param")
    }


DIFFERENCES: Mapping[str, Mapping[str, str]] = {
    "native: every field of a wrong type": _problem(ORDER),
    "native: every field of a wrong value": _problem(ORDER),
    "native: many unknown fields": _sentences(COUNT, 0),
    "native: a body that is too deep": {"answers.0.body.detail": VALUES, "answers.0.body.error.message": VALUES},
    "native: a ticket for what is no image": _sentences(MISSING, 1),
    "native: spending that is asked wrongly": {
        **{f"answers.{answer}.body.detail": FORM for answer in range(3)},
        **{f"answers.{answer}.body.error.message": FORM for answer in range(3)},
        "answers.2.body.errors.0.rule": WORDS,
    },
    "native: a key that is refused": _problem(f"{WORDS} {ORDER}", 1),
    "native: a key that is rotated, and revoked": _sentences(WORDS, 6),
    "native: where a tenant cannot be told": {**_problem(ORDER, 1), **_sentences(WORDS, 2)},
    "wavespeed: an order with wrong values": {"answers.0.body.message": ORDER},
    "wavespeed: a price of nothing": {"answers.0.body.message": ORDER},
    "wavespeed: a ticket that is refused": {"answers.0.body.message": ORDER, "answers.1.body.message": MISSING},
    "wavespeed: a history that is asked wrongly": {"answers.1.body.message": f"{ORDER} {ALONE}"},
}
