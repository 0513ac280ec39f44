"""`/v1`: the native dialect, in the shape of OpenAI's Videos API, so that its clients work with another base URL.

What OpenAI has beside videos of a prompt (remixes, edits, extensions, characters) is not there.
"""

from stillmotion.dialects.declared import Dialect

NATIVE = Dialect(
    prefix="/v1/",
    error="Problem",
    media_type="application/problem+json",
    nothing="There is nothing at this address. Videos are neither remixed, edited nor extended here.",
)
VIDEOS = "Videos"
OPERATIONS = "Operations"
WEBHOOKS = "Webhooks"
SPENDING = "Spending"
KEYS = "Keys"
DEAD_LETTERS = "Dead letters"
VENDORS = "Vendors"
