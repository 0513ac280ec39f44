"""Every fault does what its name says, is counted, and what was accepted is billed whatever was answered."""

from typing import Any

import pytest

from stillmotion_local.vendors.connections import ConnectionSevered


def accepted(vendors: Any, vendor: str) -> int:
    return int(vendors.ledger()["vendors"][vendor]["accepted"])


def finished(vendors: Any, prompt: str) -> str:
    prediction_id = str(vendors.wavespeed(prompt).json()["data"]["id"])
    vendors.settled(prediction_id)
    return prediction_id


def fetched(vendors: Any, prompt: str) -> Any:
    prediction_id = finished(vendors, prompt)
    return vendors.http.get(vendors.predict(prediction_id).json()["data"]["outputs"][0])


@pytest.mark.parametrize(
    ("fault", "apiframe", "wavespeed"),
    [
        ("throttle", 429, 429),
        ("throttle_bare", 429, 429),
        ("unauthorized", 401, 401),
        ("out_of_credits", 402, 403),
        ("forbidden", 403, 403),
        ("unavailable_503", 503, 503),
        ("invalid", 400, 400),
    ],
)
def test_a_refusal_bills_nothing_and_a_retry_succeeds(vendors: Any, fault: str, apiframe: int, wavespeed: int) -> None:
    prompt = f"a fox [[fault:{fault} vendor=apiframe times=1]] [[fault:{fault} vendor=wavespeed times=1]]"
    assert vendors.apiframe(prompt).status_code == apiframe
    assert vendors.wavespeed(prompt).status_code == wavespeed
    assert vendors.ledger()["generations"] == []
    assert vendors.ledger()["faults"] == {fault: 2}
    assert vendors.apiframe(prompt).status_code == 202
    assert vendors.wavespeed(prompt).status_code == 200


def test_throttle_tells_when_to_come_back_and_its_bare_form_does_not(vendors: Any) -> None:
    assert vendors.wavespeed("[[fault:throttle retry_after=7]]").headers["retry-after"] == "7"
    assert "retry-after" not in vendors.wavespeed("[[fault:throttle_bare]]").headers


@pytest.mark.parametrize("status", [500, 502, 504])
def test_accepted_then_a_server_error_is_billed(vendors: Any, status: int) -> None:
    assert vendors.wavespeed(f"[[fault:accept_then_{status}]]").status_code == status
    assert accepted(vendors, "wavespeed") == 1
    (post,) = vendors.posts()
    assert (post["status"], post["generation_id"]) == (status, vendors.ledger()["generations"][0]["id"])


def test_drop_after_accept_is_billed_and_a_replay_by_key_finds_it(vendors: Any) -> None:
    prompt = "a fox [[fault:drop_after_accept times=1]]"
    with pytest.raises(ConnectionSevered):
        vendors.apiframe(prompt, key="k")
    assert accepted(vendors, "apiframe") == 1
    answer = vendors.apiframe(prompt, key="k")
    assert answer.json()["jobId"] == vendors.ledger()["generations"][0]["id"]
    assert accepted(vendors, "apiframe") == 1
    assert [(post["status"], post["lost"]) for post in vendors.posts()] == [(None, "dropped"), (202, None)]


def test_never_answer_is_billed_and_ends_when_its_time_is_over(vendors: Any) -> None:
    with pytest.raises(ConnectionSevered):
        vendors.wavespeed("[[fault:never_answer seconds=0]]")
    assert accepted(vendors, "wavespeed") == 1
    assert vendors.posts()[0]["lost"] == "never_answered"


def test_malformed_json_of_a_submission_is_billed(vendors: Any) -> None:
    answer = vendors.wavespeed("[[fault:malformed_json]]")
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        answer.json()
    assert accepted(vendors, "wavespeed") == 1


def test_malformed_json_of_a_read_lasts_as_many_reads_as_it_says(vendors: Any) -> None:
    prediction_id = finished(vendors, "[[fault:malformed_json at=read times=2]]")
    for _ in range(2):
        with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
            vendors.predict(prediction_id).json()
    assert vendors.predict(prediction_id).json()["data"]["status"] == "completed"


