"""Pictures that stand in their own address: `data:image/png;base64,…` (RFC 2397)."""

import binascii
import re

from stillmotion.domain.images import MAX_BYTES
from stillmotion.domain.request import FieldError, InvalidRequest

# The type that it names is not believed, but a caller who names none that is an image means something else.
_BEGINNING = re.compile(r"data:image/[a-z0-9.+-]{1,64};base64,", re.IGNORECASE)
# Four characters hold three bytes.
_MAX_CHARACTERS = (MAX_BYTES + 2) // 3 * 4


def decoded(uri: str, field: str) -> bytes:
    """The bytes that it holds. Raises InvalidRequest that names `field`, and shows nothing of them."""
    beginning = _BEGINNING.match(uri)
    if beginning is None:
        raise InvalidRequest(FieldError(field, "must be data:image/…;base64,… where it is a data URI"))
    encoded = uri[beginning.end() :]
    if len(encoded) > _MAX_CHARACTERS:
        raise InvalidRequest(FieldError(field, f"must be at most {MAX_BYTES} bytes"))
    try:
        return binascii.a2b_base64(encoded, strict_mode=True)
    except ValueError as error:
        raise InvalidRequest(FieldError(field, "must be base64, with its padding, behind the comma")) from error
