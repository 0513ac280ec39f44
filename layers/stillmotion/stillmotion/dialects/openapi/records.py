"""Schemas of stored structs as they are shown: of the struct, without what is hidden of it."""

from stillmotion.dialects.native import views
from stillmotion.dialects.openapi.schemas import TEXT, Json, answered, closed, nullable, one_of, ref, without
from stillmotion.domain.failures import RULES
from stillmotion.domain.job.records import Job


def components() -> dict[str, Json]:
    """A job's record without what is hidden of it, and with what is told beside it."""
    found = answered(Job)
    shown = without(found["Job"], views.HIDDEN_OF_JOB - {"attempts", "failure"})
    beside = {"vendor": nullable(ref("VendorName")), "generation_id": nullable(TEXT)}
    video = {"video": nullable(ref("StoredVideo"))}
    job = closed(
        shown["properties"] | video | beside, description="The whole record, but for what is nobody's business."
    )
    failure = closed({**found["Failure"]["properties"], "advice": one_of(sorted({r.advice for r in RULES.values()}))})
    return found | {
        # Video is what the API calls a job.
        "StoredVideo": found.pop("Video"),
        "Job": job,
        "Attempt": without(found["Attempt"], views.HIDDEN_OF_ATTEMPT),
        "Generation": without(found["Generation"], views.HIDDEN_OF_GENERATION),
        "Failure": failure,
    }
