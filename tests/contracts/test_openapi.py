"""The service does what its OpenAPI description says, whatever it is asked."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.service_bench import ServiceBench

# A description cannot tell which threads and filters there are; what it allows may still be refused, properly.
STATEFUL = [positive_data_acceptance]
QUICK = ["/v1/search", "/v1/inspect", "/v1/embeddings", "/v1/threads", "/v1/jobs/{id}"]


def explore(service: ServiceBench, examples: int, paths: list[str] | None = None) -> int:
    """Ask every operation (or those of some paths) for valid and invalid things; how many requests that were."""
    schema = schemathesis.openapi.from_url(f"{service.url}/openapi.json")
    cases = 0

    def ask(case: Case) -> None:
        nonlocal cases
        cases += 1
        case.call_and_validate(excluded_checks=STATEFUL, timeout=20)

    for found in schema.get_all_operations():
        operation = found.ok()
        if paths is None or operation.path in paths:
            for mode in GenerationMode:
                # Any text is a valid part of a path, or of a form.
                json = operation.body and "application/json" in operation.body[0].media_type
                if mode is GenerationMode.POSITIVE or json or operation.query:
                    many(ask, operation.as_strategy(generation_mode=mode), examples)
    return cases


def many(ask: Callable[[Case], None], cases: object, examples: int) -> None:
    """The same cases at every run: a failure can be looked at again."""
    settled = settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    settled(given(cases)(ask))()  # type: ignore[arg-type]


def test_searching_keeps_to_its_description(plain_bench: ServiceBench) -> None:
    assert explore(plain_bench, 5, QUICK) >= 30


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_two_thousand_requests_keep_to_the_description(plain_bench: ServiceBench) -> None:
    assert explore(plain_bench, 65) >= 2000


def test_every_operation_tells_how_it_may_fail(plain_bench: ServiceBench) -> None:
    raw = plain_bench.get("/openapi.json")
    for path, operations in raw["paths"].items():
        for operation in operations.values():
            told = set(operation["responses"])
            assert {"400", "404", "409", "413", "422", "429", "503"} <= told, path
    error = {"$ref": "#/components/schemas/ErrorReply"}
    replies = raw["paths"]["/v1/search"]["post"]["responses"]
    assert replies["429"]["content"]["application/json"]["schema"] == error
    k = raw["components"]["schemas"]["SearchRequest"]["properties"]["k"]
    assert (k["minimum"], k["maximum"]) == (1, 1000)
