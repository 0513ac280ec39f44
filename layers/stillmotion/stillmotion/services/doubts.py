"""What is to be stored with a person's word that an attempt was never sent, or that nobody will find out.

People may be wrong. If they are, the generation that the attempt made belongs to nobody, and must not be taken for
that of another attempt without an answer (`services.reconcile`).
"""

from datetime import datetime

from stillmotion.domain.job import Attempt
from stillmotion.domain.reconciling import doubts_of, has_no_answer
from stillmotion.domain.sweeping import LONGEST_GENERATION, RETENTION
from stillmotion.ports import Claim, Pointer


def doubts(job_id: str, attempt: Attempt, now: datetime) -> tuple[Claim, ...]:
    """The claims for the same transaction; `attempt` as it was without an answer. None where its vendor knows keys."""
    if not has_no_answer(attempt):
        return ()
    forgotten = attempt.sent_at + RETENTION[attempt.vendor] + LONGEST_GENERATION
    return tuple(
        Claim(Pointer(key=key, job_id=job_id, attempt=attempt.number, created_at=now, expires_at=forgotten))
        for key in doubts_of(attempt)
    )
