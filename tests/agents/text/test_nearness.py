"""Memories are found by what they mean where an encoder is loaded, else by their words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from agents.store.memory import Chats
from agents.text.nearness import Nearness
from corpus.home import Home
from retrieval.protocols import Encoder
from retrieval.settings import EmbeddingSettings
from retrieval.spaces import load_for
from tests.fakes import HashEncoder

MEMORIES = """Prefers metric units in all answers.
Works as a site engineer for the harbour authority in Rotterdam.
Her dog is called Bilbo and is afraid of thunder.
The quarterly report is due on the second Monday of March.
Is allergic to penicillin.
Wants answers in Dutch when the question is in Dutch.
The budget for the pump replacement is 48,000 euros.
Reports to Marieke de Vries, the head of maintenance.
Does not eat meat or fish.
The server room is on the third floor, room 3.14.
Uses Emacs and dislikes the mouse.
The lease of the warehouse ends on 30 June 2027.
Her sister Ines lives in Lisbon.
Prefers short answers without bullet lists.
The pilot plant uses sodium hydroxide at 12 per cent.
Flies to Oslo every first week of the month.
The contract with Nordwind was signed in 2021.
The team meets on Tuesdays at nine.
Broke her left wrist in 2019 and types slowly.
The password manager of the team is KeePass.
Her favourite colour is teal.
Backups of the finance database run on Sundays.
Learns Portuguese with a tutor.
The coffee machine in the kitchen needs descaling every six weeks.
The emergency number of the plant is 5566.
Calls the control software by its old name, Kestrel.
Owns a red Brompton folding bicycle.
The audit by Deloitte starts on 4 October.
Wants figures rounded to two decimals.
The children are at school in Delft, Noor in year four and Sam in year one.
Her doctorate was about corrosion of sheet piles.
The supplier of valves is Hansen & Sons in Bergen.
Turns the heating down to 17 degrees at night.
Has a standing desk and asks for breaks.
The quay wall inspection is done by divers every two years.
Is left-handed.
The project code for dredging is DR-207.
Holidays are planned from 12 to 30 August in the Dolomites.
The old crane was scrapped in 2022 and must not be mentioned in reports.
Prefers to be addressed as Dr. Janssen.
The wind limit for lifting is 12 metres per second.
Sings alto in the city choir on Thursday evenings.
The insurance policy of the fleet is with Allianz.
Gets migraines from flickering screens.
The laptop runs Fedora 40.
The new intern is called Tomasz and starts in September.
Keeps invoices for seven years in the blue archive.
Her mother tongue is Frisian.
The gate code for deliveries changes every Friday.
The steel grade for the piles is S355.
Wants sources to be cited with page numbers.
The test rig was calibrated on 3 May.
Never schedules calls after four in the afternoon.
The drawings are kept in the folder north of the share, under Quay 7.
Runs half marathons; the next one is in Utrecht.
The maximum draught at berth three is 9.4 metres.
The union representative is Joost Bakker.
Has bought tickets for the concert on 19 November.
Thinks in scenarios and asks for a best and a worst case.
The chlorine sensor was replaced because it drifted.""".splitlines()
QUESTIONS = [  # and the number of the memory that each needs
    ("Is the pump replacement within budget?", 6),
    ("Can I give her amoxicillin for the infection?", 4),
    ("Which restaurant menu would suit me?", 8),
    ("Convert the height of the dam for me", 0),
    ("How heavy is a cubic yard of sand?", 0),
    ("When is the quarterly report due?", 3),
    ("Who is my boss?", 7),
    ("What is the name of my pet?", 2),
    ("Where do I find the servers?", 9),
    ("How long may we still stay in the warehouse?", 11),
    ("Which editor do I work with?", 10),
    ("Where does Ines live?", 12),
    ("How should I format my replies to you?", 13),
    ("How strong is the lye in the pilot plant?", 14),
    ("When will I be in Norway?", 15),
    ("Since when do we work with Nordwind?", 16),
    ("At what time is the team meeting?", 17),
    ("Why do I type with one hand?", 18),
    ("Where do we keep our passwords?", 19),
    ("On which day is the finance database backed up?", 21),
    ("Which language am I learning?", 22),
    ("When was the espresso machine last descaled, and how often is it needed?", 23),
    ("Whom do I call in an emergency at the plant?", 24),
    ("What is Kestrel?", 25),
    ("What bike do I ride?", 26),
    ("When do the auditors come?", 27),
    ("How many digits after the decimal point should the table have?", 28),
    ("In which class is my son?", 29),
    ("What was my PhD thesis on?", 30),
    ("Who delivers our valves?", 31),
    ("How often do divers inspect the quay wall?", 34),
    ("Under which code do I book the dredging hours?", 36),
    ("Am I away in the middle of August?", 37),
    ("May the report tell of the crane?", 38),
    ("Above what wind speed must lifting stop?", 40),
    ("Who insures our vehicles?", 42),
    ("Which operating system is on my notebook?", 44),
    ("How long do we have to store bills?", 46),
    ("Can we phone at five?", 52),
    ("How deep may a ship at berth three lie in the water?", 55),
]


def found(near: Nearness, most: int = 5) -> int:
    """For how many of the questions the right memory is among the first."""
    count = 0
    for question, wanted in QUESTIONS:
        nearness = near(question, MEMORIES)
        count += sum(n >= nearness[wanted] for n in nearness) <= most  # among equals it is the last
    return count


def test_without_an_encoder_words_decide() -> None:
    assert found(Nearness(lambda: None)) == 23


@pytest.mark.full
def test_with_the_encoder_that_comes_along_meaning_decides(tmp_path: Path) -> None:
    encoder, _ = load_for(EmbeddingSettings(model="all-MiniLM-L6-v2"), Home(tmp_path), None)
    assert found(Nearness(lambda: encoder)) >= 38


class Counting(HashEncoder):
    """Notes how many texts it was given at a time."""

    def __init__(self, name: str = "hash") -> None:
        super().__init__(name=name)
        self.batches: list[int] = []

    def encode_passages(self, texts: Sequence[str]) -> np.ndarray:
        self.batches.append(len(texts))
        return super().encode_passages(texts)


def test_a_text_is_embedded_once_and_only_so_many_at_a_time() -> None:
    encoder = Counting()
    near = Nearness(lambda: encoder)
    texts = [f"memory number {n}" for n in range(150)]
    for _ in range(5):
        assert len(near("number", texts)) == 150
    assert encoder.batches == [64, 64, 22]
    near("number", [*texts, "a new one"])
    assert encoder.batches[3:] == [1]


def test_what_is_not_embedded_yet_is_found_by_its_words() -> None:
    encoder = Counting()
    texts = [f"nothing of note {n}" for n in range(100)] + ["the zebra sleeps"]
    nearness = Nearness(lambda: encoder)("Where is the zebra?", texts)
    assert max(range(101), key=lambda n: nearness[n]) == 100


def test_another_encoder_embeds_anew() -> None:
    encoders = [Counting("one"), Counting("other")]
    current: list[Encoder] = [encoders[0]]
    near = Nearness(lambda: current[0])
    near("tea", ["tea", "coffee"])
    current[0] = encoders[1]
    near("tea", ["tea", "coffee"])
    assert [e.batches for e in encoders] == [[2], [2]]


def test_half_characters_and_empty_words_are_no_fault() -> None:
    for encoder in (None, HashEncoder()):
        near = Nearness(lambda encoder=encoder: encoder)
        assert len(near("caf\udce9", ["caf\udce9", ""])) == 2
        assert near("", []) == []


def test_memories_are_recalled_by_what_is_loaded(tmp_path: Path) -> None:
    loaded: list[Encoder] = []
    chats = Chats(Home(tmp_path), lambda: loaded[0] if loaded else None)
    for text in ("likes apples and pears", "pears", "drinks tea"):
        chats.memories.remember("ada", text, "you")
    assert chats.memories.recall("ada", "pears")[0].text == "pears"
    assert chats.memories.recall("ada", "xyz")[0].text == "drinks tea"
    encoder = Counting()
    loaded.append(encoder)
    assert chats.memories.recall("ada", "pears", 1)[0].text == "pears"
    assert encoder.batches == [3]
    assert chats.memories.recall("bob", "pears") == []
    chats.close()
