"""Twenty tasks of several steps on the sample documents, through the real service, agent and tools.

The model works by rules (``tests.agents.policy``); documents, search, tables, notes, memories and approvals are real.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agents.records.record_json import Json
from corpus.catalog import Catalog
from corpus.home import Home
from ingest.pipeline import Pipeline
from ingest.settings import IngestSettings
from tests.agents.policy import Need, PolicyModel, Task, Turn, read, search, tool
from tests.fakes import HashEncoder
from tests.service_bench import ServiceBench, until

SAMPLE = Path(__file__).parents[2] / "corpus" / "sample" / "documents"
FOLDERS = ("code", "guides", "mail", "operations")
FILES = (
    "finance/usage-by-team-2026-q2.csv",
    "finance/budget-2026.xlsx",
    "meetings/2026-04-14-steering-minutes.docx",
)
USAGE = "usage-by-team-2026-q2.csv"
ENERGY = "energy-log-2026-06.csv"

SHARE_THEN = Need(
    "then",
    r"vLLM had been given (90 %) of the memory",
    (search("February incident memory share of vLLM"), read("2026-02-03-out-of-memory.md")),
)
SHARE_NOW = Need(
    "now",
    r"gpu_memory_utilization = (0\.72)",
    (search("gpu_memory_utilization serving"), read("serving.toml")),
)
KEEP_SCRIPT = Need("script", r"KEEP_DAYS=(30)", (search("KEEP_DAYS"), read("nightly_backup.sh")))
KEEP_POLICY = Need(
    "policy",
    r"nightly \| (30 days)",
    (search("catalog vectors snapshots nightly kept days"), read("backup-policy.docx")),
)
OLD_SPEED = Need(
    "old",
    r"Llama-3\.3-70B in NVFP4 at (4\.51)",
    (
        search("steering minutes decode speed tokens per second"),
        read("2026-04-14-steering-minutes.docx"),
    ),
)
NEW_SPEED = Need("new", r"decodes at (34\.57) tokens", OLD_SPEED.ways)
CUT_DAY = Need("cut", r"2026-06-11[,| ]+(2\.69)", (search("power cut energy log"), read(ENERGY)))


def _sql(document: str, sql: str) -> Callable[[Turn], Any]:
    return lambda turn: tool("query_table", documents=[document], sql=sql)


def _table(document: str) -> Need:
    """The table itself, as the passage that rows come from."""
    head = r"(month)" if document == USAGE else r"(date)"
    return Need("table", head + r".{0,40}(?:team|kwh)", (read(document),))


TASKS = (
    Task(
        "compare the memory share",
        (SHARE_THEN, SHARE_NOW),
        answer=lambda t: (
            f"In February vLLM had {t.facts['then']} {t.cite('then')}."
            f" Today it has {t.facts['now']} {t.cite('now')}."
        ),
    ),
    Task(
        "as long as the policy demands",
        (KEEP_SCRIPT, KEEP_POLICY),
        answer=lambda t: (
            f"The script keeps copies {t.facts['script']} days {t.cite('script')}."
            f" The policy demands {t.facts['policy']} {t.cite('policy')}."
        ),
    ),
    Task(
        "how many times faster",
        (OLD_SPEED, NEW_SPEED),
        (
            lambda t: tool(
                "calculator", expression=f"round({t.facts['new']} / {t.facts['old']}, 1)"
            ),
        ),
        lambda t: f"It is {t.value(r'= ([0-9.]+)')} times faster {t.cite('old')}.",
    ),
    Task(
        "requests in June in total",
        (_table(USAGE),),
        (_sql(USAGE, "SELECT sum(requests) AS total FROM t1 WHERE month LIKE '2026-06%'"),),
        lambda t: (
            f"In June there were {t.value(r'total[^0-9]+([0-9]+)')} requests {t.cite('table')}."
        ),
    ),
    Task(
        "which team asked most",
        (_table(USAGE),),
        (
            _sql(
                USAGE,
                "SELECT team, sum(requests) AS n FROM t1 GROUP BY team ORDER BY n DESC LIMIT 1",
            ),
        ),
        lambda t: f"It was {t.value(r'team . n *.([a-z]+)')} {t.cite('table')}.",
    ),
    Task(
        "share of the analysis team",
        (_table(USAGE),),
        (
            _sql(USAGE, "SELECT sum(requests) AS total FROM t1 WHERE month LIKE '2026-06%'"),
            lambda t: tool(
                "calculator",
                expression=f"round(5760 / {t.value(r'total[^0-9]+([0-9]+)')} * 100, 1)",
            ),
        ),
        lambda t: f"It made {t.value(r'= ([0-9.]+)')} per cent of them {t.cite('table')}.",
    ),
    Task(
        "highest consumption",
        (_table(ENERGY),),
        (_sql(ENERGY, "SELECT kwh, note FROM t1 ORDER BY kwh DESC LIMIT 1"),),
        lambda t: f"The most was {t.value(r'([0-9.]+) . fine-tuning')} kWh {t.cite('table')}.",
    ),
    Task(
        "day of the power cut",
        (CUT_DAY,),
        answer=lambda t: f"The box used {t.facts['cut']} kWh {t.cite('cut')}.",
    ),
    Task(
        "find the runbook and read",
        (
            Need(
                "file",
                r"(ORIGIN)",
                (
                    search("file beside the weights of a quantized model"),
                    read("quantization-formats.pdf"),
                ),
            ),
        ),
        answer=lambda t: f"A file named {t.facts['file']} must be there {t.cite('file')}.",
    ),
    Task(
        "which incidents are there",
        (Need("cause", r"(QLoRA run)", (read("2026-02-03-out-of-memory.md"),)),),
        (lambda t: tool("list_documents", words="incident"),),
        lambda t: f"The one of February began with a {t.facts['cause']} {t.cite('cause')}.",
    ),
    Task(
        "days passed between the February incident",
        (
            Need("day", r"Date \| (3 February 2026)", (read("2026-02-03-out-of-memory.md"),)),
            Need("switch", r"(2026-04-21)", (read("change-log.md"),)),
        ),
        (lambda t: tool("date", date=t.facts["day"], until=t.facts["switch"]),),
        lambda t: f"It was {t.value(r'it is ([0-9]+) days')} days {t.cite('day', 'switch')}.",
    ),
    Task(
        "Tell me about the incident.",
        answer=lambda t: "Do you mean the one of February, of March or of June?",
    ),
    Task(
        "The one of February.",
        (
            Need(
                "length",
                r"Duration for users \| (39 minutes)",
                (read("2026-02-03-out-of-memory.md"),),
            ),
        ),
        answer=lambda t: f"Chat was down for {t.facts['length']} {t.cite('length')}.",
    ),
    Task(
        "write a note with the port",
        (
            Need(
                "port", r"port = (8002)", (search("port small model serving"), read("serving.toml"))
            ),
        ),
        (
            lambda t: tool(
                "write_note", title="Port", text=f"The small model listens on {t.facts['port']}."
            ),
        ),
        lambda t: f"The note says {t.facts['port']} {t.cite('port')}.",
    ),
    Task(
        "what does my note say",
        (),
        (lambda t: tool("read_notes", title="Port"),),
        lambda t: f"It says port {t.value(r'listens on ([0-9]+)')}.",
    ),
    Task(
        "remember that I work on Tuesdays",
        (),
        (lambda t: tool("remember", text="The person works on Tuesdays."),),
        lambda t: "I will remember." if "Remembered" in t.results[-1] else "Then I will not.",
    ),
    Task(
        "when do I work",
        (),
        (lambda t: tool("recall", query="days on which the person works"),),
        lambda t: f"You work on {t.value(r'works on ([A-Z][a-z]+)')}.",
    ),
    Task(
        "only in the mails",
        (
            Need(
                "cache",
                r"grew to (1\.3 TB)",
                (search("engine cache grew", documents=["engine-choice.eml"]),),
            ),
        ),
        answer=lambda t: f"The cache grew to {t.facts['cache']} {t.cite('cache')}.",
    ),
    Task(
        "memory does the small pipeline need",
        (
            Need(
                "need",
                r"about (13 GiB)",
                (search("RAG pipeline memory GiB"), read("rag-pipeline.md")),
            ),
        ),
        answer=lambda t: f"It needs {t.facts['need']} {t.cite('need')}.",
    ),
    Task(
        "And together with the large chat model",
        (
            Need(
                "large",
                r"(65\.9)",
                (search("GPT-OSS-120B MXFP4 memory"), read("quantization-formats.pdf")),
            ),
        ),
        (
            lambda t: tool(
                "calculator",
                expression=f"{t.facts['large']} + {_of(t.before, r'needs (?:about )?([0-9]+)')}",
            ),
        ),
        lambda t: f"Together {t.value(r'= ([0-9.]+)')} GiB {t.cite('large')}.",
    ),
    Task("capital of Australia", (Need("no", r"(Canberra)", (search("capital of Australia"),)),)),
)


def _of(texts: list[str], pattern: str) -> str:
    return next(m[1] for text in reversed(texts) if (m := re.search(pattern, text)))


@pytest.fixture(scope="module")
def sample_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    papers = folder / "documents"
    for name in FOLDERS:
        skip = shutil.ignore_patterns("*scan*")
        shutil.copytree(SAMPLE / name, papers / name, ignore=skip)
    for name in FILES:
        (papers / name).parent.mkdir(exist_ok=True)
        shutil.copy(SAMPLE / name, papers / name)
    home = Home(folder / "home")
    with closing(Catalog(home)) as catalog:
        settings = IngestSettings(workers=1)
        with closing(Pipeline(home, catalog, HashEncoder(), settings)) as pipeline:
            pipeline.sync([papers], "sample")
    return home.root


@pytest.fixture(scope="module")
def service(sample_home: Path) -> Iterator[ServiceBench]:
    with PolicyModel(TASKS) as model:
        bench = ServiceBench(sample_home, model, llm={"first_token_s": 20, "gap_s": 20})
        bench.start()
        yield bench
        bench.close()


def decided(bench: ServiceBench, question: str, verdict: str) -> Json:
    """The message of a run whose one approval is decided."""
    ids = bench.ask(question, mode="agent")
    until(lambda: bench.get(f"/v1/runs/{ids['run']}")["state"] != "running", 30)
    (asked,) = bench.get("/v1/approvals", params={"state": "asked"})["approvals"]
    bench.post(f"/v1/approvals/{asked['id']}", {"verdict": verdict})
    list(bench.events(ids["run"]))
    return bench.message(ids)


def sources(message: Json) -> set[str]:
    return {citation["source"].rsplit("/", 1)[-1] for citation in message["citations"]}


@pytest.mark.parametrize(
    ("question", "facts", "documents"),
    [
        (
            "Please compare the memory share vLLM had in February and has today.",
            ("90 %", "0.72"),
            {"2026-02-03-out-of-memory.md", "serving.toml"},
        ),
        (
            "Does the script keep copies as long as the policy demands?",
            ("30 days",),
            {"nightly_backup.sh", "backup-policy.docx"},
        ),
        (
            "By how many times faster is the new chat model?",
            ("7.7 times",),
            {"2026-04-14-steering-minutes.docx"},
        ),
        ("How many requests in June in total?", ("11100",), {USAGE}),
        ("Say which team asked most.", ("analysis",), {USAGE}),
        ("What was the share of the analysis team in June?", ("51.9",), {USAGE}),
        ("What was the highest consumption in June?", ("4.92 kWh",), {ENERGY}),
        ("How much did the box use on the day of the power cut?", ("2.69",), {ENERGY}),
        (
            "Please find the runbook and read what must lie beside weights.",
            ("ORIGIN",),
            {"quantization-formats.pdf"},
        ),
        (
            "List which incidents are there and read one.",
            ("QLoRA run",),
            {"2026-02-03-out-of-memory.md"},
        ),
        (
            "How many days passed between the February incident and the new model?",
            ("77 days",),
            {"2026-02-03-out-of-memory.md", "change-log.md"},
        ),
        (
            "Searching only in the mails: how large did the cache grow?",
            ("1.3 TB",),
            {"engine-choice.eml"},
        ),
    ],
)
def test_a_task_of_several_steps(
    service: ServiceBench, question: str, facts: tuple[str, ...], documents: set[str]
) -> None:
    events, message = service.answer(question, mode="agent")
    assert events[-1]["kind"] == "answered", events[-1]
    assert all(fact in message["content"] for fact in facts), message["content"]
    assert sources(message) == documents
    assert len([e for e in events if e["kind"] == "tool_call"]) >= 1
    assert not message["abstained"]


def test_an_unclear_question_is_asked_back_and_the_answer_to_it_understood(
    service: ServiceBench,
) -> None:
    thread = service.thread()
    _, message = service.answer("Tell me about the incident.", mode="agent", thread=thread)
    assert message["content"].endswith("?")
    assert (message["abstained"], message["citations"], message["error"]) == (False, [], None)
    _, message = service.answer("The one of February.", mode="agent", thread=thread)
    assert "39 minutes" in message["content"]
    assert sources(message) == {"2026-02-03-out-of-memory.md"}


def test_a_note_is_written_once_it_is_approved_and_read_in_another_thread(
    service: ServiceBench,
) -> None:
    message = decided(service, "Please write a note with the port of the small model.", "approve")
    assert "8002" in message["content"]
    assert sources(message) == {"serving.toml"}
    _, message = service.answer("And what does my note say?", mode="agent")
    assert "port 8002" in message["content"]


def test_what_is_remembered_is_recalled_in_another_thread(service: ServiceBench) -> None:
    message = decided(service, "Please remember that I work on Tuesdays.", "approve")
    assert message["content"] == "I will remember."
    _, message = service.answer("Tell me when do I work?", mode="agent")
    assert "Tuesdays" in message["content"]


def test_a_rejected_call_is_not_done_and_the_run_goes_on(service: ServiceBench) -> None:
    before = len(service.app.chats.memories.recall("", "Tuesdays", 20))
    message = decided(service, "Again: remember that I work on Tuesdays.", "reject")
    assert message["content"] == "Then I will not."
    assert len(service.app.chats.memories.recall("", "Tuesdays", 20)) == before


def test_a_follow_up_builds_on_the_turn_before(service: ServiceBench) -> None:
    thread = service.thread()
    _, message = service.answer(
        "How much memory does the small pipeline need?", mode="agent", thread=thread
    )
    assert "13 GiB" in message["content"]
    _, message = service.answer(
        "And together with the large chat model?", mode="agent", thread=thread
    )
    assert "78.9 GiB" in message["content"]
    assert sources(message) == {"quantization-formats.pdf"}


def test_what_the_documents_do_not_say_is_refused(service: ServiceBench) -> None:
    _, message = service.answer("What is the capital of Australia?", mode="agent")
    assert message["abstained"]
    assert message["citations"] == []
