"""How long to wait before looking again: first to when such a video usually ends, then short, then longer."""

import msgspec

GROWTH = 1.5
# An execution ends at 25,000 events, and a look takes some nine of them.
MAX_LOOKS = 2000


class WaitPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Waits in whole seconds. `usual_seconds` is what a 5 s video usually takes; a longer one takes its share more.

    `slow_poll_seconds` is how long a job whose vendor tells of its end is left alone.
    """

    usual_seconds: int = 75
    short_wait_seconds: int = 10
    longest_wait_seconds: int = 120
    deadline_seconds: int = 3600
    slow_poll_seconds: int = 300

    def first(self, duration: int) -> int:
        """Seconds from acceptance to the first look at a video of `duration` seconds."""
        return max(1, self.usual_seconds * duration // 5)

    def slow(self, elapsed: int) -> int:
        """Seconds for which a webhook is waited for, `elapsed` seconds after acceptance."""
        return max(self.slow_poll_seconds, elapsed // 10)

    def next(self, elapsed: int, duration: int) -> int:
        """Seconds to the next look, `elapsed` seconds after acceptance: never past the deadline."""
        usual = self.first(duration)
        if elapsed < usual:
            wait = max(self.short_wait_seconds, usual - elapsed)
        elif elapsed < 2 * usual:
            wait = self.short_wait_seconds
        else:
            wait = min(self.longest_wait_seconds, max(self.short_wait_seconds, int((elapsed - usual) * (GROWTH - 1))))
        return self.within_deadline(max(wait, self.deadline_seconds // MAX_LOOKS), elapsed)

    def within_deadline(self, wait: int, elapsed: int) -> int:
        """A wait, cut so that the last look is at the deadline."""
        return max(1, min(wait, self.deadline_seconds - elapsed))


def backoff(tries: int, *, first: int = 5, longest: int = 300) -> int:
    """Seconds before try number `tries + 1` of something that was not taken: doubling, bounded."""
    return min(longest, first << min(max(0, tries - 1), 16))
