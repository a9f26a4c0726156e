"""An answer may say what a tool worked out, and nothing that was made up by way of a tool."""

from __future__ import annotations

from typing import Any

import pytest

from agents.answering.claims import grounded
from agents.records.steps import Cancelled, Retrieved, Step, ToolCall, ToolResult
from agents.store.outcome import outcome_of
from agents.tools import TOOLS, Desk
from agents.tools.computed import Computed, computed_in
from tests.agents.shelf import Shelf
from tests.agents.test_table_tool import COSTS, with_table

SUM = {"documents": ["costs.csv"], "sql": "SELECT sum(cost_eur) FROM t1"}


class Run:
    """What one run's tools did on a shelf with a table of costs."""

    def __init__(self) -> None:
        shelf = Shelf()
        shelf.put_parsed("/papers/costs.csv", with_table(COSTS))
        self.desk = Desk(shelf, shelf)
        self.steps: list[Step] = []

    def use(self, name: str, **arguments: Any) -> Run:
        before, id = len(self.desk.passages), f"1.{len(self.steps)}"
        text = TOOLS[name](arguments, self.desk)
        self.steps += [ToolCall(id, name, arguments), ToolResult(id, name, text)]
        if new := tuple(self.desk.passages[before:]):
            self.steps.append(Retrieved(new, 1))
        return self

    def verdict(self, answer: str, question: str = "") -> str:
        computed = computed_in(self.steps, question)
        read = self.desk.library.text
        (claim,) = grounded(answer, self.desk.passages, read, computed=computed).claims
        return claim.verdict


def test_a_sum_of_a_table_that_is_cited_is_supported() -> None:
    run = Run().use("query_table", **SUM)
    assert run.verdict("Both teams together come to 1,500 EUR [1].") == "supported"
    assert run.verdict("Both teams together come to 1,600 EUR [1].") == "unsupported"
    assert run.verdict("Maria Weber was paid 1,500 EUR [1].") == "unsupported"  # the name is none


def test_without_the_tool_s_result_the_same_sentence_is_not_supported() -> None:
    run = Run().use("query_table", documents=["costs.csv"], sql="SELECT * FROM t1")
    assert computed_in(run.steps) == Computed((), frozenset({1}))  # nothing but what stands there
    assert run.verdict("Both teams together come to 1,500 EUR [1].") == "unsupported"


def test_what_is_calculated_from_numbers_that_were_shown_may_be_said() -> None:
    run = Run().use("query_table", **SUM).use("calculator", expression="1200 / 1500")
    assert run.verdict("The red team has 80% of the cost [1].") == "supported"
    assert run.verdict("The red team has 81% of the cost [1].") == "unsupported"
    run.use("calculator", expression="1500 / 7")
    assert run.verdict("The cost of each is 214.29 EUR [1].") == "supported"
    assert run.verdict("The cost of each is 214.28 EUR [1].") == "unsupported"


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("calculator", {"expression": "4711"}),
        ("calculator", {"expression": "4700 + 11"}),
        ("query_table", {"documents": ["costs.csv"], "sql": "SELECT 4711 AS cost FROM t1"}),
        ("query_table", {"documents": ["costs.csv"], "sql": "SELECT 4700 + 11 FROM t1"}),
    ],
)
def test_a_number_made_up_is_not_made_known_by_a_tool(tool: str, arguments: dict[str, Any]) -> None:
    run = Run().use("query_table", documents=["costs.csv"], sql="SELECT * FROM t1")
    run.use(tool, **arguments)
    assert run.verdict("The red team has a cost of 4,711 EUR [1].") == "unsupported"


def test_a_number_of_the_question_may_be_calculated_with() -> None:
    run = Run().use("query_table", **SUM).use("calculator", expression="1500 * 117")
    sentence = "The cost is 175,500 EUR [1]."
    assert run.verdict(sentence) == "unsupported"
    assert run.verdict(sentence, "What would 117 times both teams cost?") == "supported"


def test_a_call_that_failed_makes_nothing_known() -> None:
    call = ToolCall("1.a", "calculator", {"expression": "1 / 0"})
    failed = ToolResult("1.a", "calculator", "1 / 0 = 42", ok=False)
    assert computed_in([call, failed]).values == ()
    assert computed_in([call, ToolResult("1.b", "calculator", "1 + 1 = 2")]).values == ()


def test_results_are_read_in_every_form_that_the_calculator_writes() -> None:
    run = Run()
    for expression in ("10 / 4", "10 / 3", "2 ** 10", "sqrt(2)", "-7 * 3"):
        run.use("calculator", expression=expression)
    assert computed_in(run.steps).values == pytest.approx((2.5, 10 / 3, 1024, 2**0.5, -21))


def test_an_answer_that_broke_off_is_judged_by_what_its_tools_had_worked_out() -> None:
    run = Run().use("query_table", **SUM)
    cut = Cancelled("Both teams together come to 1,500 EUR [1].")
    events = [step.to_json() for step in (*run.steps, cut)]
    (claim,) = outcome_of(events, run.desk.library.text).claims
    assert claim["verdict"] == "supported"


def test_an_answer_that_broke_off_may_say_what_comes_of_a_number_of_the_question() -> None:
    run = Run().use("query_table", **SUM).use("calculator", expression="1500 * 117")
    events = [step.to_json() for step in (*run.steps, Cancelled("The cost is 175,500 EUR [1]."))]
    for question, verdict in (("", "unsupported"), ("And 117 times?", "supported")):
        (claim,) = outcome_of(events, run.desk.library.text, question).claims
        assert claim["verdict"] == verdict
