"""`/v2`: Apiframe's dialect, so that its clients work with a change of base URL and key.

Its own fields are the only ones that its schema lets pass, so all else is as usual: either vendor may make the video,
where it can make the whole of it.

Source: Apiframe's OpenAPI of v2.
"""

from stillmotion.dialects.declared import Dialect

APIFRAME = Dialect(prefix="/v2/", error="ApiframeError")
TAG = "Apiframe's dialect"
