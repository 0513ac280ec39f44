"""The little of XML that S3 speaks, read by expat itself, with document types refused."""

from collections import defaultdict
from xml.parsers import expat


class NotMarkup(Exception):
    """The text is not XML, or declares a document type, which S3 never does."""


def texts(document: bytes) -> dict[str, list[str]]:
    """The text of every element that holds text, by name, in the order of the document. Names carry no namespace.

    Where S3 nests (`<Contents><Key>…`), the names within are unique to their place in the answers that are read here.
    """
    found: defaultdict[str, list[str]] = defaultdict(list)
    open_texts: list[str] = []

    def start(_name: str, _attributes: dict[str, str]) -> None:
        open_texts.append("")

    def end(name: str) -> None:
        text = open_texts.pop()
        if text.strip():
            found[name].append(text)

    def character_data(data: str) -> None:
        if open_texts:
            open_texts[-1] += data

    def doctype(*_: object) -> None:
        raise NotMarkup("a document type is declared")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = character_data
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(document, True)  # noqa: FBT003 - expat takes its arguments by position
    except expat.ExpatError as error:
        raise NotMarkup(str(error)) from error
    return dict(found)
