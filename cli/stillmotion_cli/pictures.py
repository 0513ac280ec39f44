"""The picture that a command is given: a file, to be uploaded, or an address, to be passed on."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from stillmotion.domain.images import MAX_BYTES, SUFFIX_OF_TYPE, media_type, picture
from stillmotion.domain.request import InvalidRequest
from stillmotion_cli.failures import Misuse

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class LocalPicture:
    """A whole image from a file."""

    path: Path
    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class RemotePicture:
    """An `https://` or `s3://` address: the API judges it."""

    address: str


Picture = LocalPicture | RemotePicture


def find_picture(given: str) -> Picture:
    """Reads a file and looks at its bytes. Raises Misuse for what the API would refuse after an upload."""
    if given.startswith(("https://", "s3://")):
        return RemotePicture(given)
    if "://" in given:
        raise Misuse(f"{given} is no picture: give a file, an https:// URL or s3://bucket/key.")
    path = Path(given)
    try:
        length = path.stat().st_size
        if length > MAX_BYTES:
            raise Misuse(f"{given} is too large: {length / MEGABYTE:.1f} MiB, and {MAX_BYTES // MEGABYTE} are allowed.")
        content = path.read_bytes()
    except OSError as error:
        step = "Give a JPEG, PNG or WebP file, an https:// URL, or none: a prompt alone makes a video too."
        raise Misuse(f"{given} cannot be read: {error.strerror}.", next_step=step) from error
    if not content:
        raise Misuse(f"{given} is empty.")
    kind = media_type(content)
    if kind is None:
        kinds = ", ".join(sorted(SUFFIX_OF_TYPE))
        raise Misuse(f"{given} is not an image that can be used: its bytes are none of {kinds}.")
    try:
        seen = picture(content, "image")
    except InvalidRequest as invalid:
        raise Misuse(f"{given} {invalid.errors[0].rule}.") from invalid
    if seen is None:
        raise Misuse(f"{given} is not a whole image: its dimensions cannot be read.")
    return LocalPicture(path, content, kind)


def stem(found: Picture) -> str:
    """The picture's name without folder and suffix, to name the video by; may be empty."""
    if isinstance(found, LocalPicture):
        return found.path.stem
    scheme, _, rest = found.address.partition("://")
    path = rest.partition("/")[2]
    if scheme == "https":
        path = unquote(path.partition("?")[0].partition("#")[0])
    name = PurePosixPath(path).stem
    return name if name.isprintable() and "\\" not in name and not name.startswith(".") else ""