def test_an_unknown_state_is_shown_and_passes(vendors: Any) -> None:
    prediction_id = finished(vendors, "[[fault:unknown_state word=dreaming]]")
    assert vendors.predict(prediction_id).json()["data"]["status"] == "dreaming"
    assert vendors.predict(prediction_id).json()["data"]["status"] == "completed"


def test_apiframe_shows_an_unknown_state_in_capitals(vendors: Any) -> None:
    job_id = vendors.apiframe("[[fault:unknown_state word=dreaming times=forever]]").json()["jobId"]
    assert vendors.read(job_id).json()["status"] == "DREAMING"


def test_reads_fail_as_often_as_they_are_told(vendors: Any) -> None:
    prediction_id = finished(vendors, "[[fault:read_500 times=2]]")
    assert [vendors.predict(prediction_id).status_code for _ in range(3)] == [500, 500, 200]


@pytest.mark.parametrize(
    ("fault", "wavespeed_status", "code", "apiframe_status"),
    [
        ("failed_task", "failed", 1405, "FAILED"),
        ("failed_task code=5003", "failed", 5003, "FAILED"),
        ("moderated", "failed", 1200, "FAILED"),
        ("generation_failed", "failed", 1403, "FAILED"),
        ("cancelled", "cancelled", 1403, "CANCELLED"),
        ("timeout", "timeout", 1403, "FAILED"),
    ],
)
def test_a_declared_failure_is_told_with_http_200_and_refunded(
    vendors: Any, fault: str, wavespeed_status: str, code: int, apiframe_status: str
) -> None:
    prediction_id = finished(vendors, f"[[fault:{fault}]]")
    answer = vendors.predict(prediction_id)
    assert answer.status_code == 200
    assert (answer.json()["data"]["status"], answer.json()["data"]["code"]) == (wavespeed_status, code)
    job_id = vendors.apiframe(f"[[fault:{fault}]]").json()["jobId"]
    vendors.settled(job_id)
    assert vendors.read(job_id).json()["status"] == apiframe_status
    assert all(line["refunded"] for line in vendors.ledger()["generations"])


def test_a_failure_may_be_billed_all_the_same(vendors: Any) -> None:
    finished(vendors, "[[fault:generation_failed billed=yes]]")
    assert vendors.ledger()["vendors"]["wavespeed"]["refunded"] == 0


def test_a_task_may_fail_in_the_answer_to_its_submission(vendors: Any) -> None:
    data = vendors.wavespeed("[[fault:failed_task code=1401 at=submit]]").json()["data"]
    assert (data["status"], data["code"]) == ("failed", 1401)


def test_code_5004_is_only_the_end_of_waiting(vendors: Any) -> None:
    prediction_id = finished(vendors, "[[fault:failed_task code=5004]]")
    first = vendors.predict(prediction_id).json()["data"]
    assert (first["status"], first["code"]) == ("failed", 5004)
    assert vendors.predict(prediction_id).json()["data"]["status"] == "completed"


def test_stuck_stays_in_processing(vendors: Any) -> None:
    prediction_id = vendors.wavespeed("[[fault:stuck]]").json()["data"]["id"]
    while not vendors.ledger()["faults"]:
        pass
    vendors.clock.move_on(30 * 86_400)
    assert vendors.predict(prediction_id).json()["data"]["status"] == "processing"


def test_slow_is_not_done_before_its_time(vendors: Any) -> None:
    job_id = vendors.apiframe("[[fault:slow seconds=600]]").json()["jobId"]
    while not vendors.ledger()["faults"]:
        pass
    assert vendors.read(job_id).json()["status"] == "PROCESSING"
    assert vendors.read(job_id).json()["progress"] < 99


