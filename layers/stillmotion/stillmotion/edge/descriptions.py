"""What each field of a request is, in a sentence: the document and the command's help say it in the same words.

It imports nothing: the command starts in half the time without pydantic.
"""

from collections.abc import Mapping

DESCRIPTIONS: Mapping[str, str] = {
    "prompt": "What is to be seen.",
    "image": (
        "What the video starts with: an https:// address, s3://bucket/key of an upload, or a data: URI of a JPEG, PNG"
        " or WebP image. Without one it is made of the prompt alone."
    ),
    "end_image": "What the video ends with; it needs an image, and does not go with loop.",
    "duration": "Seconds. 9 is made by Apiframe only, 10 by WaveSpeed only.",
    "aspect_ratio": "Without one, the video is 16:9 for a landscape image and 9:16 for a portrait image.",
    "size": "In place of aspect_ratio: WIDTHxHEIGHT.",
    "loop": "Whether the end leads back to the start.",
    "concepts": "Camera moves, each once.",
    "vendor": "Who is to make it; auto is whoever can, the cheapest first.",
    "allow_substitution": (
        "Whether a vendor may make the nearest that it can in place of what was asked for, such as 10 s for 9 s."
    ),
    "failover": (
        "When the other vendor is tried: after a failure that has nothing to do with the request (normal), after one"
        " that has, too (always), or not (never)."
    ),
    "priority": "Which of the jobs that wait for a vendor goes first.",
    "max_dollars": "The most that an attempt may be expected to cost, in US dollars.",
    "when_over_budget": "What is done when the budget of the day is spent: wait for the next day, or fail.",
    "metadata": "The caller's own words; they are in the record and in every event.",
    "callback_url": "The URL that is sent the job's events.",
}
