"""The form that orders a video: the fields of the JSON body, spelt as text, and files."""

from collections.abc import Mapping

from stillmotion.dialects.multipart import FILE_SCHEMA
from stillmotion.dialects.native.order_body import FILES
from stillmotion.dialects.openapi.schemas import TEXT, Json, many
from stillmotion.domain.request import MAX_PROMPT, PRICE_PATTERN
from stillmotion.edge.request import IMAGE_SCHEMA

NAME = "VideoForm"
FILE: Json = FILE_SCHEMA
# As text, where empty text is null.
_SPELT: Mapping[str, Json] = {
    "prompt": {"type": "string", "pattern": r"\S", "maxLength": MAX_PROMPT},
    "max_dollars": {"type": "string", "pattern": f"^({PRICE_PATTERN})?$"},
    "dry_run": {"type": "string", "pattern": "^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|[01])$"},
}


def video_form(order: Json) -> Json:
    """The schema of the form, made of that of the JSON body."""
    words = {name: schema["description"] for name, schema in order["properties"].items()}
    files = {name: {**FILE, "description": words[name]} for name in FILES}
    texts = {
        name: {**_SPELT.get(name, TEXT), "description": description}
        for name, description in words.items()
        if name not in (*files, "metadata", "concepts")
    }
    concepts = many({**TEXT}, description="Spelt once for each, with or without the brackets.")
    return {
        "type": "object",
        "description": "The same fields as in JSON, spelt as text; files are images. A form is at most 4.5 MB.",
        "properties": {**texts, **files, "concepts": concepts},
        "patternProperties": {
            r"^concepts\[\]$": concepts,
            r"^metadata\[((?!\]\[)[\s\S])+\]$": TEXT,
            r"^input_reference\[image_url\]$": IMAGE_SCHEMA,
        },
        "required": ["prompt"],
        "additionalProperties": False,
    }