@pytest.mark.parametrize(
    ("fault", "status", "content_type", "length"),
    [
        ("video_empty", 200, "video/mp4", 0),
        ("video_html", 200, "text/html; charset=utf-8", None),
        ("video_expired", 404, "text/plain; charset=utf-8", None),
        ("video_expired status=410", 410, "text/plain; charset=utf-8", None),
        ("video_truncated bytes=100", 200, "video/mp4", 100),
    ],
)
def test_a_video_goes_wrong_once_and_is_whole_the_second_time(
    vendors: Any, fault: str, status: int, content_type: str, length: int | None
) -> None:
    prediction_id = finished(vendors, f"[[fault:{fault} times=1]]")
    url = vendors.predict(prediction_id).json()["data"]["outputs"][0]
    first = vendors.http.get(url)
    assert (first.status_code, first.headers["content-type"]) == (status, content_type)
    assert length is None or int(first.headers["content-length"]) == len(first.content) == length
    assert vendors.http.get(url).content[4:8] == b"ftyp"


def test_a_video_redirects_to_where_it_is_told(vendors: Any) -> None:
    answer = fetched(vendors, "[[fault:video_redirect to=https://elsewhere.example/v.mp4]]")
    assert (answer.status_code, answer.headers["location"]) == (302, "https://elsewhere.example/v.mp4")
    answer = fetched(vendors, "[[fault:video_redirect]]")
    assert vendors.http.get(answer.headers["location"]).status_code == 200


def test_a_slow_drip_is_whole_in_the_end(vendors: Any) -> None:
    answer = fetched(vendors, "[[fault:video_slow_drip seconds=0]]")
    assert len(answer.content) == int(answer.headers["content-length"]) > 1000


def test_a_wrong_length_ends_in_a_closed_connection(vendors: Any) -> None:
    with pytest.raises(ConnectionSevered):
        fetched(vendors, "[[fault:video_wrong_length]]")


def test_a_large_video_is_padded_with_a_box_that_players_skip(vendors: Any) -> None:
    answer = fetched(vendors, "[[fault:video_large megabytes=3]]")
    assert len(answer.content) == int(answer.headers["content-length"])
    assert answer.content[-3_000_000:][:8] == (3_000_000).to_bytes(4) + b"free"


@pytest.mark.parametrize("shape", ["string", "videos"])
def test_apiframes_result_comes_in_each_documented_shape(vendors: Any, shape: str) -> None:
    job_id = vendors.apiframe(f"[[fault:result_shape as={shape}]]").json()["jobId"]
    vendors.settled(job_id)
    result = vendors.read(job_id).json()["result"]
    url = result if shape == "string" else result["videos"][0]
    assert vendors.http.get(url).status_code == 200


def test_an_unknown_fault_is_refused_aloud(vendors: Any) -> None:
    assert "no such fault" in vendors.wavespeed("[[fault:nope]]").json()["message"]
    assert vendors.apiframe("[[fault:nope]]").status_code == 400


def test_the_plan_strikes_without_a_marker_and_can_be_taken_back(vendors: Any) -> None:
    plan = {"rules": [{"fault": "unavailable_503", "vendor": "wavespeed", "nth": [2]}]}
    assert vendors.http.put("/_offline/faults", json=plan).status_code == 200
    assert [vendors.wavespeed().status_code for _ in range(3)] == [200, 503, 200]
    assert vendors.http.get("/_offline/faults").json()["fired"] == {"unavailable_503": 1}
    assert vendors.http.put("/_offline/faults", json={"rules": [{"fault": "nope"}]}).status_code == 400


def test_limits_refuse_what_goes_beyond_and_count_it(vendors: Any) -> None:
    limits = {"wavespeed": {"concurrent": 1}, "apiframe": {"per_minute": 1}}
    vendors.http.put("/_offline/faults", json={"limits": limits})
    assert [vendors.wavespeed("[[fault:stuck]]").status_code for _ in range(2)] == [200, 429]
    assert vendors.apiframe().status_code == 202
    refused = vendors.apiframe()
    assert (refused.status_code, int(refused.headers["retry-after"]) > 50) == (429, True)
    accounts = vendors.ledger()["vendors"]
    assert accounts["wavespeed"]["limit_violations"] == {"concurrent": 1, "per_minute": 0}
    assert accounts["apiframe"]["limit_violations"] == {"concurrent": 0, "per_minute": 1}
    vendors.clock.move_on(61)
    assert vendors.apiframe().status_code == 202
