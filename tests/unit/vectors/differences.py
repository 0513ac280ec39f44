"""Where the API answers otherwise than e906955 did, on purpose.

The recorded answers stay as they are. An entry here names one of them, as `<file>: <name>`, and the members in which
the present answer may differ, each with the reason. A member is a path, such as `answers.0.body.detail`, and stands for
all that is below it. What is not named here is still compared, and an entry that is not needed fails.
"""

from collections.abc import Mapping

DIFFERENCES: Mapping[str, Mapping[str, str]] = {}
