"""The story over real processes: one that is frozen is named, and what a killed worker did is said not to be known."""

import signal
from collections.abc import Mapping
from typing import Any

import pytest
from support.processes import api_process, worker_process
from support.until import until
from support.world import ApiAtHand, World

from app.observability.faults import FaultCode
from app.resources import Resources
from app.story.explain import explain
from app.story.request_story import Gap, GapCode, RequestStory, StepKind, StoryFault, WaitKind
from sandbox.insurers.script.behaviours import Processing

pytestmark = pytest.mark.processes


async def story_of(resources: Resources, accepted: Mapping[str, Any]) -> RequestStory:
    found = await explain(resources, accepted["quoteRequest"]["id"])
    assert isinstance(found, RequestStory)
    return found


async def owner(resources: Resources, accepted: Mapping[str, Any], label: str) -> str | None:
    """The worker of this label that has the one job, and polls."""
    slot = (await story_of(resources, accepted)).insurers[0].waiting
    is_polling = slot and slot.waits_for is WaitKind.NEXT_POLL and slot.worker.startswith(f"{label}-")
    return slot.worker if slot and is_polling else None


async def silent(resources: Resources, accepted: Mapping[str, Any], worker: str) -> RequestStory | None:
    """The story, once this worker does not answer."""
    story = await story_of(resources, accepted)
    return story if Gap(code=GapCode.PROCESS_SILENT, what=worker) in story.not_known else None


async def stands_still(resources: Resources, accepted: Mapping[str, Any], worker: str) -> bool:
    """Whether the story names this worker as at fault, with the time since its last beat."""
    faults = (await story_of(resources, accepted)).faults
    return any(one.code is FaultCode.PROCESS_SILENT and one.what == worker and one.seconds for one in faults)


async def test_a_worker_that_froze_and_was_killed_is_named_and_the_next_one_is_known(world: World) -> None:
    """The holder of the job is true throughout; the stored trail says from which worker it was taken over."""
    world.set(lease="1s")
    await world.insurers("sever", more={"poll_interval": "300ms"})
    world.sandbox.set_mode("sever", Processing())
    resources = await world.resources()
    async with (
        api_process(world.folder, world.environment) as api_apart,
        worker_process(world.folder, world.environment, "--name", "alpha") as first,
    ):
        api = ApiAtHand(api_apart.url, world.token(), None)
        accepted = await world.accepted(api)
        alpha = await until(lambda: owner(resources, accepted, "alpha"))
        first.signal(signal.SIGSTOP)
        frozen = await until(lambda: silent(resources, accepted, alpha))
        slot = frozen.insurers[0].waiting
        assert slot
        assert slot.worker == alpha, "Redis knows which worker has it"
        await until(lambda: stands_still(resources, accepted, alpha))
        first.kill()
        async with worker_process(world.folder, world.environment, "--name", "beta"):
            beta = await until(lambda: owner(resources, accepted, "beta"))
            world.sandbox.set_mode("sever", None)
            await world.watched(api, accepted)
            story = await story_of(resources, accepted)
    (taken_over,) = [step for step in story.steps if step.kind is StepKind.TAKEN_OVER]
    assert (taken_over.by, taken_over.result) == (beta, alpha)
    assert Gap(code=GapCode.PROCESS_DIED, what=alpha) in story.not_known
    assert StoryFault(code=FaultCode.PROCESS_SILENT, what=alpha, by=beta) in story.faults
    sent = [step for step in story.steps if step.kind is StepKind.SENT]
    assert [step.result for step in sent] == ["quote", "end"]
    assert {step.by.partition("-")[0] for step in sent} == {"api"}
