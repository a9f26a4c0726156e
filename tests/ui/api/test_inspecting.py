"""Which search a session looks into, and how it is asked for."""

from __future__ import annotations

from tests.ui.fake_service import FakeService
from ui.api.client import Service
from ui.api.inspecting import Inspecting, InspectService
from ui.api.narrowing import LAST_PAGE


def test_a_search_is_opened_as_it_was_made_elsewhere() -> None:
    shown: list[bool] = []
    held = Inspecting(lambda: shown.append(True))
    held.choose("c1")
    held.open("What?", "sample", {"author": "Ada"}, (2, 3))
    assert shown == [True]
    assert held.chosen is None
    assert held.asked() == {
        "query": "What?", "collection": "sample", "filters": {"author": "Ada"}, "pages": [2, 3],
    }  # fmt: skip


def test_an_address_leads_back_to_the_search() -> None:
    held, other = Inspecting(lambda: None), Inspecting(lambda: None)
    held.open("What?", "sample", {"author": "Ada"})
    other.follow(held.address())
    assert other.asked() == held.asked()
    opened = other.opened
    other.follow(held.address())
    assert other.opened == opened, "what is typed would start afresh"


def test_a_query_that_is_too_long_for_an_address_stays_out_of_it() -> None:
    held = Inspecting(lambda: None)
    held.open("word " * 3000)
    assert held.address() == {}


def test_another_collection_has_other_filters() -> None:
    held = Inspecting(lambda: None)
    held.open("What?", "sample", {"author": "Ada"})
    held.within(None)
    assert held.asked() == {"query": "What?", "filters": {}}


def test_a_search_opened_from_elsewhere_keeps_its_limits() -> None:
    held = Inspecting(lambda: None)
    held.open("What?", None, {"author": "Ada"}, (3, LAST_PAGE))
    assert held.count == 2
    assert held.span == (3, None)
    assert held.asked()["pages"] == [3, LAST_PAGE]


def test_a_question_is_saved_with_its_source_or_without(fake: FakeService, client: Service) -> None:
    asking = InspectService(client)
    (paper, *_) = fake.store.papers.values()
    made = asking.save("mine", "What?", (paper.id, 0, 4))
    asking.save("mine", "Who?", None)
    assert made["questions"] == 1
    assert [saved["unanswerable"] for saved in fake.store.saved] == [False, True]
