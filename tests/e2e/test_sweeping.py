"""An execution that is lost with its emulator, or stopped by somebody: the sweeper sets its job going again."""

from tests.e2e.conftest import LocalStack


def test_a_job_whose_execution_was_stopped_is_completed_by_the_sweeper_and_paid_once(local: LocalStack) -> None:
    prompt = "left alone [[fault:slow seconds=4]]"
    job_id = local.api("POST", "/v1/videos", json={"prompt": prompt}).json()["id"]
    local.wait_for(lambda: local.job(job_id)["status"] == "generating", "generating")
    machine = local.description.state_machine_arn
    execution = machine.replace(":stateMachine:", ":execution:") + f":{job_id}-1"
    local.aws.stepfunctions.stop_execution(executionArn=execution)
    local.wait_for(lambda: local.invoke("sweep", {})["resumed"], "round that finds it")
    job = local.ended(job_id)
    assert (job["status"], job["run"], job["sweeps"]) == ("completed", 2, 1)
    assert len(local.posts(prompt)) == 1
